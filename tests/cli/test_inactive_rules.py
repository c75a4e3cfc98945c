"""A rule that is paused or has ended is visible wherever rules are shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.testbed.commands import wirewatch

BOT = "channels: {alerts: {kind: console}}\noperator: alerts\n"
RULES = """rules:
  - {name: Elections, any: [ballots], notify: alerts, until: 2025-01-01, must_match: [New ballots], must_not_match: [x]}
  - {name: Strikes, any: [strikes], notify: alerts, paused: true, must_match: [More strikes], must_not_match: [x]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config" / "rules").mkdir(parents=True)
    for name, text in (("bot.yaml", BOT), ("feeds.yaml", "feeds: []\n"), ("rules/desk.yaml", RULES)):
        (tmp_path / "config" / name).write_text(text)
    wirewatch("once", folder=tmp_path)
    return tmp_path


def test_check_warns_of_a_rule_that_has_ended_and_names_paused_rules(folder: Path) -> None:
    done = wirewatch("check", folder=folder)
    assert 'rules/desk.yaml:2:12: warning: the rule "Elections" ended on 2025-01-02 at 00:00 UTC' in done.stdout
    assert "paused: Strikes" in done.stderr


def test_status_shows_both(folder: Path) -> None:
    rows = [line.split() for line in wirewatch("status", folder=folder).stdout.splitlines()]
    assert ["Elections", "alerts", "0", "ended"] in rows
    assert ["Strikes", "alerts", "0", "paused"] in rows
    document = json.loads(wirewatch("status", "--json", folder=folder).stdout)
    assert [(rule["name"], rule["paused"], rule["ended"]) for rule in document["rules"]] == [
        ("Elections", False, True),
        ("Strikes", True, False),
    ]


@pytest.mark.parametrize(
    ("rule", "text", "reason"),
    [
        ("Elections", "New ballots", "would match; the rule ended on 2025-01-02 at 00:00 UTC"),
        ("Strikes", "More strikes", "would match; the rule is paused"),
    ],
)
def test_explain_says_why_the_rule_does_not_match_now(folder: Path, rule: str, text: str, reason: str) -> None:
    shown = wirewatch("explain", rule, "--text", text, folder=folder).stdout
    assert f"{rule}: does not match" in shown
    assert reason in shown
