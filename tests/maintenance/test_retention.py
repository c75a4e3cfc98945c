"""What is older than `keep:` goes once a day, and nothing else does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot import app, model, storage
from bot.app import runtime
from bot.pipeline import keep
from testbed import made
from testbed.fakes import START, FakeClock

DAY = timedelta(days=1)


@dataclass
class Trims:
    """Notes what it was asked to let go."""

    befores: list[datetime] = field(default_factory=list)
    is_broken: bool = False

    async def __call__(self, before: datetime) -> Mapping[str, int]:
        if self.is_broken:
            raise model.StoreUnavailable("trimming: the disk is full")
        self.befores.append(before)
        return {"stories": 1}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(clock: FakeClock) -> AsyncIterator[storage.Store]:
    opened = storage.open_store("sqlite://", clock=clock)
    yield opened
    await opened.close()


async def test_without_keep_nothing_is_let_go(store: storage.Store, clock: FakeClock) -> None:
    trims = Trims()
    assert not await keep.trim_when_due(store, clock, keep=None, trim=trims)
    assert trims.befores == []


async def test_it_trims_once_a_day_however_often_it_is_asked(store: storage.Store, clock: FakeClock) -> None:
    trims = Trims()
    for _ in range(10):
        await keep.trim_when_due(store, clock, keep=400 * DAY, trim=trims)
        clock.advance(timedelta(hours=6))
    assert trims.befores == [START + number * DAY - 400 * DAY for number in range(3)]


async def test_a_trim_that_failed_is_tried_again(store: storage.Store, clock: FakeClock) -> None:
    trims = Trims(is_broken=True)
    with pytest.raises(model.StoreUnavailable):
        await keep.trim_when_due(store, clock, keep=DAY, trim=trims)
    trims.is_broken = False
    assert await keep.trim_when_due(store, clock, keep=DAY, trim=trims)


async def test_a_clock_that_was_set_back_does_not_stop_it(store: storage.Store, clock: FakeClock) -> None:
    trims = Trims()
    await keep.trim_when_due(store, clock, keep=DAY, trim=trims)
    clock.advance(-30 * DAY)
    assert await keep.trim_when_due(store, clock, keep=DAY, trim=trims)


async def test_a_pass_lets_go_of_old_articles_and_never_of_an_open_story(tmp_path: Path) -> None:
    config = tmp_path / "config"
    (config / "rules").mkdir(parents=True)
    (config / "feeds.yaml").write_text("feeds: []\n")
    (config / "rules" / "a.yaml").write_text("rules: []\n")
    (config / "bot.yaml").write_text(
        f"database: sqlite:///{tmp_path}/w.db\n"
        "channels:\n  alerts: {kind: console}\nkeep: 2 days\nstories: {window: 14 days}\n"
    )
    clock = FakeClock()
    environment = app.Environment(environ={}, clock=clock)
    old, fresh = made.article("old"), made.article("fresh", minutes=11 * 24 * 60)
    async with runtime.opened(app.load(config, {}), environment) as running:
        await running.store.write(lambda tx: tx.articles.add([old, fresh]))
        clock.advance(20 * DAY)
        await running.once(everything=False, drain=timedelta())
        found = await running.store.read(lambda tx: tx.articles.get([old.id, fresh.id]))
    # Nine days are more than `keep`, and less than a story stays open.
    assert {item.title for item in found.values() if item.text} == {fresh.title}
