"""The one tick, a job of APScheduler. Knows nothing of what a tick does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.ports.tasks import TaskGroup

#: The scheduler's clock is looked at every so many intervals.
_LOOK = 5


async def tick_every(every: timedelta, work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run ``work`` now and every ``every``, until cancelled; raise what it raises.

    Ticks that come while ``work`` runs are skipped.
    """
    # What it would say: that a run was skipped, or was cancelled by the stop.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    trigger = IntervalTrigger(seconds=every.total_seconds(), timezone=UTC)
    scheduler = AsyncIOScheduler(timezone=UTC)
    is_stopping = False
    async with TaskGroup() as group:

        async def run() -> None:
            # The scheduler shuts down a moment after the group, which takes no tasks any more.
            if is_stopping:
                return
            # A task of ours, so that an error rises to the caller: the scheduler only logs the errors of its jobs.
            await asyncio.wait([group.create_task(work())])

        # By default a run that is late by a second, as on a busy machine, is dropped.
        job = scheduler.add_job(run, trigger, next_run_time=_now(), misfire_grace_time=None, coalesce=True)
        scheduler.start()
        try:
            while True:
                await asyncio.sleep(_LOOK * every.total_seconds())
                # The next run is a time of day: after the clock was set back an hour, it is an hour away.
                if job.next_run_time - _now() > every:
                    job.reschedule(trigger)
        finally:
            is_stopping = True
            scheduler.shutdown(wait=False)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the scheduler's own clock
