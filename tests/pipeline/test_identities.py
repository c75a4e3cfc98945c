"""An item that a feed lists for months never becomes news again; one that it listed once is forgotten in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot import app, storage
from bot.app import runtime
from bot.app.runtime import App
from bot.model.stories import Article
from tests.journeys.world import Item, rss
from tests.testbed.fakes import START, FakeClock
from tests.testbed.servers.feeds import FeedServer

DAY = timedelta(days=1)
#: Between two polls, with a new item each.
STEP = 4
#: As short as possible, so that only the identities are kept.
BOT = """\
database: sqlite:///{folder}/w.db
channels: {{alerts: {{kind: console}}}}
keep: 1 days
stories: {{window: 1 days}}
fetch: {{allow_private: [127.0.0.0/8]}}
"""
#: Always at the top of the feed.
PINNED = Item(id="pinned", title="House rules of our regulator pages", text="Be kind.")


class Newspaper:
    """One feed that lists its newest items, day by day, and the real application that reads it."""

    def __init__(self, server: FeedServer, running: App, clock: FakeClock) -> None:
        self._server = server
        self._running = running
        self._clock = clock
        self._day = 0

    async def days(self, count: int, *listed: Item) -> int:
        """A new item each fourth day, the three newest listed below ``listed``; how many articles were new."""
        new = 0
        for _ in range(0, count, STEP):
            self._day += STEP
            self._clock.advance(STEP * DAY)
            fresh = [
                Item(id=f"n{n}", title=f"Order {n} of day {n}", text=f"Text {n}.", at=START + n * DAY)
                for n in range(max(STEP, self._day - 2 * STEP), self._day + 1, STEP)
            ]
            self._server.serve("/paper.xml", rss("paper", *listed, *reversed(fresh)))
            report = await self._running.once(everything=True, drain=timedelta())
            new += sum(feed.new for feed in report.passed.feeds)
        return new

    async def identities(self) -> int:
        return await self._running.store.read(lambda tx: tx.articles.count())

    async def first_seen(self, item: Item) -> int:
        """On which day the article was new."""

        def work(tx: storage.Transaction) -> Article | None:
            return tx.articles.find(f"https://paper.example/{item.id}")

        result = await self._running.store.read(work)
        assert result is not None
        return round((result.first_seen - START) / DAY)


@pytest.fixture
async def paper(tmp_path: Path) -> AsyncIterator[Newspaper]:
    async with FeedServer() as server:
        (tmp_path / "rules").mkdir()
        (tmp_path / "bot.yaml").write_text(BOT.format(folder=tmp_path))
        (tmp_path / "feeds.yaml").write_text(f'feeds: [{{url: "{server.url("/paper.xml")}", backfill: 5 days}}]\n')
        (tmp_path / "rules" / "a.yaml").write_text("rules: []\n")
        clock = FakeClock()
        environment = app.Environment(environ={}, clock=clock)
        async with runtime.opened(app.load(tmp_path, {}), environment) as running:
            yield Newspaper(server, running, clock)


async def test_an_item_that_is_listed_for_ever_never_becomes_new(paper: Newspaper) -> None:
    assert await paper.days(100, PINNED) == 26
    # Its bytes change: only its identity shows that it is not news.
    changed = Item(id=PINNED.id, title=PINNED.title, text="Be kind, always.", at=PINNED.at)
    assert await paper.days(STEP, changed) == 1
    assert await paper.first_seen(PINNED) == STEP
    # The identities of about 68 days, not of all time.
    assert 16 < await paper.identities() < 22
