"""What a reload says in the log."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot import app, storage
from bot.app import reload
from testbed.fakes import FakeClock

GOOD = "rules:\n  - {name: A, all: [BlackBerry], notify: alerts}\n"
BAD = "  - {name: B, al: [BlackBerry], notify: alerts}\n"


@pytest.mark.parametrize("rules", [GOOD, GOOD + BAD], ids=["well", "with a mistake"])
async def test_a_reload_with_problems_is_a_warning_that_names_the_first_and_its_place(
    tmp_path: Path, rules: str
) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(rules)
    (tmp_path / "feeds.yaml").write_text("feeds: []\n")
    (tmp_path / "bot.yaml").write_text("channels: {alerts: {kind: console}}\n")
    settings, clock = app.load(tmp_path, {}, wants_warnings=False), FakeClock()
    store = storage.open_store("sqlite://", clock=clock)
    with capture_logs() as logs:
        await reload.announce(store, settings, now=clock.now())
    await store.close()
    (line,) = logs
    if rules == GOOD:
        assert (line["log_level"], line["event"], line["problems"]) == ("info", "configuration reloaded", 0)
    else:
        assert (line["log_level"], line["event"]) == ("warning", "configuration reloaded with problems")
        assert "a.yaml:3:" in line["first"]
        assert '"al"' in line["first"]
