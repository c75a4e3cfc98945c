"""Call a function at fixed intervals, with APScheduler."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.aio import TaskGroup


class TickEvery(Protocol):
    """A function that runs ``work`` immediately and then at intervals of ``every``, until cancelled."""

    async def __call__(self, every: timedelta, work: Callable[[], Coroutine[None, None, None]]) -> None: ...


#: Number of intervals between checks of the scheduler's next run.
_LOOK = 5


async def tick_every(every: timedelta, work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run ``work`` immediately and then at intervals of ``every``, until cancelled.

    Raises the errors of ``work``. Skips the ticks that come while ``work`` runs.
    """
    # APScheduler's log lines report only skipped runs, and runs that the stop cancelled.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    trigger = IntervalTrigger(seconds=every.total_seconds(), timezone=UTC)
    scheduler = AsyncIOScheduler(timezone=UTC)
    is_stopping = False
    async with TaskGroup() as group:

        async def run() -> None:
            # The scheduler shuts down slightly later than the group, which accepts no tasks by then.
            if is_stopping:
                return
            # Run in a task of the group, so that errors reach the caller. The scheduler would only log them.
            await asyncio.wait([group.create_task(work())])

        # By default, APScheduler drops a run that is more than a second late, which is common on a busy machine.
        job = scheduler.add_job(run, trigger, next_run_time=_now(), misfire_grace_time=None, coalesce=True)
        scheduler.start()
        try:
            while True:
                await asyncio.sleep(_LOOK * every.total_seconds())
                # If the clock was set back by an hour, the next run is an hour away.
                if job.next_run_time - _now() > every:
                    job.reschedule(trigger)
        finally:
            is_stopping = True
            scheduler.shutdown(wait=False)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the scheduler's own clock
