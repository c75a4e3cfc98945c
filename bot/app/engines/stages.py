"""What an engine is given and what it promises, and the tick as a job of APScheduler."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot import model, storage
from bot.app.wiring import Live
from bot.model.runtime import TaskGroup
from bot.pipeline.passes import Pipeline
from bot.pipeline.reports import PassReport


class Engine(Protocol):
    """Decides when each stage runs, and in which process."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; what is due to be sent is still sent then. Raises StoreUnavailable at the start."""


class TickEvery(Protocol):
    """Runs ``work`` now and every ``every``, until cancelled."""

    async def __call__(self, every: timedelta, work: Callable[[], Coroutine[None, None, None]]) -> None: ...


class SendDue(Protocol):
    """Sends what is due, for ever."""

    async def __call__(self, over: asyncio.Event, *, is_ours: Callable[[model.Channel], bool] = ...) -> None:
        """Until ``over``, and then what is due still; ``is_ours``: the channels that are sent to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The stages of one process."""

    store: storage.Store
    clock: model.Clock
    pipeline: Pipeline
    live: Live
    #: To be told before each look for due feeds. Raises StoreUnavailable.
    note_tick: Callable[[], Awaitable[None]]
    send: SendDue
    #: Deletes what is past its retention, where it is time for that. Raises StoreUnavailable.
    maintain: Callable[[], Awaitable[object]]
    #: Told of each pass that has ended.
    on_pass: Callable[[PassReport], None]


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
