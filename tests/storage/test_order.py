"""Whatever happens to an outbox, what is due of a thread stays in order and no row is lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot import storage
from bot.model.messages import MessageKind, Outgoing, SendState
from tests.testbed import fresh
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made import LEASE, sending

THREADS = ("a", "b")
KINDS = (MessageKind.REPLY, MessageKind.EDIT)


@dataclass(frozen=True)
class Add:
    thread: str
    kind: MessageKind
    #: Held for so long.
    seconds: int = 0


@dataclass(frozen=True)
class Claim:
    limit: int


@dataclass(frozen=True)
class Finish:
    """The oldest claim still open ends so; an outcome of a lost lease must change nothing."""

    state: SendState


@dataclass(frozen=True)
class Pass:
    seconds: int


@dataclass(frozen=True)
class Turn:
    """park, unpark or die: the process ends and another begins."""

    what: str


Step = Add | Claim | Finish | Pass | Turn
OUTCOMES = (SendState.SENT, SendState.PENDING, SendState.UNKNOWN, SendState.PARKED, SendState.DROPPED)
steps = st.lists(
    st.one_of(
        st.builds(Add, st.sampled_from(THREADS), st.sampled_from(KINDS), st.sampled_from([0, 0, 45])),
        st.builds(Claim, st.integers(1, 3)),
        st.builds(Finish, st.sampled_from(OUTCOMES)),
        st.builds(Pass, st.sampled_from([1, 30, 60])),
        st.builds(Turn, st.sampled_from(["park", "unpark", "die"])),
    ),
    max_size=40,
)


class History:
    """Plays steps on a real store and records separately what must be true."""

    def __init__(self, store: storage.Store, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock
        self.added: list[Outgoing] = []
        self.open: list[tuple[str, Outgoing]] = []
        #: Send ids in the order in which they left us, by thread.
        self.left: dict[str, list[str]] = {thread: [] for thread in THREADS}
        self.claims = 0

    async def play(self, step: Step) -> None:
        match step:
            case Add(thread=thread, kind=kind, seconds=seconds):
                due_at = self.clock.now() + timedelta(seconds=seconds)
                row = replace(sending(f"{len(self.added):03}", thread=thread, kind=kind), due_at=due_at)
                self.added.append(row)
                await self.store.write(lambda tx: tx.outbox.add([row]))
            case Claim(limit=limit):
                await self._claim(limit)
            case Finish(state=state):
                await self._finish(state)
            case Pass(seconds=seconds):
                self.clock.advance(timedelta(seconds=seconds))
            case Turn(what="park"):
                await self.store.write(lambda tx: tx.outbox.park(["desk"], "closed"))
            case Turn(what="unpark"):
                await self.store.write(lambda tx: tx.outbox.unpark(["desk"], now=self.clock.now()))
            case Turn():
                self.open.clear()
                await self.store.free_dead_leases()

    async def _claim(self, limit: int) -> None:
        self.claims += 1
        token, now = f"claim {self.claims}", self.clock.now()
        rows = await self.store.write(
            lambda tx: tx.outbox.claim("desk", now=now, limit=limit, token=token, lease=LEASE)
        )
        assert len({row.thread for row in rows}) == len(rows) <= limit
        for row in rows:
            await self._check_order(row, now)
        self.open.extend((token, row) for row in rows)

    async def _check_order(self, row: Outgoing, now: datetime) -> None:
        """Older rows of its thread are through, or nobody tried them and they are due later."""
        rows = await self.store.read(lambda tx: tx.outbox.get([item.id for item in self.added]))
        for older in rows.values():
            if older.thread == row.thread and older.seq < row.seq:
                is_through = older.state in (SendState.SENT, SendState.DROPPED)
                assert is_through or (older.tried_at is None and older.due_at > now)

    async def _finish(self, state: SendState) -> None:
        if not self.open:
            return
        token, row = self.open.pop(0)
        is_ours = await self.store.write(lambda tx: tx.outbox.save(replace(row, state=state), token=token))
        if is_ours and state is SendState.SENT:
            self.left[row.thread].append(row.id)

    async def check(self) -> None:
        for left in self.left.values():
            assert len(left) == len(set(left)), "none twice"
        rows = await self.store.read(lambda tx: tx.outbox.get([row.id for row in self.added]))
        assert len(rows) == len(self.added), "none is lost"
        for row in rows.values():
            is_replaced = row.state is SendState.DROPPED and "newer edit" in (row.error or "")
            assert not is_replaced or any(
                newer.thread == row.thread and newer.message.kind is MessageKind.EDIT and newer.id > row.id
                for newer in rows.values()
            )

    async def drain(self) -> None:
        """Once all is well again, all that is not dropped leaves."""
        await self.store.write(lambda tx: tx.outbox.unpark(["desk"], now=self.clock.now()))
        self.clock.advance(LEASE)
        self.open.clear()
        for _ in range(len(self.added) + 1):
            await self._claim(10)
            for _ in list(self.open):
                await self._finish(SendState.SENT)
        counts = await self.store.read(lambda tx: tx.outbox.counts())
        assert {state for _, state in counts} <= {SendState.SENT, SendState.DROPPED}


@given(steps)
@settings(deadline=None, max_examples=20)
def test_a_thread_stays_in_order_and_nothing_is_lost(history: list[Step]) -> None:
    asyncio.run(_play(history))


async def _play(history: list[Step]) -> None:
    clock = FakeClock(START)
    store = fresh.in_memory(clock)
    try:
        played = History(store, clock)
        for step in history:
            await played.play(step)
        await played.check()
        await played.drain()
        await played.check()
    finally:
        await store.close()
