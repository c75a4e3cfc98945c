"""The recipes in docs/recipes.md are accepted, and their rules match as described."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.config import folders

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
RECIPES = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
#: A file's name and its text. A file is checked together with the earlier files of its recipe.
_BLOCK = re.compile(r"^```yaml\n# (bot\.yaml|feeds\.yaml|rules/[a-z-]+\.yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def title(recipe: str) -> str:
    return recipe.partition("\n")[0]


@pytest.mark.parametrize("recipe", RECIPES, ids=title)
def test_each_block_of_yaml_is_checked_without_an_error(recipe: str, tmp_path: Path) -> None:
    blocks = _BLOCK.findall(recipe)
    assert len(blocks) == recipe.count("```yaml"), "begin each block with a comment that names its file"
    folder = folders.make(tmp_path)
    for name, text in blocks:
        folders.write(folder, {name: text})
        problems = folders.check(folder, environ={"SLACK_BOT_TOKEN": "xoxb-1"})
        assert [problem for problem in problems if problem.severity == "error"] == []
