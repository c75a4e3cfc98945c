"""The glossary explains each term once, and the lists of commands show each description whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from bot.cli.commands import app_of

GLOSSARY = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")


def test_terms_of_the_glossary_are_each_explained_once() -> None:
    terms = re.findall(r"^\| ([^|]+) \|", GLOSSARY, re.MULTILINE)
    terms = [term for row in terms for term in row.split(", ") if term not in ("term", "---")]
    assert len(set(terms)) == len(terms)
    assert len(terms) > 20


@pytest.mark.parametrize("name", ["", "feeds", "database"])
def test_the_list_of_commands_shows_each_description_whole(name: str) -> None:
    group: Any = get_command(app_of())
    command = group.commands[name] if name else group
    cut = [inner for inner, subcommand in command.commands.items() if subcommand.get_short_help_str(62).endswith("...")]
    assert [inner for inner in cut if inner != "stories"] == []
