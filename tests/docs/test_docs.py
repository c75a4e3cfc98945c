"""Each link of the docs has its target, and each metric that a page names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from bot.cli.commands import app_of

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "SECURITY.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "CHANGELOG.md",
        *(ROOT / "docs").rglob("*.md"),
    ]
)
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


def commands() -> dict[str, typer.core.TyperCommand]:
    group = get_command(app_of())
    return dict(group.commands)  # type: ignore[attr-defined]  # a Typer of several commands is a group


@pytest.mark.parametrize("name", sorted(commands()))
def test_each_command_shows_an_example_in_its_help(name: str) -> None:
    command = commands()[name]
    for part in getattr(command, "commands", {"": command}).values():
        assert f"Example: wirewatch {name}" in (part.help or "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_between_pages_leads_somewhere(page: Path) -> None:
    targets = _LINK.findall(page.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


def test_each_metric_that_a_page_names_exists() -> None:
    metrics = set(
        re.findall(r"`(wirewatch_\w+)`", (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8"))
    )
    assert len(metrics) > 10
    for page in PAGES:
        if page.name != "CHANGELOG.md":
            assert set(re.findall(r"`(wirewatch_\w+)`", page.read_text(encoding="utf-8"))) - metrics == set(), page
