"""Small configuration folders for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot import app, config
from bot.model.rules import Rule
from bot.model.settings import Problem

BOT = """channels:
  alerts: {kind: console}
  desk: {kind: console}
operator: alerts
"""
FEEDS = """feeds:
  - {url: "https://news.example/feed.xml", name: Example News, tags: [pakistan]}
"""
RULES = """rules:
  - name: First
    all: [PTA, backdoor*]
    notify: desk
    must_match: [PTA demands a backdoor]
    must_not_match: [School PTA meets]
  - name: Second
    any: [BlackBerry]
    notify: alerts
    must_match: [BlackBerry sells a phone]
    must_not_match: [A raspberry pie]
"""


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def make(folder: Path, *, bot: str = BOT, feeds: str = FEEDS, rules: str = RULES) -> Path:
    return write(folder, {"bot.yaml": bot, "feeds.yaml": feeds, "rules/a.yaml": rules})


def load(
    folder: Path, previous: config.Settings | None = None, environ: Mapping[str, str] | None = None
) -> config.Settings:
    return config.load(folder, previous=previous, environ=environ or {}, kinds=app.kinds().built_in)


def check(folder: Path, environ: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    return config.try_load(folder, environ=environ or {}, kinds=app.kinds().built_in)[0]


def names(settings: config.Settings) -> list[str]:
    return [entry.rule.name for entry in settings.rules]


def rule_of(rule: str, folder: Path) -> Rule:
    """Return the only rule of a file; ``rule`` is its text without the name and the indentation."""
    body = "".join(f"    {line}\n" for line in rule.strip().splitlines())
    settings = load(make(folder, rules="rules:\n  - name: R\n    notify: desk\n" + body))
    assert [problem for problem in settings.problems if problem.severity == "error"] == []
    return settings.rules[0].rule
