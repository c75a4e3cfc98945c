"""The one tick. Knows nothing of what a tick does.

APScheduler's defaults lose a run silently when the loop is blocked for a second, and its shutdown cancels coroutine
jobs; so its one job only sets an event, and the work hangs in the caller's own task group (docs/decisions).
"""

from __future__ import annotations

import asyncio
from datetime import UTC, timedelta
from types import TracebackType
from typing import Protocol, Self

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

#: So many intervals without a tick, by the clock that nobody sets.
_LATE = 5


class Ticks(Protocol):
    """What the loop that polls waits for."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def next(self) -> None:
        """Returns at the next tick, at once where one has passed since the last call."""


class Ticker:
    """Implements Ticks. Ticks every ``every`` while entered; ticks that come while nobody waits are one tick."""

    def __init__(self, every: timedelta) -> None:
        self._every = every
        self._tick = asyncio.Event()
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._job = self._scheduler.add_job(
            self._ring,
            self._trigger(),
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )

    async def __aenter__(self) -> Self:
        self._scheduler.start()
        self._tick.set()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A run that is due now ends before the scheduler does: shutdown cancels it, and says so as an error.
        self._scheduler.remove_all_jobs()
        await asyncio.sleep(0)
        self._scheduler.shutdown(wait=False)

    async def _ring(self) -> None:
        """A coroutine: plain functions run on a thread, and the event belongs to the loop."""
        self._tick.set()

    async def next(self) -> None:
        while not self._tick.is_set():
            try:
                await asyncio.wait_for(self._tick.wait(), _LATE * self._every.total_seconds())
            except TimeoutError:
                # The next run is a time of day: after the clock was set back an hour, it is an hour away.
                self._job.reschedule(self._trigger())
                self._tick.set()
        self._tick.clear()

    def _trigger(self) -> IntervalTrigger:
        return IntervalTrigger(seconds=self._every.total_seconds(), timezone=UTC)
