"""The tick: a job of APScheduler."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.model.runtime import TaskGroup


class TickEvery(Protocol):
    """Run ``work`` now and every ``every``, until cancelled."""

    async def __call__(self, every: timedelta, work: Callable[[], Coroutine[None, None, None]]) -> None: ...


#: Number of intervals between checks of the scheduler's next run.
_LOOK = 5


async def tick_every(every: timedelta, work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run ``work`` now and every ``every`` until cancelled; raise its errors. Skip ticks while it runs."""
    # APScheduler only logs runs that were skipped, or cancelled by the stop.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    trigger = IntervalTrigger(seconds=every.total_seconds(), timezone=UTC)
    scheduler = AsyncIOScheduler(timezone=UTC)
    is_stopping = False
    async with TaskGroup() as group:

        async def run() -> None:
            # The scheduler shuts down slightly later than the group, which then accepts no tasks.
            if is_stopping:
                return
            # Run in our own task, so that errors reach the caller: the scheduler only logs them.
            await asyncio.wait([group.create_task(work())])

        # No grace time: by default a run that is a second late, as on a busy machine, is dropped.
        job = scheduler.add_job(run, trigger, next_run_time=_now(), misfire_grace_time=None, coalesce=True)
        scheduler.start()
        try:
            while True:
                await asyncio.sleep(_LOOK * every.total_seconds())
                # After the clock was set back an hour, the next run would be an hour away.
                if job.next_run_time - _now() > every:
                    job.reschedule(trigger)
        finally:
            is_stopping = True
            scheduler.shutdown(wait=False)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the scheduler's own clock
