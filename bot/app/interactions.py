"""Receives what people press and ask: a press is carried out, and a lost connection is reported once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from bot import model, ports
from bot.alerts import notices
from bot.pipeline import actions
from bot.pipeline.snapshot import Snapshot
from bot.ports import keys
from bot.ports.tasks import TaskGroup, until_stored

log = structlog.get_logger("wirewatch")

#: Without a connection for so long the operator is notified: one hiccup is no news.
TELL_AFTER = timedelta(minutes=1)


class Interactions:
    """All listeners of one running bot."""

    def __init__(
        self,
        store: ports.Store,
        clock: ports.Clock,
        *,
        snapshot: Callable[[], Snapshot],
        on_decided: Callable[[Sequence[model.Decision]], None],
        on_asked: Callable[[ports.Asked, Sequence[str]], Awaitable[model.Message]],
    ) -> None:
        """``on_asked`` is given a question and the channels of the app that it was put to."""
        self._store = store
        self._clock = clock
        self._snapshot = snapshot
        self._on_decided = on_decided
        self._on_asked = on_asked
        self._changed = asyncio.Event()

    async def run(self, listeners: Callable[[], Sequence[ports.Listener]]) -> None:
        """Until cancelled, but for those that listen alone; after ``renew`` with the listeners of that moment."""
        while True:
            self._changed.clear()
            async with TaskGroup() as group:
                tasks = [group.create_task(self._hear(each)) for each in listeners() if not each.is_alone]
                await self._changed.wait()
                for task in tasks:
                    task.cancel()

    async def run_alone(self, listeners: Sequence[ports.Listener]) -> None:
        """Those that listen alone, until cancelled."""
        async with TaskGroup() as group:
            for each in listeners:
                if each.is_alone:
                    group.create_task(self._hear(each))

    def renew(self) -> None:
        """The channels have changed."""
        self._changed.set()

    async def _hear(self, listener: ports.Listener) -> None:
        watch = _Watch(self._store, self._clock, self._snapshot, listener.channels)
        await until_stored(
            lambda: listener.listen(
                lambda press: self.take(press, listener.channels),
                watch.on_change,
                lambda asked: self._on_asked(asked, listener.channels),
            ),
            self._clock,
        )

    async def take(self, press: ports.Press, channels: Sequence[str]) -> ports.ActionResult:
        """Carry out a press on a message of one of these channels. Raises StoreError."""
        snapshot, now = self._snapshot(), self._clock.now()
        result = await self._store.write(lambda tx: actions.press(tx, snapshot, press, channels=channels, now=now))
        fields = {"action": type(press.action).__name__, "story": press.story, "by": press.person.id}
        if result.refused:
            log.warning("press refused", **fields, reason=result.refused)
        else:
            log.info("press taken", **fields, is_new=bool(result.decisions))
        self._on_decided(result.decisions)
        return result


class _Watch:
    """Whether one listener hears, and who has been told that it does not."""

    def __init__(
        self,
        store: ports.Store,
        clock: ports.Clock,
        snapshot: Callable[[], Snapshot],
        channels: Sequence[str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._snapshot = snapshot
        self._channels = channels
        self._failing_since: datetime | None = None

    async def on_change(self, reason: str | None) -> None:
        """``reason``: why nothing is heard; None: all is well."""
        now = self._clock.now()
        if reason is None:
            self._failing_since = None
            log.info("buttons connected", channels=list(self._channels))
            await self._tell("", now)
            return
        log.error("buttons not connected", channels=list(self._channels), reason=reason)
        self._failing_since = self._failing_since or now
        if now - self._failing_since >= TELL_AFTER:
            await self._tell(reason, now)

    async def _tell(self, reason: str, now: datetime) -> None:
        def work(tx: ports.Transaction) -> None:
            before = [keys.buttons_trouble(channel).get(tx) for channel in self._channels]
            if any(before) == bool(reason):
                return
            for channel in self._channels:
                keys.buttons_trouble(channel).put(tx, reason)
            operator = self._snapshot().operator
            if operator:
                if reason:
                    notice = notices.buttons_are_silent(self._channels, reason, now=now)
                else:
                    was = next(each for each in before if each)
                    notice = notices.buttons_are_heard_again(self._channels, was, now=now)
                tx.outbox.add([notices.row(notice, channel=operator, now=now)])

        await until_stored(lambda: self._store.write(work), self._clock)
