"""Poll, send and delete old rows in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from bot.aio import TaskGroup, retry_until_stored, supervise
from bot.app.runtime import App
from bot.model.errors import StoreError
from bot.model.feeds import FeedState
from bot.pipeline.reports import PassReport

#: Interval between searches for due feeds.
TICK = timedelta(seconds=1)
#: Interval between checks whether old rows must be deleted. A check also notices a changed `keep:`.
MAINTAIN = timedelta(minutes=10)
#: Interval between checks of what was set aside.
TEND = timedelta(seconds=10)
#: Longest time for which feeds wait after their polls could not be stored.
LONGEST_WAIT = timedelta(hours=1)
#: Maximum number of feeds in progress, as a multiple of ``fetch.concurrency``, so that a slow feed leaves no slot idle.
CLAIM_AHEAD = 4


class LocalEngine:
    """The engine of one process."""

    def __init__(self, app: App, on_pass: Callable[[PassReport], None], *, everything: bool) -> None:
        """``on_pass`` is called after each pass. If ``everything`` is true, each tick polls every feed, due or not."""
        self._app = app
        self._on_pass = on_pass
        self._everything = everything
        #: Number of feeds that are being polled.
        self._under_way = 0
        self._has_room = asyncio.Event()
        #: Number of passes in a row whose polls could not be stored.
        self._failed_passes = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop`` is set, then send the messages that are due."""
        async with TaskGroup() as group:
            clock = self._app.clock
            sending = supervise("send", lambda: self._app.send(stop), clock, self._app.task_failures, over=stop)
            group.create_task(sending)
            works = {
                "poll": self._poll_for_ever,
                "maintain": self._maintain_for_ever,
                "quarantine": self._tend_for_ever,
            }
            tasks = [
                group.create_task(supervise(name, work, clock, self._app.task_failures)) for name, work in works.items()
            ]
            await stop.wait()
            for task in tasks:
                task.cancel()

    async def _poll_for_ever(self) -> None:
        async with TaskGroup() as passes:
            await self._app.environment.tick_every(TICK, lambda: self._tick(passes))

    async def _maintain_for_ever(self) -> None:
        while True:
            await retry_until_stored(self._app.maintain, self._app.clock)
            await self._app.clock.sleep(MAINTAIN)

    async def _tend_for_ever(self) -> None:
        while True:
            await retry_until_stored(self._app.tend_quarantine, self._app.clock)
            await self._app.clock.sleep(TEND)

    async def _tick(self, passes: TaskGroup) -> None:
        """Start passes over the due feeds; if there are too many, wait for free slots and continue."""
        app, pipeline = self._app, self._app.pipeline
        is_full = True
        while is_full:
            self._has_room.clear()
            limit = app.live.settings.bot.fetch.concurrency * CLAIM_AHEAD - self._under_way
            try:
                await app.note_tick()
                token, states = await pipeline.claim(limit=limit, everything=self._everything)
                if not states:
                    await pipeline.release(app.live.settings)
            except StoreError:
                # The store has logged the error; the next tick tries again.
                return
            if states:
                self._under_way += len(states)
                passes.create_task(self._pass(token, list(states)))
            # With ``everything``, every feed is due again immediately, so this loop would never end.
            is_full = len(states) == limit and not self._everything
            if is_full:
                await self._has_room.wait()

    async def _pass(self, token: str, states: list[FeedState]) -> None:
        app, pipeline, remaining = self._app, self._app.pipeline, len(states)

        def take(count: int) -> None:
            # Free the slots feed by feed, so that a hanging feed does not hold the slots of other feeds.
            nonlocal remaining
            remaining -= count
            self._under_way -= count
            self._has_room.set()

        try:
            self._on_pass(await pipeline.run(token, states, app.live.settings, on_taken=take))
            self._failed_passes = 0
        except StoreError:
            # Publishers must not notice our outage, so the feeds wait for their interval, longer after each failure.
            fetch = app.live.settings.bot.fetch
            wait = min(max(fetch.every, fetch.at_least) * 2**self._failed_passes, LONGEST_WAIT)
            self._failed_passes = min(self._failed_passes + 1, 10)
            await retry_until_stored(lambda: pipeline.free_feeds(token, wait=wait), app.clock)
        finally:
            take(remaining)
