"""One process that does all the work: the tick, the sender, the upkeep."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot import model, ports
from bot.app.engines.stages import Stages
from bot.maintenance import retention, sealing

if TYPE_CHECKING:
    from bot.app.engines.ticker import Ticks

log = structlog.get_logger("wirewatch")

#: How often due feeds are looked for.
TICK = timedelta(seconds=1)
#: Feeds under way at once, in parts of ``fetch.concurrency``: enough that no slot waits for a slow neighbour.
CLAIM_AHEAD = 4


class LocalEngine:
    """Implements Engine."""

    def __init__(self, stages: Stages, *, ticker: Callable[[timedelta], Ticks], everything: bool) -> None:
        """``everything``: each tick polls every feed, also those that are not due."""
        self._stages = stages
        self._ticker = ticker
        self._everything = everything

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; what is due to be sent is still sent then."""
        store, clock = self._stages.store, self._stages.clock
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stages.send(stop))
            others = [
                group.create_task(self._poll_for_ever()),
                group.create_task(sealing.keep_sealing(store, clock, post_to=self._stages.seals_go_to)),
                group.create_task(
                    retention.keep_trimming(store, clock, keep=self._stages.keep, trim=self._stages.trim)
                ),
            ]
            await stop.wait()
            for task in others:
                task.cancel()

    async def _poll_for_ever(self) -> None:
        stages = self._stages
        room = stages.concurrency() * CLAIM_AHEAD
        under_way = 0
        # More feeds were due than there was room for: the next are claimed as soon as some are done, not at a tick.
        is_full, has_room = False, asyncio.Event()
        async with self._ticker(TICK) as ticker, asyncio.TaskGroup() as group:

            async def one_pass(token: str, states: list[model.FeedState]) -> None:
                left = len(states)

                def take(count: int) -> None:
                    # Feed by feed: one that hangs must not keep the room of those that were polled beside it.
                    nonlocal under_way, left
                    left -= count
                    under_way -= count
                    has_room.set()

                try:
                    stages.on_pass(await stages.pipeline.run(token, states, stages.snapshot(), on_taken=take))
                except ports.StoreError as error:
                    log.error("pass failed", error=str(error))
                finally:
                    take(left)

            while True:
                await (has_room.wait() if is_full else ticker.next())
                has_room.clear()
                limit = room - under_way
                try:
                    await stages.note_tick()
                    token, states = await stages.pipeline.claim(limit=limit, everything=self._everything)
                    # Where each tick polls every feed, all are due again at once.
                    is_full = len(states) == limit and not self._everything
                    if not states:
                        await stages.pipeline.release(stages.snapshot())
                        continue
                except ports.StoreError as error:
                    log.error("tick failed", error=str(error))
                    is_full = False
                    continue
                under_way += len(states)
                group.create_task(one_pass(token, list(states)))
