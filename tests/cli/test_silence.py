"""Silences from the command line while the bot runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.testbed import configs
from tests.testbed.commands import call

BOT = "database: sqlite:///w.db\nchannels: {alerts: {kind: console}}\n"
RULES = "rules:\n  - {name: Exits, all: {what: [exit]}, notify: alerts}\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    configs.write(tmp_path, bot=BOT, feeds=[{"url": "http://127.0.0.1:9/rss", "name": "Daily Ledger"}], rules=RULES)
    call("once", "--config", str(tmp_path), folder=tmp_path, code=1)
    return tmp_path


def test_a_silence_is_made_listed_shown_by_status_and_ended(config: Path) -> None:
    def silence(*words: str, code: int = 0) -> str:
        done = call("silence", *words, "--config", str(config), folder=config, code=code)
        return done.stdout + done.stderr

    assert "No silence is in force" in silence("list")
    output = silence("add", "rule", "Exits", "--for", "2 hours", "--reason", "followed live")
    (silenced,) = json.loads(silence("list", "--json"))
    assert (silenced["kind"], silenced["name"], silenced["reason"], silenced["is_active"]) == (
        "rule",
        "Exits",
        "followed live",
        True,
    )
    assert output.startswith(f'Silence {silenced["id"]}: rule "Exits" in every channel until ')
    assert "followed live (0 stories held back)" in silence("list")
    status = call("status", "--config", str(config), folder=config).stdout
    assert f'silence {silenced["id"]}  rule "Exits" in every channel, until' in status

    assert silence("end", silenced["id"]) == f'Silence {silenced["id"]} has ended: rule "Exits".\n'
    assert json.loads(silence("list", "--json")) == []
    assert "has already ended" in silence("end", silenced["id"], code=2)
    for words, error in (
        (["rule", "Exits", "--for", "1h"], "Missing option '--reason'"),
        (["everything", "x", "--for", "1h", "--reason", "x"], "'everything' is not one of 'rule', 'outlet', 'story'"),
        (["rule", "Exits", "--reason", "x"], "a silence needs an end"),
        (["rule", "Exits", "--for", "soon", "--reason", "x"], "a length of time is a number and a unit"),
    ):
        assert error in " ".join(re.sub("[│╭╮╰╯─]", " ", silence("add", *words, code=2)).split())
    assert 'rule "Exits" in alerts until ' in silence(
        "add", "rule", "exi", "--for", "3d", "--channel", "alerts", "--reason", "x"
    )
