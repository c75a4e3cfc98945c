"""The one tick."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.job import Job

from bot.aio import TaskGroup
from bot.app.ticker import tick_every

EVERY = timedelta(seconds=0.02)


class Ticks:
    """Counts them, and waits until there are more."""

    def __init__(self) -> None:
        self.count = 0
        self._came = asyncio.Event()

    async def tick(self) -> None:
        self.count += 1
        self._came.set()

    async def wait(self, more: int) -> None:
        until = self.count + more
        while self.count < until:
            self._came.clear()
            await self._came.wait()


async def test_it_goes_on_ticking_after_the_clock_was_set_back_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[Job] = []
    modify = Job._modify

    def spy(job: Job, **changes: object) -> None:
        jobs.append(job)
        modify(job, **changes)

    monkeypatch.setattr(Job, "_modify", spy)
    ticks = Ticks()
    async with TaskGroup() as group:
        ticking = group.create_task(tick_every(EVERY, ticks.tick))
        await ticks.wait(2)
        # What the scheduler is left with when its clock shows an hour less: its next run is an hour away.
        jobs[0].modify(next_run_time=datetime.now(UTC) + timedelta(hours=1))  # noqa: TID251 - its own clock
        await ticks.wait(3)
        ticking.cancel()


async def test_ticks_that_come_while_one_runs_are_skipped() -> None:
    running, most, rounds, done = 0, 0, 0, asyncio.Event()

    async def slow() -> None:
        nonlocal running, most, rounds
        running += 1
        most = max(most, running)
        await asyncio.sleep(5 * EVERY.total_seconds())
        running -= 1
        rounds += 1
        if rounds == 3:
            done.set()

    async with TaskGroup() as group:
        ticking = group.create_task(tick_every(EVERY, slow))
        await done.wait()
        ticking.cancel()
    assert most == 1


async def test_a_bug_in_a_tick_rises() -> None:
    async def broken() -> None:
        raise LookupError("a bug")

    with pytest.raises(ExceptionGroup, match="unhandled errors") as raised:
        await tick_every(EVERY, broken)
    assert raised.group_contains(LookupError, match="a bug")


async def test_a_tick_that_runs_is_cancelled_with_the_ticking() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with TaskGroup() as group:
        ticking = group.create_task(tick_every(EVERY, endless))
        await begun.wait()
        ticking.cancel()
    assert ended.is_set()
    assert ticking.cancelled()


@pytest.mark.parametrize("steps", range(6))
async def test_a_stop_at_any_moment_leaves_no_tick_that_was_created_and_never_awaited(steps: int) -> None:
    ticks = Ticks()
    created: list[Coroutine[None, None, None]] = []

    def tick() -> Coroutine[None, None, None]:
        created.append(ticks.tick())
        return created[-1]

    async with TaskGroup() as group:
        ticking = group.create_task(tick_every(EVERY, tick))
        await ticks.wait(2)
        # The next tick is due, and the cancellation comes so many steps of the loop after it.
        time.sleep(2 * EVERY.total_seconds())  # noqa: ASYNC251 - the loop is busy
        for _ in range(steps):
            await asyncio.sleep(0)
        ticking.cancel()
    for _ in range(6):
        await asyncio.sleep(0)
    assert {inspect.getcoroutinestate(coroutine) for coroutine in created} == {inspect.CORO_CLOSED}
