"""Where a rule goes, and that it is paused or has ended, wherever the commands show rules."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from tests.testbed import configs
from tests.testbed.commands import call

BOT = """\
database: sqlite:///w.db
channels: {desk: {kind: console}, night: {kind: console}}
routes:
  - {match: {hours: "22:00 to 07:00"}, to: night}
  - to: desk
"""
RULES = """\
rules:
  - {name: Exits, all: {what: [exit]}}
  - {name: Elections, any: [ballots], notify: desk, until: 2025-01-01, must_match: [New ballots], must_not_match: [x]}
  - {name: Strikes, any: [strikes], notify: desk, paused: true, must_match: [More strikes], must_not_match: [x]}
"""
GOES_TO = "night (22:00 to 07:00 UTC), else desk"
ENDED = "ended on 2025-01-02 at 00:00 UTC"


def test_check_explain_and_status_show_where_rules_go_and_which_are_paused_or_over(tmp_path: Path) -> None:
    configs.write(tmp_path, bot=BOT, rules=RULES)
    command = partial(call, folder=tmp_path, COLUMNS="200")
    config = ("--config", str(tmp_path))

    checked = command("check", "--routes", *config)
    assert f"Exits: {GOES_TO}" in checked.stdout
    assert f'a.yaml:3:12: warning: the rule "Elections" {ENDED}' in checked.stdout
    assert "paused: Strikes" in checked.stderr

    assert f"Goes to {GOES_TO}" in command("explain", "Exits", *config).stdout
    for rule, text, reason in (("Elections", "New ballots", ENDED), ("Strikes", "More strikes", "is paused")):
        shown = command("explain", rule, "--text", text, *config).stdout
        assert f"{rule}: does not match" in shown
        assert f"would match; the rule {reason}" in shown

    command("once", *config)
    rows = [line.split() for line in command("status", *config).stdout.splitlines()]
    assert ["Exits", *GOES_TO.split(), "0"] in [row[: len(GOES_TO.split()) + 2] for row in rows]
    assert ["Elections", "desk", "0", "ended"] in rows
    assert ["Strikes", "desk", "0", "paused"] in rows
    status = json.loads(command("status", "--json", *config).stdout)
    assert [(rule["name"], rule["paused"], rule["ended"]) for rule in status["rules"]] == [
        ("Exits", False, False),
        ("Elections", False, True),
        ("Strikes", True, False),
    ]

    (tmp_path / "bot.yaml").write_text(BOT.replace("console", "consol"))
    assert 'unknown kind of channel "consol"' in command("check", "--routes", *config, code=1).stdout


def test_check_warns_of_a_rule_that_needs_more_outlets_than_the_feeds_have(tmp_path: Path) -> None:
    rules = "rules:\n  - {name: Exits, all: {what: [exit]}, min_outlets: 3, notify: desk}\n"
    feeds: list[str | dict[str, object]] = [f"https://{name}.example/feed.xml" for name in ("wire", "post")]
    configs.write(tmp_path, bot=BOT, rules=rules, feeds=feeds)
    warning = 'the rule "Exits" posts nothing: it needs 3 outlets'
    assert warning in call("check", "--config", str(tmp_path), folder=tmp_path).stdout
    feeds.append({"url": "https://links.example/feed.xml", "aggregator": True})
    configs.write(tmp_path, bot=BOT, rules=rules, feeds=feeds)
    assert "posts nothing" not in call("check", "--config", str(tmp_path), folder=tmp_path).stdout
