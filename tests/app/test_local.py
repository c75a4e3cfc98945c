"""One process that does all the work: many feeds, and feeds that hang."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot import app
from bot.app import runtime
from bot.app.engines import choose_engine
from tests.journeys.world import rss, world
from tests.testbed import configs
from tests.testbed.servers.feeds import FeedServer, Reply

PROMPT, HANGING = 60, 3
HANGING_BOT = """\
database: sqlite:///{folder}/wirewatch.db
channels: {{alerts: {{kind: console}}}}
operator: alerts
fetch: {{concurrency: 4, per_host: 16, timeout: 60 seconds, allow_private: [127.0.0.0/8]}}
"""


@pytest.mark.long
async def test_feeds_that_hang_do_not_keep_the_others_from_being_polled(tmp_path: Path) -> None:
    async with FeedServer() as server:
        hanging = [f"/a-hanging/{number}" for number in range(HANGING)]
        good = [f"/good/{number}" for number in range(PROMPT)]
        for path in hanging:
            server.serve(path, Reply(body=rss("late"), delay_seconds=600))
        for path in good:
            server.serve(path, rss("prompt"))
        # Feeds that hang are claimed first: feeds due at one time are claimed in the order of addresses.
        feeds = [{"url": server.url(path), "owner": path} for path in (*hanging, *good)]
        folder = configs.write(tmp_path / "config", bot=HANGING_BOT.format(folder=tmp_path), feeds=feeds)
        environment = app.Environment(environ={})
        async with runtime.opened(app.load(folder, environment.environ), environment) as running:
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(running.run(stop, choose_engine(running)))
                async with asyncio.timeout(300):
                    # Far more than one claim holds, and the hanging ones are in the first.
                    while not set(good) <= {request.path for request in server.requests}:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                stop.set()
        assert all(len(server.seen(path)) == 1 for path in hanging)


async def test_a_pass_in_portions_polls_each_feed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "PORTION", 2)
    async with world(tmp_path / "config") as running:
        running.configure("wire", "courier", "ledger", "herald", "tribune")
        for _ in range(2):
            report = await running.once()
            polled = [feed.url for feed in report.passed.feeds]
            assert len(polled) == len(set(polled)) == 5
