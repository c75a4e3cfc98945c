"""The outbox: order, leases, and nothing lost, over every store."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot import storage
from bot.model.messages import MessageKind, Outgoing, Receipt, SendState
from bot.model.stories import SendId, StoryId
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made import LEASE, MINUTE, sending, view


class Box:
    """The outbox of one store, call by call."""

    def __init__(self, store: storage.Store, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock

    async def add(self, *rows: Outgoing) -> None:
        await self.store.write(lambda tx: tx.outbox.add(rows))

    async def claim(self, *, token: str = "t", limit: int = 10, channel: str = "desk") -> list[Outgoing]:
        now = self.clock.now()
        return list(
            await self.store.write(lambda tx: tx.outbox.claim(channel, now=now, limit=limit, token=token, lease=LEASE))
        )

    async def save(self, row: Outgoing, *, token: str = "t") -> bool:
        return await self.store.write(lambda tx: tx.outbox.save(row, token=token))

    async def get(self, name: str) -> Outgoing:
        return (await self.store.read(lambda tx: tx.outbox.get([SendId(name)])))[SendId(name)]

    async def state(self, name: str) -> SendState:
        return (await self.get(name)).state

    async def next_due(self) -> object:
        return await self.store.read(lambda tx: tx.outbox.next_due(["desk"], now=self.clock.now()))


@pytest.fixture
def box(store: storage.Store, clock: FakeClock) -> Box:
    return Box(store, clock)


def ids(rows: list[Outgoing]) -> list[str]:
    return [row.id for row in rows]


def sent(row: Outgoing) -> Outgoing:
    return replace(row, state=SendState.SENT, receipt=Receipt(ref="1.2", place="C1", sent_at=START))


async def test_a_row_comes_back_as_it_was_and_is_not_added_twice(box: Box) -> None:
    row = replace(
        sending("a", views=(view("A"),), story="A"), is_plain=True, is_top_level=True, error="e", tried_at=START
    )
    await box.add(row)
    await box.add(replace(row, attempts=7), sending("b"))
    assert await box.get("a") == replace(row, seq=1)
    assert ids(await box.claim()) == ["a", "b"]


async def test_messages_of_one_thread_are_sent_one_by_one_in_order(box: Box) -> None:
    await box.add(sending("a"), sending("a2", thread="a", kind=MessageKind.REPLY), sending("b"))
    first = await box.claim()
    assert ids(first) == ["a", "b"]
    assert {row.state for row in first} == {SendState.SENDING}
    assert await box.claim(token="other") == []
    assert await box.save(sent(first[0]))
    assert ids(await box.claim()) == ["a2"]


@pytest.mark.parametrize("kind", [MessageKind.EDIT, MessageKind.REPLY])
async def test_a_due_message_does_not_wait_for_a_held_reply(box: Box, kind: MessageKind) -> None:
    await box.add(sending("a"))
    (head,) = await box.claim()
    await box.save(sent(head))
    await box.add(sending("held", thread="a", kind=MessageKind.REPLY, minutes=60))
    await box.add(sending("due", thread="a", kind=kind, minutes=1))
    assert await box.next_due() == START + MINUTE
    box.clock.advance(MINUTE)
    (due,) = await box.claim()
    assert due.id == "due"
    await box.save(sent(due))
    assert await box.next_due() == START + 60 * MINUTE
    box.clock.advance(60 * MINUTE)
    assert ids(await box.claim()) == ["held"]


async def test_an_expired_lease_means_an_unknown_outcome(box: Box) -> None:
    await box.add(sending("a"))
    (mine,) = await box.claim()
    box.clock.advance(LEASE)
    (theirs,) = await box.claim(token="other")
    assert theirs.state is SendState.UNKNOWN
    assert theirs.tried_at == START, "a look-up starts at the first attempt"
    assert not await box.save(sent(mine)), "the lease is lost"
    assert await box.state("a") is SendState.UNKNOWN
    box.clock.advance(LEASE)
    (row,) = await box.claim(token="third")
    assert row.state is SendState.UNKNOWN
    assert await box.save(sent(row), token="third")


async def test_the_messages_of_a_dead_owner_are_free_at_once_with_an_unknown_outcome(box: Box, address: str) -> None:
    await box.add(sending("a"), sending("b"))
    await box.claim(limit=1)
    await box.store.free_dead_leases()
    rows = await box.claim(token="new")
    if address.startswith("postgresql"):
        assert ids(rows) == ["b"], "others may live: their leases end by time"
        return
    assert [(row.id, row.state) for row in rows] == [("a", SendState.UNKNOWN), ("b", SendState.SENDING)]


async def test_the_next_due_time_is_that_of_a_row_that_can_be_sent(box: Box) -> None:
    assert await box.next_due() is None
    await box.add(sending("a", minutes=2), sending("a2", thread="a", kind=MessageKind.REPLY), sending("b", minutes=3))
    assert await box.next_due() == START + 2 * MINUTE, "a2 follows a"
    box.clock.advance(2 * MINUTE)
    (claimed,) = await box.claim()
    assert await box.next_due() == START + 3 * MINUTE
    await box.save(replace(claimed, state=SendState.PARKED))
    box.clock.advance(MINUTE)
    await box.claim()
    assert await box.next_due() == box.clock.now() + LEASE, "of a claimed row, the end of its lease"


async def test_a_newer_edit_replaces_one_that_waits_and_follows_one_that_is_being_sent(box: Box) -> None:
    await box.add(sending("a"))
    (head,) = await box.claim()
    await box.save(sent(head))
    await box.add(sending("e1", thread="a", kind=MessageKind.EDIT, minutes=1))
    await box.add(sending("r", thread="a", kind=MessageKind.REPLY))
    await box.add(sending("e2", thread="a", kind=MessageKind.EDIT, minutes=9))
    await box.add(sending("e1", thread="a", kind=MessageKind.EDIT, minutes=1))
    old, new = await box.get("e1"), await box.get("e2")
    assert old.state is SendState.DROPPED
    assert "newer edit" in (old.error or "")
    assert new.due_at == START + MINUTE, "a flow of edits is not put off for ever"
    (reply,) = await box.claim()
    assert reply.id == "r"
    await box.save(sent(reply))
    box.clock.advance(MINUTE)
    assert ids(await box.claim()) == ["e2"]
    await box.add(sending("e3", thread="a", kind=MessageKind.EDIT))
    assert (await box.state("e2"), await box.state("e3")) == (SendState.SENDING, SendState.PENDING)


async def test_parked_rows_and_newer_edits_of_them_wait_for_their_channel(box: Box) -> None:
    await box.add(sending("a"), sending("e1", thread="e", kind=MessageKind.EDIT, minutes=5))
    await box.add(sending("c", channel="other"))
    assert await box.store.write(lambda tx: tx.outbox.park(["desk"], "channel_not_found")) == 2
    await box.add(sending("e2", thread="e", kind=MessageKind.EDIT))
    assert (await box.state("e1"), await box.state("e2")) == (SendState.DROPPED, SendState.PARKED)
    assert (await box.get("a")).error == "channel_not_found"
    assert await box.claim() == []
    assert await box.next_due() is None
    assert ids(await box.claim(channel="other")) == ["c"]
    assert await box.store.write(lambda tx: tx.outbox.unpark(["desk"], now=START)) == 2
    assert ids(await box.claim()) == ["a", "e2"]


async def test_a_row_parked_with_unknown_outcome_is_looked_up_when_its_channel_is_back(box: Box) -> None:
    await box.add(sending("a"))
    await box.claim()
    box.clock.advance(LEASE)
    (row,) = await box.claim()
    await box.save(replace(row, state=SendState.PARKED, error="token_revoked"))
    await box.store.write(lambda tx: tx.outbox.unpark(["desk"], now=box.clock.now()))
    (back,) = await box.claim()
    assert back.state is SendState.UNKNOWN


async def test_messages_are_counted_by_state_the_unsent_are_listed_and_only_what_has_not_begun_is_dropped(
    box: Box,
) -> None:
    await box.add(sending("sent"), sending("begun"), sending("parked", channel="closed"), sending("c", channel="other"))
    row, _ = await box.claim(limit=2)
    await box.save(sent(row))
    await box.store.write(lambda tx: tx.outbox.park(["closed"], "closed"))
    await box.add(sending("waiting"), sending("left"))
    assert await box.store.read(lambda tx: tx.outbox.counts()) == {
        ("desk", SendState.SENT): 1,
        ("desk", SendState.SENDING): 1,
        ("desk", SendState.PENDING): 2,
        ("closed", SendState.PARKED): 1,
        ("other", SendState.PENDING): 1,
    }
    unsent = ids(list(await box.store.read(lambda tx: tx.outbox.unsent())))
    assert unsent == ["begun", "parked", "c", "waiting", "left"]
    dropped = [SendId(name) for name in ("sent", "begun", "parked", "waiting")]
    assert await box.store.write(lambda tx: tx.outbox.drop(dropped, "silenced")) == 2
    for name, state, error in (
        ("sent", SendState.SENT, None),
        ("begun", SendState.SENDING, None),
        ("parked", SendState.DROPPED, "silenced"),
        ("waiting", SendState.DROPPED, "silenced"),
        ("left", SendState.PENDING, None),
    ):
        row = await box.get(name)
        assert (row.state, row.error) == (state, error), name


async def test_a_story_finds_its_messages_also_gathered_ones(box: Box) -> None:
    await box.add(
        sending("a", story="A", views=(view("A"),)),
        sending("g", kind=MessageKind.LISTING, views=(view("B"), view("A"))),
        sending("n", kind=MessageKind.NOTICE),
    )
    assert ids(list(await box.store.read(lambda tx: tx.outbox.of_story(StoryId("A"))))) == ["a", "g"]
    assert ids(list(await box.store.read(lambda tx: tx.outbox.of_story(StoryId("B"))))) == ["g"]
