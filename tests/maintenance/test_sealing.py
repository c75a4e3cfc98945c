"""The periodic task that seals: when it does, and what it does when the store fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from bot import ledger, ports, storage
from bot.maintenance import sealing
from testbed.fakes import START, FakeClock
from testbed.made import article, match

T = TypeVar("T")

MIDNIGHT = START.replace(hour=0) + timedelta(days=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(clock: FakeClock) -> AsyncIterator[storage.SqlStore]:
    opened = storage.open_store("sqlite://", clock=clock)
    await opened.write(lambda tx: tx.ledger.add([ledger.matched(article("one"), match("r", "PTA"), at=START)]))
    yield opened
    await opened.close()


async def test_a_day_is_sealed_ten_minutes_after_its_end_and_not_before(
    store: storage.SqlStore, clock: FakeClock
) -> None:
    for moment, count in ((START, 0), (MIDNIGHT + timedelta(minutes=9), 0), (MIDNIGHT + timedelta(minutes=10), 1)):
        clock.set(moment)
        assert await sealing.seal_closed_days(store, clock) == count
    assert await sealing.seal_closed_days(store, clock) == 0


class Failing:
    """A store whose first write fails."""

    outage_reason = ""

    def __init__(self, store: storage.SqlStore) -> None:
        self._store = store
        self.writes = 0
        self.sealed = asyncio.Event()

    async def write(self, work: Callable[[ports.Transaction], T]) -> T:
        self.writes += 1
        if self.writes == 1:
            raise ports.StoreUnavailable("the disk is full")
        done = await self._store.write(work)
        self.sealed.set()
        return done

    async def read(self, work: Callable[[ports.Transaction], T]) -> T:
        return await self._store.read(work)

    async def free_dead_leases(self) -> None:
        await self._store.free_dead_leases()

    async def close(self) -> None:
        await self._store.close()


async def test_a_full_disk_puts_the_seal_off_and_ends_nothing(store: storage.SqlStore, clock: FakeClock) -> None:
    clock.set(MIDNIGHT + timedelta(hours=1))
    failing = Failing(store)
    task = asyncio.ensure_future(sealing.keep_sealing(failing, clock, post_to=lambda: None))
    async with asyncio.timeout(300):
        await failing.sealed.wait()
    assert len(await store.read(lambda tx: tx.ledger.seals())) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
