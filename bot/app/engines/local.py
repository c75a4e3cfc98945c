"""One process that does all the work: the tick, the sender, the upkeep."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot import model
from bot.app.engines.stages import Stages, TickEvery
from bot.model.runtime import TaskGroup, retry_until_stored

#: How often due feeds are looked for.
TICK = timedelta(seconds=1)
#: How often closed days and old articles are looked for: a machine that slept, or a new `keep:`, waits no longer.
MAINTAIN = timedelta(minutes=10)
#: Feeds under way at once, in parts of ``fetch.concurrency``: enough that no slot waits for a slow neighbour.
CLAIM_AHEAD = 4


class LocalEngine:
    """Implements Engine."""

    def __init__(self, stages: Stages, *, tick_every: TickEvery, everything: bool) -> None:
        """``everything``: each tick polls every feed, also those that are not due."""
        self._stages = stages
        self._tick_every = tick_every
        self._everything = everything
        #: Feeds that are polled now.
        self._under_way = 0
        self._has_room = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; what is due to be sent is still sent then."""
        async with TaskGroup() as group:
            group.create_task(self._stages.send(stop))
            others = [group.create_task(self._poll_for_ever()), group.create_task(self._maintain_for_ever())]
            await stop.wait()
            for task in others:
                task.cancel()

    async def _poll_for_ever(self) -> None:
        async with TaskGroup() as passes:
            await self._tick_every(TICK, lambda: self._tick(passes))

    async def _maintain_for_ever(self) -> None:
        while True:
            await retry_until_stored(self._stages.maintain, self._stages.clock)
            await self._stages.clock.sleep(MAINTAIN)

    async def _tick(self, passes: TaskGroup) -> None:
        """Start passes over the feeds that are due; where there is no room for all of them, wait for it."""
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
                # The store has logged it; the next tick tries again.
                return
            if states:
                self._under_way += len(states)
                passes.create_task(self._pass(token, list(states)))
            # Where each tick polls every feed, all are due again at once.
            is_full = len(states) == limit and not self._everything
            if is_full:
                await self._has_room.wait()

    async def _pass(self, token: str, states: list[model.FeedState]) -> None:
        stages, left = self._stages, len(states)

        def take(count: int) -> None:
            # Feed by feed: one that hangs must not keep the room of those that were polled beside it.
            nonlocal left
            left -= count
            self._under_way -= count
            self._has_room.set()

        try:
            stages.on_pass(await stages.pipeline.run(token, states, stages.live.snapshot, on_taken=take))
        except model.StoreError:
            # What was not stored is polled again, as soon as the database is available.
            await retry_until_stored(lambda: stages.pipeline.let_go(token), stages.clock)
        finally:
            take(left)
