"""Every example of docs/rules.md and docs/query-language.md runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import rules
from tests.rules.making import FEED, NOW, article, has, rule

DOCS = Path(__file__).parents[2] / "docs"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(.+?)` \| (.+?) \| (yes|no) \|$", re.MULTILINE)


def examples() -> list[Any]:
    """(rules, headline or ``title | body``, whether it is found) in the order of the page."""
    found: list[Any] = []
    created: list[rules.CompiledRule] = []
    for kind, block in FENCE.findall((DOCS / "rules.md").read_text(encoding="utf-8")):
        if kind == "yaml":
            # libyaml, as the bot itself: PyYAML's own scanner stumbles over [wom?n].
            file = yaml.load(block, yaml.CSafeLoader)
            created = [rules.compile_rule(rule_of(item, file)) for item in file["rules"]]
        else:
            found += [pytest.param(created, line, kind == "finds", id=line) for line in block.splitlines()]
    return found


def rule_of(given: dict[str, Any], file: dict[str, Any]) -> Any:
    # Keys about posting, which no example of a headline depends on.
    matching = {key: value for key, value in given.items() if key not in ("when", "volume")}
    keys = dict(matching, notify=(given["notify"],), sets=file.get("sets", {}))
    return rule(**keys)


@pytest.mark.parametrize(("made", "headline", "expected"), examples())
def test_a_rule_of_the_guide_finds_what_the_guide_says(
    made: list[rules.CompiledRule], headline: str, expected: bool
) -> None:
    title, _, body = headline.partition(" | ")
    assert bool(rules.RuleSet(made).match(article(title, body), FEED, now=NOW)) is expected


@pytest.mark.parametrize(
    ("query", "text", "expected"), ROW.findall((DOCS / "query-language.md").read_text(encoding="utf-8"))
)
def test_a_row_of_the_specification_is_true(query: str, text: str, expected: str) -> None:
    title, _, body = text.partition(r" \| ")
    assert has(query, title, body) is (expected == "yes")


def test_a_query_of_another_product_is_written_here_as_the_recipe_says() -> None:
    section = (DOCS / "recipes.md").read_text(encoding="utf-8").partition("## Migrate from Google Alerts")[2]
    rows = re.findall(r"^\| .*? \| `([^|]+)` \| (.*?) ?\|$", section.partition("\n## ")[0], re.MULTILINE)
    assert len(rows) == 12
    for query, headline in rows:
        rules.parse_query(query)
        assert not headline or has(query, headline), query


def test_every_table_row_was_read() -> None:
    page = (DOCS / "query-language.md").read_text(encoding="utf-8")
    assert len(ROW.findall(page)) == len(re.findall(r"\| (?:yes|no) \|$", page, re.MULTILINE)) > 50
