"""A single pass over many feeds goes in portions."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app import runtime
from tests.journeys.world import world

OUTLETS = ("wire", "courier", "ledger", "herald", "tribune")


async def test_a_pass_in_portions_polls_each_feed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "PORTION", 2)
    async with world(tmp_path / "config") as made:
        made.configure(*OUTLETS)
        for _ in range(2):
            report = await made.once()
            polled = [feed.url for feed in report.passed.feeds]
            assert len(polled) == len(set(polled)) == len(OUTLETS)
