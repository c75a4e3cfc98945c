"""One process that does all the work: the tick, the sender, the upkeep."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot import model, pipeline, ports
from bot.maintenance import retention, sealing

if TYPE_CHECKING:
    from bot.app.runtime import App

log = structlog.get_logger("wirewatch")

#: How often due feeds are looked for.
TICK = timedelta(seconds=1)
#: Feeds under way at once, in parts of ``fetch.concurrency``: enough that no slot waits for a slow neighbour.
CLAIM_AHEAD = 4

OnPass = Callable[[pipeline.PassReport], None]


class Alone:
    def __init__(self, app: App, *, on_pass: OnPass, everything: bool) -> None:
        self._app = app
        self._on_pass = on_pass
        self._everything = everything

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; what is due to be sent is still sent then."""
        app = self._app
        async with asyncio.TaskGroup() as group:
            group.create_task(app.send(stop))
            others = [
                group.create_task(self._poll_for_ever()),
                group.create_task(sealing.keep_sealing(app.store, app.clock, post_to=app.seals_go_to)),
                group.create_task(retention.keep_trimming(app.store, app.clock, keep=app.keep, trim=app.trim)),
            ]
            await stop.wait()
            for task in others:
                task.cancel()

    async def _poll_for_ever(self) -> None:
        app = self._app
        room = app.settings.bot.fetch.concurrency * CLAIM_AHEAD
        under_way = 0
        # More feeds were due than there was room for: the next are claimed as soon as some are done, not at a tick.
        is_full, has_room = False, asyncio.Event()
        async with app.ticker(TICK) as ticker, asyncio.TaskGroup() as group:

            async def one_pass(token: str, states: list[model.FeedState]) -> None:
                left = len(states)

                def take(count: int) -> None:
                    # Feed by feed: one that hangs must not keep the room of those that were polled beside it.
                    nonlocal under_way, left
                    left -= count
                    under_way -= count
                    has_room.set()

                try:
                    self._on_pass(await app.pipeline.run(token, states, app.snapshot, on_taken=take))
                except ports.StoreError as error:
                    log.error("pass failed", error=str(error))
                finally:
                    take(left)

            while True:
                await (has_room.wait() if is_full else ticker.next())
                has_room.clear()
                limit = room - under_way
                try:
                    await app.note_tick()
                    token, states = await app.pipeline.claim(limit=limit, everything=self._everything)
                    # Where each tick polls every feed, all are due again at once.
                    is_full = len(states) == limit and not self._everything
                    if not states:
                        await app.pipeline.release(app.snapshot)
                        continue
                except ports.StoreError as error:
                    log.error("tick failed", error=str(error))
                    is_full = False
                    continue
                under_way += len(states)
                group.create_task(one_pass(token, list(states)))
