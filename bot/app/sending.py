"""One sender after another: a reload that changes channels ends one and begins the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta

from bot import model, storage
from bot.app.wiring import Live
from bot.model.runtime import TaskGroup
from bot.pipeline.reports import Observer
from bot.pipeline.send import Drained, Sender


class Sending:
    """The senders of one process, over the channels in force."""

    def __init__(
        self,
        store: storage.Store,
        clock: model.Clock,
        *,
        live: Live,
        observer: Observer,
        beside: Callable[[Sequence[model.Channel]], Coroutine[None, None, None]],
    ) -> None:
        """``beside``: what the process that sends to these channels also does for them, alone, until cancelled."""
        self._store = store
        self._clock = clock
        self._live = live
        self._observer = observer
        self._beside = beside
        #: Set when the channels of the senders that run now are no longer in force.
        self._changed = asyncio.Event()

    async def send(
        self, over: asyncio.Event, *, is_ours: Callable[[model.Channel], bool] = lambda channel: True
    ) -> None:
        """Send for ever; after ``over`` what is due is still sent. ``is_ours``: the channels that are sent to."""
        while not over.is_set():
            ending = asyncio.Event()
            async with TaskGroup() as group:
                watching = [group.create_task(_pass_on(event, ending)) for event in (over, self._changed)]
                ours = [channel for channel in self._live.channels.values() if is_ours(channel)]
                watching.append(group.create_task(self._beside(ours)))
                await self._sender(is_ours).run(ending)
                for task in watching:
                    task.cancel()

    async def drain(self, duration: timedelta) -> Drained:
        """Send what can be sent within ``duration``, and say what is left."""
        return await self._sender(lambda channel: True).drain(duration)

    def renew(self) -> None:
        """The channels have changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _sender(self, is_ours: Callable[[model.Channel], bool]) -> Sender:
        live = self._live
        bot = live.settings.bot
        return Sender(
            self._store,
            {name: channel for name, channel in live.channels.items() if is_ours(channel)},
            self._clock,
            on_unknown=bot.on_unknown,
            operator=bot.operator,
            others=list(live.channels),
            observer=self._observer,
        )


async def _pass_on(event: asyncio.Event, to: asyncio.Event) -> None:
    await event.wait()
    to.set()
