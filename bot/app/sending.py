"""The sender of the current channels; a reload that changes channels replaces it."""

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
    """Run a sender over the current channels, and a new one after each change of the channels."""

    def __init__(
        self,
        store: storage.Store,
        clock: model.Clock,
        *,
        live: Live,
        observer: Observer,
        alongside: Callable[[Sequence[model.Channel]], Coroutine[None, None, None]],
    ) -> None:
        """``alongside`` runs until cancelled in the process that sends to these channels."""
        self._store = store
        self._clock = clock
        self._live = live
        self._observer = observer
        self._alongside = alongside
        #: Set when the channels of the running sender have been replaced.
        self._changed = asyncio.Event()

    async def send(
        self, over: asyncio.Event, *, is_ours: Callable[[model.Channel], bool] = lambda channel: True
    ) -> None:
        """Send until ``over`` is set, then send what is still due; only to channels for which ``is_ours`` is true."""
        while not over.is_set():
            ending = asyncio.Event()
            async with TaskGroup() as group:
                watching = [group.create_task(_pass_on(event, ending)) for event in (over, self._changed)]
                channels = [channel for channel in self._live.channels.values() if is_ours(channel)]
                watching.append(group.create_task(self._alongside(channels)))
                await self._sender(is_ours).run(ending)
                for task in watching:
                    task.cancel()

    async def drain(self, duration: timedelta) -> Drained:
        """Send what can be sent within ``duration``; return what was sent and what is left."""
        return await self._sender(lambda channel: True).drain(duration)

    def renew(self) -> None:
        """Use the changed channels."""
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
            all_channels=list(live.channels),
            observer=self._observer,
        )


async def _pass_on(event: asyncio.Event, to: asyncio.Event) -> None:
    await event.wait()
    to.set()
