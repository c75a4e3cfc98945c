"""What is older than `keep:` goes once a day, and nothing else does."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot import model, storage
from bot.pipeline import keep
from testbed.fakes import FakeClock

DAY = timedelta(days=1)


async def test_without_keep_nothing_is_let_go(store: storage.Store, clock: FakeClock) -> None:
    assert not await keep.trim_when_due(store, clock, keep=None)


async def test_it_trims_once_a_day_however_often_it_is_asked(store: storage.Store, clock: FakeClock) -> None:
    done = []
    for _ in range(10):
        done.append(await keep.trim_when_due(store, clock, keep=400 * DAY))
        clock.advance(timedelta(hours=6))
    assert done == [True, False, False, False] * 2 + [True, False]


async def test_a_trim_that_failed_is_tried_again(
    store: storage.Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(store: storage.Store, *, before: datetime) -> storage.Trimmed:
        raise model.StoreUnavailable("trimming: the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(storage, "trim", fail)
        with pytest.raises(model.StoreUnavailable):
            await keep.trim_when_due(store, clock, keep=DAY)
    assert await keep.trim_when_due(store, clock, keep=DAY)


async def test_a_clock_that_was_set_back_does_not_stop_it(store: storage.Store, clock: FakeClock) -> None:
    await keep.trim_when_due(store, clock, keep=DAY)
    clock.advance(-30 * DAY)
    assert await keep.trim_when_due(store, clock, keep=DAY)
