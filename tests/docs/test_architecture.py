"""docs/architecture.md shows the current layers and tables."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from bot.storage import schema

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    match = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert match, f"docs/architecture.md has no heading «{heading}»"
    return match[1]


def test_the_layers_are_those_that_the_linter_checks() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [floors] = [contract for contract in settings["tool"]["importlinter"]["contracts"] if contract["type"] == "layers"]
    assert _floors() == floors["layers"]


def test_each_table_has_its_place_and_no_table_is_named_that_is_none() -> None:
    named = {name for row in re.findall(r"^\|(.+)\|$", section("Where state is"), re.MULTILINE) for name in _names(row)}
    assert named == set(schema.metadata.tables)


def _names(row: str) -> list[str]:
    return re.findall(r"`([a-z_]+)`", row)


def _floors() -> list[str]:
    # A description of the layer follows several spaces.
    return [re.split(r"\s{2,}", line.strip())[0] for line in section("The layers").splitlines() if line[:4] == "    "]
