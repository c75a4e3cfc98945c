"""Silences from the command line, beside the running bot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testbed.commands import wirewatch

BOT = "database: sqlite:///w.db\nchannels: {alerts: {kind: console}}\n"
RULES = "rules:\n  - {name: Exits, all: {what: [exit]}, notify: alerts}\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "bot.yaml").write_text(BOT)
    (tmp_path / "feeds.yaml").write_text("feeds: []\n")
    (tmp_path / "rules" / "desk.yaml").write_text(RULES)
    wirewatch("once", "--config", str(tmp_path), folder=tmp_path)
    return tmp_path


def test_a_silence_is_made_listed_shown_by_status_and_ended(config: Path) -> None:
    def silence(*words: str, code: int = 0) -> str:
        done = wirewatch("silence", *words, "--config", str(config), folder=config, code=code)
        return done.stdout + done.stderr

    assert "No silence is in force" in silence("list")
    made = silence("add", "--rule", "Exits", "--for", "2 hours", "--reason", "followed live")
    (one,) = json.loads(silence("list", "--json"))
    assert (one["kind"], one["name"], one["reason"], one["is_active"]) == ("rule", "Exits", "followed live", True)
    assert made.startswith(f'Silence {one["id"]}: rule "Exits" until ')
    assert "followed live (0 stories kept back)" in silence("list")
    status = wirewatch("status", "--config", str(config), folder=config).stdout
    assert f'silence {one["id"]}  rule "Exits", until' in status

    assert silence("end", one["id"]) == f'Silence {one["id"]} has ended: rule "Exits".\n'
    assert json.loads(silence("list", "--json")) == []
    assert "ended " in silence("list", "--all")
    assert "has ended already" in silence("end", one["id"], code=2)
    assert "name one of" in silence("add", "--for", "1h", "--reason", "x", code=2)
    assert 'no rule "Exit" is loaded' in silence("add", "--rule", "Exit", "--for", "1h", "--reason", "x", code=2)
