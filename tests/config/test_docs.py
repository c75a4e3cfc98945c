"""The examples of the pages are good configurations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.config import folders

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```yaml\n# (bot\.yaml|feeds\.yaml|rules)\b[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples() -> list[Any]:
    """Return (file, text) of each block that names its file in its first line; recipes.md has a separate test."""
    pages = [page for page in sorted(DOCS.glob("*.md")) if page.name not in ("recipes.md", "rules.md", "start.md")]
    return [
        pytest.param(file, text, id=f"{page.stem}-{number}")
        for page in pages
        for number, (file, text) in enumerate(_BLOCK.findall(page.read_text(encoding="utf-8")))
    ]


@pytest.mark.parametrize(("file", "text"), examples())
def test_every_example_is_good(file: str, text: str, tmp_path: Path) -> None:
    folder = folders.make(tmp_path)
    if file == "bot.yaml" and "channels:" not in text:
        text = folders.BOT + text
    folders.write(folder, {"rules/a.yaml" if file == "rules" else file: text})
    errors = [
        problem
        for problem in folders.check(folder)
        if problem.severity == "error" and not (file == "bot.yaml" and problem.file.endswith("rules/a.yaml"))
    ]
    assert errors == []
