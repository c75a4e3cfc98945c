"""Poll, send and delete old rows in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from bot.aio import TaskGroup, retry_until_stored, supervise
from bot.app.jobs import Job
from bot.app.runtime import App
from bot.model.errors import StoreError
from bot.model.feeds import FeedState
from bot.pipeline.passes import APART
from bot.pipeline.reports import PassReport

log = structlog.get_logger("wirewatch")

#: Interval between searches for due feeds, and for work to decide.
TICK = timedelta(seconds=1)
#: Maximum number of feeds in progress, as a multiple of ``fetch.concurrency``, so that a slow feed leaves no slot idle.
CLAIM_AHEAD = 4


class LocalEngine:
    """The engine of one process."""

    def __init__(self, app: App, on_pass: Callable[[PassReport], None], *, everything: bool) -> None:
        """``on_pass`` is called after each pass. If ``everything`` is true, each run polls all feeds, due or not."""
        self._app = app
        self._on_pass = on_pass
        self._everything = everything
        #: Number of feeds that are being polled.
        self._under_way = 0
        self._has_room = asyncio.Event()
        #: The group of the passes, or None before the start and after the stop.
        self._group: TaskGroup | None = None
        self._passes: set[asyncio.Task[None]] = set()

    @property
    def jobs(self) -> Sequence[Job]:
        """The periodic work of the stages. Each pass also decides, so that its articles do not wait for a job."""
        pipeline, live = self._app.pipeline, self._app.live
        return [
            Job(name="poll", every=TICK, work=self._poll),
            Job(name="decide", every=TICK, work=lambda: pipeline.release(live.settings)),
        ]

    async def run(self, stop: asyncio.Event) -> None:
        """Send until ``stop`` is set, and then the messages that are due. Interrupt the passes at the stop."""
        app = self._app
        async with TaskGroup() as group:
            self._group = group
            group.create_task(supervise("send", lambda: app.send(stop), app.clock, app.task_failures, over=stop))
            await stop.wait()
            self._group = None
            for task in self._passes:
                task.cancel()

    async def _poll(self) -> None:
        """Start passes over the due feeds; if there are too many, wait for free slots and continue."""
        app, pipeline = self._app, self._app.pipeline
        is_full = True
        while is_full and self._group is not None:
            self._has_room.clear()
            limit = app.live.settings.bot.fetch.concurrency * CLAIM_AHEAD - self._under_way
            await app.heartbeat.tick(operator=app.settings.bot.operator)
            token, states = await pipeline.claim(limit=limit, everything=self._everything)
            if self._group is None:
                await pipeline.free_feeds(token)
                return
            if states:
                self._under_way += len(states)
                task = self._group.create_task(self._pass(token, list(states)))
                self._passes.add(task)
                task.add_done_callback(self._passes.discard)
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
        except Exception as error:  # noqa: BLE001 -- the pipeline has logged it
            fetch, wait = app.live.settings.bot.fetch, APART
            if isinstance(error, StoreError) or len(states) == 1:
                # Publishers must not notice our outage, so the feeds wait for their interval.
                wait = max(fetch.every, fetch.at_least)
            await retry_until_stored(lambda: pipeline.postpone_feeds(token, wait=wait), app.clock)
        finally:
            take(remaining)
