"""The periodic work of a running bot: how often it runs, what a bug does to it, and how it ends."""

from __future__ import annotations

import asyncio
import inspect
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

import pytest
from apscheduler.schedulers import base

from bot.aio import LONGEST_PAUSE, Failure
from bot.app import jobs
from bot.app.jobs import Job, guard, in_turn, run_jobs
from bot.model.errors import StoreUnavailable
from tests.testbed import fresh
from tests.testbed.fakes import START, FakeClock

EVERY = timedelta(seconds=0.02)


class Counter:
    """Counts the runs of a job, and waits for more of them."""

    def __init__(self) -> None:
        self.count = 0
        self._has_run = asyncio.Event()

    async def run(self) -> None:
        self.count += 1
        self._has_run.set()

    async def wait(self, more: int) -> None:
        until = self.count + more
        while self.count < until:
            self._has_run.clear()
            await self._has_run.wait()


@asynccontextmanager
async def running(*works: Callable[[], Coroutine[None, None, object]]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        table = [Job(name=str(number), every=EVERY, work=work) for number, work in enumerate(works)]
        group.create_task(run_jobs(table, stop))
        yield
        stop.set()


@pytest.mark.parametrize("days", [-1, 20_000])
async def test_a_leap_of_the_clock_costs_no_time_and_no_memory(days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "CLOCK_CHECK", 5 * EVERY)
    offset = timedelta()

    class LeapingClock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + offset  # noqa: TID251 - the scheduler's own clock

    monkeypatch.setattr(base, "datetime", LeapingClock)
    monkeypatch.setattr(jobs, "datetime", LeapingClock)
    counter = Counter()
    async with running(*[counter.run] * 9):
        await counter.wait(20)
        tracemalloc.start()
        offset, began = timedelta(days=days), time.monotonic()
        await counter.wait(20)
        seconds, (_, peak_bytes) = time.monotonic() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert seconds < 5
    assert peak_bytes < 1_000_000


async def test_a_run_that_takes_long_skips_runs_and_delays_no_other_job() -> None:
    running_now, most, counter, rounds = 0, 0, Counter(), Counter()

    async def work_slowly() -> None:
        nonlocal running_now, most
        running_now += 1
        most = max(most, running_now)
        await counter.wait(5)
        running_now -= 1
        await rounds.run()

    async with running(work_slowly, counter.run):
        await rounds.wait(3)
    assert most == 1


async def test_a_run_under_way_at_the_stop_may_end_by_itself_and_is_cancelled_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "GRACE", 10 * EVERY)
    begun, written, cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def write() -> None:
        await asyncio.sleep(3 * EVERY.total_seconds())
        written.set()

    async def wait_for_ever() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with running(write, wait_for_ever):
        await begun.wait()
        assert not written.is_set()
    assert written.is_set()
    assert cancelled.is_set()


@pytest.mark.parametrize("steps", range(4))
async def test_a_cancellation_at_any_moment_leaves_no_run_that_was_created_and_never_awaited(steps: int) -> None:
    counter = Counter()
    created: list[Coroutine[None, None, None]] = []

    def work() -> Coroutine[None, None, None]:
        created.append(counter.run())
        return created[-1]

    async with asyncio.TaskGroup() as group:
        running_jobs = group.create_task(run_jobs([Job(name="keep", every=EVERY, work=work)], asyncio.Event()))
        await counter.wait(2)
        # The next run is due, and the cancellation comes so many steps of the loop after it.
        time.sleep(2 * EVERY.total_seconds())  # noqa: ASYNC251 - the loop is busy
        for _ in range(steps):
            await asyncio.sleep(0)
        running_jobs.cancel()
    for _ in range(6):
        await asyncio.sleep(0)
    assert {inspect.getcoroutinestate(coroutine) for coroutine in created} == {inspect.CORO_CLOSED}


async def test_a_job_that_fails_pauses_longer_and_is_reported_until_it_works() -> None:
    clock, failures, starts = FakeClock(), dict[str, Failure](), list[datetime]()

    async def work() -> None:
        starts.append(clock.now())
        if len(starts) < 15:
            raise LookupError("a secret")

    guarded = guard(Job(name="keep", every=timedelta(seconds=1), work=work), clock, failures)
    await guarded.work()
    await guarded.work()
    assert failures["keep"] == Failure(name="keep", since=START, count=1, error="LookupError")
    while failures:
        clock.advance(timedelta(seconds=1))
        await guarded.work()
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
    clock.advance(timedelta(seconds=1))
    await guarded.work()
    assert starts[-1] == clock.now()


async def test_an_error_of_the_database_is_no_failure_of_the_job() -> None:
    counter, failures = Counter(), dict[str, Failure]()

    async def write() -> None:
        await counter.run()
        raise StoreUnavailable("the disk is full")

    guarded = guard(Job(name="keep", every=EVERY, work=write), FakeClock(), failures)
    await guarded.work()
    await guarded.work()
    assert (counter.count, failures) == (2, {})


async def test_a_shared_job_runs_in_one_process_until_that_process_ends() -> None:
    clock, first, second = FakeClock(), Counter(), Counter()
    store = fresh.in_memory(clock)
    counters = {"first": first, "second": second}
    shared = [
        in_turn(Job(name="keep", every=timedelta(seconds=2), work=counter.run), store, clock, process=process)
        for process, counter in counters.items()
    ]
    for _ in range(30):
        for job in shared:
            await job.work()
        clock.advance(timedelta(seconds=2))
    assert (first.count, second.count) == (30, 0)
    clock.advance(jobs.SHORTEST_TURN)
    await shared[1].work()
    assert second.count == 1
    await store.close()
