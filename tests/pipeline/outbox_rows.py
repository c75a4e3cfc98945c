"""Rows of an outbox, and a channel that remembers what it showed and fails as told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.durations import Clock
from bot.model.channels import Abilities, CheckLine, Delivery
from bot.model.errors import SendError
from bot.model.messages import Message, Outgoing, Receipt
from bot.model.settings import OnUnknown
from bot.model.stories import SendId
from bot.pipeline import send
from bot.testing import messages
from tests.testbed import fresh
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made import sending
from tests.testbed.made_settings import make_settings
from tests.testbed.shown import lead_of

FULL = Abilities(threads=True, edits=True, lookup=True)
REDUCED = Abilities(threads=False, edits=False, lookup=False)

#: A scripted send raises before it is accepted, or after.
Fault = SendError | Exception


class FakeChannel:
    """Shows what it takes; each scripted fault is met once, in order."""

    def __init__(
        self,
        clock: Clock,
        *,
        name: str = "desk",
        abilities: Abilities = FULL,
        pace: timedelta = timedelta(seconds=1),
        account: str = "fake",
    ) -> None:
        self.name = name
        self.abilities = abilities
        self.pace = pace
        self.account = account
        self.clock = clock
        #: (when, send id, thread's ref) in order.
        self.shown: list[tuple[datetime, str, str]] = []
        #: All messages, edits too.
        self.messages: list[Message] = []
        #: Ref -> the send id that it shows now, after edits.
        self.faces: dict[str, str] = {}
        self.looks = 0
        self.before: deque[Fault] = deque()
        self.after: deque[Fault] = deque()
        #: The error of each send before it is accepted, if any.
        self.outage: Callable[[Delivery], Fault | None] = lambda _: None
        self.hangs: asyncio.Event | None = None

    @property
    def ids(self) -> list[str]:
        return [send for _, send, _ in self.shown]

    async def send(self, delivery: Delivery) -> Receipt:
        if fault := self.outage(delivery):
            raise fault
        if self.before:
            raise self.before.popleft()
        if delivery.edits is not None:
            ref = delivery.edits.ref
        else:
            ref = f"ref-{len(self.shown) + 1}"
            self.shown.append((self.clock.now(), delivery.id, delivery.reply_to.ref if delivery.reply_to else ""))
        self.faces[ref] = delivery.id
        self.messages.append(delivery.message)
        if self.hangs is not None:
            self.hangs.set()
            await asyncio.Event().wait()
        if self.after:
            raise self.after.popleft()
        return Receipt(ref=ref, place="fake", sent_at=self.clock.now())

    async def find(self, delivery: Delivery, *, since: datetime) -> Receipt | None:
        self.looks += 1
        for place, (when, send_id, _) in enumerate(self.shown, start=1):
            if send_id == delivery.id and when >= since:
                return Receipt(ref=f"ref-{place}", place="fake", sent_at=when)
        return None

    async def check(self) -> Sequence[CheckLine]:
        return ()

    async def close(self) -> None:
        """Holds nothing."""


def row(
    name: str,
    *,
    thread: str | None = None,
    message: Message = messages.POST,
    channel: str = "desk",
    at: datetime = START,
) -> Outgoing:
    created = sending(name, thread=thread, channel=channel)
    return replace(created, message=message, created_at=at, due_at=at)


def reply(name: str, thread: str, *, channel: str = "desk") -> Outgoing:
    return row(name, thread=thread, message=messages.NEW_FACT, channel=channel)


def edit(name: str, thread: str, *, channel: str = "desk") -> Outgoing:
    return row(name, thread=thread, message=messages.EDIT, channel=channel)


# -- a sender over a store in memory, and what it made of its rows


class Stage:
    """A store in memory, its clock, and the channel that its senders have unless others are named."""

    def __init__(self, clock: FakeClock) -> None:
        self.store = fresh.in_memory(clock)
        self.clock = clock
        self.channel = FakeChannel(clock)

    def sender(
        self,
        *channels: FakeChannel,
        operator: str | None = None,
        on_unknown: OnUnknown = OnUnknown.SEND_AGAIN,
        **options: timedelta,
    ) -> send.Sender:
        by_name = {channel.name: channel for channel in channels or (self.channel,)}
        settings = make_settings(operator=operator, on_unknown=on_unknown)
        return send.Sender(self.store, by_name, self.clock, settings=lambda: settings, **options)  # type: ignore[arg-type]

    async def add(self, *rows: Outgoing) -> None:
        await self.store.write(lambda tx: tx.outbox.add(rows))

    async def state(self, name: str) -> Outgoing:
        return (await self.store.read(lambda tx: tx.outbox.get([SendId(name)])))[SendId(name)]

    async def notices(self) -> list[str]:
        rows = await self.store.read(lambda tx: tx.outbox.unsent())
        return [lead_of(row.message) for row in rows if row.channel == "ops"]

    async def run_until(self, sender: send.Sender, end: datetime) -> None:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(sender.run(stop))
            while self.clock.now() < end:  # noqa: ASYNC110 - the clock has no event
                await asyncio.sleep(0)
            stop.set()
