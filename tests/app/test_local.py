"""One process that does all the work: many feeds, and feeds that hang."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app import runtime
from tests.journeys.test_buttons import until
from tests.journeys.test_language_model import running
from tests.journeys.world import BOT, rss, world
from tests.testbed.servers.feeds import Reply


@pytest.mark.long
async def test_feeds_that_hang_do_not_keep_the_others_from_being_polled(tmp_path: Path) -> None:
    # Feeds that hang are claimed first: feeds due at one time are claimed in the order of addresses.
    hanging, good = [f"a-hanging-{number}" for number in range(3)], [f"good-{number}" for number in range(60)]
    bot = BOT.replace("readers: 0,", "readers: 0, concurrency: 4, per_host: 16, timeout: 60 seconds,")
    async with world(tmp_path) as desk:
        desk.configure(*hanging, *good, bot=bot)
        for name in hanging:
            desk.outlets.serve(f"/{name}.xml", Reply(body=rss("late"), delay_seconds=600))
        async with running(desk):
            # Far more than one claim holds, and the hanging ones are in the first.
            await until(lambda: all(desk.outlets.seen(f"/{name}.xml") for name in good))
        assert all(len(desk.outlets.seen(f"/{name}.xml")) == 1 for name in hanging)


async def test_a_pass_in_portions_polls_each_feed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "PORTION", 2)
    async with world(tmp_path) as desk:
        desk.configure("wire", "courier", "ledger", "herald", "tribune")
        for _ in range(2):
            report = await desk.once()
            polled = [feed.url for feed in report.passed.feeds]
            assert len(polled) == len(set(polled)) == 5
