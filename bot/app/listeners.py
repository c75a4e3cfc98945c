"""Run the channels' listeners, carry out button presses, and report lost connections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import storage
from bot.aio import TaskGroup, retry_until_stored
from bot.alerts import notices
from bot.app.wiring import Live
from bot.model.alerts import Decision
from bot.model.channels import ActionResult, ChatRequest, Listener, Press
from bot.model.durations import Clock
from bot.model.messages import Message, MessageKind
from bot.model.quarantine import PieceKind
from bot.pipeline import actions, quarantine, retry
from bot.storage import keys

log = structlog.get_logger("wirewatch")

#: The operator is notified after this long without a connection.
NOTIFY_AFTER = timedelta(minutes=1)
_BUG = "This could not be done because of a bug in Wirewatch. Its operator gets a notice."


@dataclass(slots=True)
class Interactions:
    """Runs the listeners of all channels, carries out button presses, and passes on questions."""

    store: storage.Store
    clock: Clock
    live: Live
    on_decided: Callable[[Sequence[Decision]], None]
    #: Answers a question that a chat app received; gets the question and the channels of that app.
    on_question: Callable[[ChatRequest, Sequence[str]], Awaitable[Message]]
    #: Channels of a disconnected listener -> time of its first failure.
    _failing_since: dict[tuple[str, ...], datetime] = field(default_factory=dict, init=False)

    async def run(self, listeners: Callable[[], Sequence[Listener]]) -> None:
        """Run the listeners that every process may run, until cancelled. Start them again when the channels change."""
        while True:
            changed = self.live.channels_changed
            async with TaskGroup() as group:
                tasks = [group.create_task(self._listen(listener)) for listener in listeners() if not listener.is_alone]
                await changed.wait()
                for task in tasks:
                    task.cancel()

    async def run_alone(self, listeners: Sequence[Listener]) -> None:
        """Run the listeners that only one process may run, until cancelled."""
        async with TaskGroup() as group:
            for listener in listeners:
                if listener.is_alone:
                    group.create_task(self._listen(listener))

    async def _listen(self, listener: Listener) -> None:
        channels = tuple(listener.channels)
        self._failing_since.pop(channels, None)
        await retry_until_stored(
            lambda: listener.listen(
                lambda press: self.take(press, channels),
                lambda reason: self._note_connection(channels, reason),
                lambda question: self.ask(question, channels),
            ),
            self.clock,
        )

    async def take(self, press: Press, channels: Sequence[str]) -> ActionResult:
        """Carry out a button press on a message in one of ``channels``. Raises StoreError."""
        settings, now = self.live.settings, self.clock.now()

        async def apply(presses: Sequence[Press]) -> Sequence[ActionResult]:
            work = [partial(actions.apply_press, pressed=press, channels=channels) for press in presses]
            return [await actions.carry_out(self.store, settings, act, now=now) for act in work]

        results, failed = await quarantine.isolate([press], apply)
        for _, error in failed:
            await self._set_aside(PieceKind.PRESS, press.id, error, body=retry.dump_press(press, channels))
            return ActionResult(text=_BUG, refused="unexpected error")
        [[result]] = results
        fields = {"action": type(press.action).__name__, "story": press.story, "by": press.person.id}
        if result.refused:
            log.warning("button press refused", **fields, reason=result.refused)
        else:
            log.info("button press stored", **fields, is_new=bool(result.decisions))
        self.on_decided(result.decisions)
        return result

    async def ask(self, question: ChatRequest, channels: Sequence[str]) -> Message:
        """Answer a question or a command in a chat."""

        async def answer(questions: Sequence[ChatRequest]) -> Sequence[Message]:
            return [await self.on_question(question, channels) for question in questions]

        results, failed = await quarantine.isolate([question], answer)
        for _, error in failed:
            await self._set_aside(PieceKind.COMMAND, question.id, error)
            return Message(kind=MessageKind.NOTICE, lead=_BUG)
        [[message]] = results
        return message

    async def _set_aside(self, kind: PieceKind, piece: str, error: Exception, *, body: str = "") -> None:
        stage, settings, now = kind.value, self.live.settings, self.clock.now()
        await self.store.write(
            lambda tx: quarantine.set_aside(tx, kind, piece, error, stage=stage, settings=settings, now=now, body=body)
        )

    async def _note_connection(self, channels: tuple[str, ...], reason: str | None) -> None:
        """Log and report a listener's connection. ``reason`` is why the connection failed, or None if it works."""
        now = self.clock.now()
        if reason is None:
            self._failing_since.pop(channels, None)
            log.info("buttons connected", channels=list(channels))
        else:
            log.error("buttons not connected", channels=list(channels), reason=reason)
            if now - self._failing_since.setdefault(channels, now) < NOTIFY_AFTER:
                return

        def notify(tx: storage.Transaction) -> None:
            stored = [keys.buttons_trouble(channel).get(tx) for channel in channels]
            if any(stored) == bool(reason):
                return
            for channel in channels:
                keys.buttons_trouble(channel).put(tx, reason or "")
            operator = self.live.settings.bot.operator
            if operator:
                if reason:
                    notice = notices.buttons_are_silent(channels, reason, now=now)
                else:
                    notice = notices.buttons_work_again(channels, next(filter(None, stored)), now=now)
                tx.outbox.add([notices.notice_row(notice, channel=operator, now=now)])

        await retry_until_stored(lambda: self.store.write(notify), self.clock)
