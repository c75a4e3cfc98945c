"""A sender over a store in memory, and what it made of its rows."""

from __future__ import annotations

import asyncio
from datetime import datetime

from bot import model, outbox
from testbed.fakes import FakeClock
from tests.outbox.rows import FakeChannel
from tests.outbox.store import MemoryStore


def sender(store: MemoryStore, clock: FakeClock, *channels: FakeChannel, **options: object) -> outbox.Sender:
    return outbox.Sender(store, {each.name: each for each in channels}, clock, **options)  # type: ignore[arg-type]


async def add(store: MemoryStore, *rows: model.Outgoing) -> None:
    await store.write(lambda tx: tx.outbox.add(rows))


async def state(store: MemoryStore, name: str) -> model.Outgoing:
    return (await store.read(lambda tx: tx.outbox.get([model.SendId(name)])))[model.SendId(name)]


async def notices(store: MemoryStore, channel: str = "ops") -> list[str]:
    rows = await store.read(lambda tx: tx.outbox.unsent())
    return [each.message.lead for each in rows if each.channel == channel]


async def run_until(sending: outbox.Sender, clock: FakeClock, end: datetime) -> None:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(sending.run(stop))
        while clock.now() < end:  # noqa: ASYNC110 - the clock has no event
            await asyncio.sleep(0)
        stop.set()
