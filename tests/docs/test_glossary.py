"""Text that users see has one word for one thing: the glossary's, and no other.

retired_terms.tsv lists a retired wording (a regular expression, matched at word boundaries) and the term to use.
Exempt is what is quoted: text in backticks or in double quotation marks is somebody else's, a headline or a program's.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import visible_text

ROOT = Path(__file__).parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
_QUOTED = re.compile(r"`[^`]*`|“[^”]*”|\"[^\"]*\"")


def retired() -> list[tuple[str, str]]:
    lines = (Path(__file__).parent / "retired_terms.tsv").read_text(encoding="utf-8").splitlines()
    return [(old, new) for old, new in (line.split("\t") for line in lines)]


def test_no_text_that_users_see_holds_a_retired_term() -> None:
    patterns = [(re.compile(rf"\b(?:{old})\b", re.IGNORECASE), new) for old, new in retired()]
    found = [
        f"{text.place}: {hit[0]!r}: use {new}"
        for text in visible_text.everything()
        if not text.place.startswith("docs/mistakes.md")  # what analysts do wrong, in their words
        for pattern, new in patterns
        for hit in pattern.finditer(_QUOTED.sub("", text.text))
    ]
    assert not found, "\n".join(found)


def test_no_text_that_users_see_holds_guillemets() -> None:
    found = [text for text in visible_text.everything() if re.search("[«»]", _QUOTED.sub("", text.text))]
    assert [text.place for text in found] == []


def test_terms_of_the_glossary_are_each_explained_once() -> None:
    terms = re.findall(r"^\| ([^|]+) \|", GLOSSARY, re.MULTILINE)
    terms = [term for row in terms for term in row.split(", ") if term not in ("term", "---")]
    assert len(set(terms)) == len(terms)
    assert {"feed", "story", "near miss", "heartbeat", "retention", "lease"} <= set(terms)


@pytest.mark.parametrize("name", ["", "feeds", "database", "ledger"])
def test_the_list_of_commands_shows_each_description_whole(name: str) -> None:
    command = visible_text.command(name)
    cut = [inner for inner, found in command.commands.items() if found.get_short_help_str(62).endswith("...")]
    assert [inner for inner in cut if inner != "stories"] == []
