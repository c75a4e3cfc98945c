"""One process that does everything: polls, sends and deletes old rows."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot import model
from bot.app.engines.stages import Stages
from bot.app.engines.ticker import TickEvery
from bot.model.runtime import TaskGroup, retry_until_stored

#: Interval between looks for due feeds.
TICK = timedelta(seconds=1)
#: Interval between checks whether retention is due, also after sleep or a changed `keep:`.
MAINTAIN = timedelta(minutes=10)
#: Feeds claimed at once, as a multiple of ``fetch.concurrency``, so that no slot waits for a slow feed.
CLAIM_AHEAD = 4


class LocalEngine:
    """The engine of one process; implements Engine."""

    def __init__(self, stages: Stages, *, tick_every: TickEvery, everything: bool) -> None:
        """If ``everything`` is set, each tick polls every feed, due or not."""
        self._stages = stages
        self._tick_every = tick_every
        self._everything = everything
        #: Number of feeds that are being polled.
        self._under_way = 0
        self._has_room = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop``, then send what is due."""
        async with TaskGroup() as group:
            group.create_task(self._stages.send(stop))
            tasks = [group.create_task(self._poll_for_ever()), group.create_task(self._maintain_for_ever())]
            await stop.wait()
            for task in tasks:
                task.cancel()

    async def _poll_for_ever(self) -> None:
        async with TaskGroup() as passes:
            await self._tick_every(TICK, lambda: self._tick(passes))

    async def _maintain_for_ever(self) -> None:
        while True:
            await retry_until_stored(self._stages.maintain, self._stages.clock)
            await self._stages.clock.sleep(MAINTAIN)

    async def _tick(self, passes: TaskGroup) -> None:
        """Start passes over the due feeds; wait if there is not enough room for all of them."""
        stages = self._stages
        is_full = True
        while is_full:
            self._has_room.clear()
            limit = stages.live.settings.bot.fetch.concurrency * CLAIM_AHEAD - self._under_way
            try:
                await stages.note_tick()
                token, states = await stages.pipeline.claim(limit=limit, everything=self._everything)
                if not states:
                    await stages.pipeline.release(stages.live.snapshot)
            except model.StoreError:
                # The store has logged the error; the next tick tries again.
                return
            if states:
                self._under_way += len(states)
                passes.create_task(self._pass(token, list(states)))
            # With ``everything``, all feeds are due again immediately.
            is_full = len(states) == limit and not self._everything
            if is_full:
                await self._has_room.wait()

    async def _pass(self, token: str, states: list[model.FeedState]) -> None:
        stages, remaining = self._stages, len(states)

        def take(count: int) -> None:
            # Free the slots feed by feed, so that a hanging feed does not hold the slots of other feeds.
            nonlocal remaining
            remaining -= count
            self._under_way -= count
            self._has_room.set()

        try:
            stages.on_pass(await stages.pipeline.run(token, states, stages.live.snapshot, on_taken=take))
        except model.StoreError:
            # Poll these feeds again as soon as the database is available.
            await retry_until_stored(lambda: stages.pipeline.let_go(token), stages.clock)
        finally:
            take(remaining)
