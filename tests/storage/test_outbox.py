"""The outbox: order, leases, and nothing lost, over every store."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pytest
from msgspec.structs import replace

from bot import storage
from bot.model.messages import MessageKind, Outgoing, Receipt, SendState
from bot.model.stories import SendId, StoryId
from bot.storage.outbox import Outbox
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made import LEASE, MINUTE, sending, view


@dataclass
class Box:
    """The outbox and the time at which it is asked."""

    outbox: Outbox
    clock: FakeClock

    def claim(self, *, token: str = "t", limit: int = 10, channel: str = "desk") -> list[Outgoing]:
        return list(self.outbox.claim(channel, now=self.clock.now(), limit=limit, token=token, lease=LEASE))

    def get(self, name: str) -> Outgoing:
        return self.outbox.get([SendId(name)])[SendId(name)]

    def next_due(self) -> object:
        return self.outbox.next_due(["desk"], now=self.clock.now())

    def start_thread(self, name: str) -> None:
        """Add a message that has been sent."""
        self.outbox.add([sending(name)])
        (head,) = self.claim()
        self.outbox.save(sent(head), token="t")


@pytest.fixture
def box(tx: storage.Transaction, clock: FakeClock) -> Box:
    return Box(tx.outbox, clock)


def ids(rows: list[Outgoing]) -> list[str]:
    return [row.id for row in rows]


def sent(row: Outgoing) -> Outgoing:
    return replace(row, state=SendState.SENT, receipt=Receipt(ref="1.2", place="C1", sent_at=START))


def test_a_row_comes_back_as_it_was_and_is_not_added_twice(box: Box) -> None:
    row = replace(
        sending("a", views=(view("A"),), story="A"), is_plain=True, is_top_level=True, error="e", tried_at=START
    )
    box.outbox.add([row])
    box.outbox.add([replace(row, attempts=7), sending("b")])
    assert box.get("a") == replace(row, seq=1)
    assert ids(box.claim()) == ["a", "b"]


@pytest.mark.parametrize("kind", [MessageKind.EDIT, MessageKind.REPLY])
def test_a_due_message_does_not_wait_for_a_held_reply(box: Box, kind: MessageKind) -> None:
    box.start_thread("a")
    box.outbox.add([sending("held", thread="a", kind=MessageKind.REPLY, minutes=60)])
    box.outbox.add([sending("due", thread="a", kind=kind, minutes=1)])
    assert box.next_due() == START + MINUTE
    box.clock.advance(MINUTE)
    (due,) = box.claim()
    assert due.id == "due"
    box.outbox.save(sent(due), token="t")
    assert box.next_due() == START + 60 * MINUTE
    box.clock.advance(60 * MINUTE)
    assert ids(box.claim()) == ["held"]


def test_an_expired_lease_means_an_unknown_outcome_also_after_the_channel_was_closed(box: Box) -> None:
    box.outbox.add([sending("a")])
    (mine,) = box.claim()
    box.clock.advance(LEASE)
    (theirs,) = box.claim(token="other")
    assert theirs.state is SendState.UNKNOWN
    assert theirs.tried_at == START, "a look-up starts at the first attempt"
    assert not box.outbox.save(sent(mine), token="t"), "the lease is lost"
    assert box.get("a").state is SendState.UNKNOWN
    assert box.outbox.save(replace(theirs, state=SendState.PARKED, error="token_revoked"), token="other")
    box.outbox.unpark(["desk"], now=box.clock.now())
    (row,) = box.claim(token="third")
    assert row.state is SendState.UNKNOWN
    assert box.outbox.save(sent(row), token="third")


async def test_the_messages_of_a_dead_owner_are_free_at_once_with_an_unknown_outcome(store: storage.Store) -> None:
    def claim(tx: storage.Transaction, token: str, limit: int) -> list[tuple[str, SendState]]:
        rows = tx.outbox.claim("desk", now=START, limit=limit, token=token, lease=LEASE)
        return [(row.id, row.state) for row in rows]

    await store.write(lambda tx: tx.outbox.add([sending("a"), sending("b")]))
    await store.write(partial(claim, token="dead", limit=1))
    await store.free_dead_leases()
    claimed = await store.write(partial(claim, token="new", limit=10))
    if store.address.is_sqlite:
        assert claimed == [("a", SendState.UNKNOWN), ("b", SendState.SENDING)]
    else:
        assert claimed == [("b", SendState.SENDING)], "others may live: their leases end by time"


def test_the_next_due_time_is_that_of_a_row_that_can_be_sent(box: Box) -> None:
    assert box.next_due() is None
    box.outbox.add(
        [sending("a", minutes=2), sending("a2", thread="a", kind=MessageKind.REPLY), sending("b", minutes=3)]
    )
    assert box.next_due() == START + 2 * MINUTE, "a2 follows a"
    box.clock.advance(2 * MINUTE)
    (claimed,) = box.claim()
    assert box.next_due() == START + 3 * MINUTE
    box.outbox.save(replace(claimed, state=SendState.PARKED), token="t")
    box.clock.advance(MINUTE)
    box.claim()
    assert box.next_due() == box.clock.now() + LEASE, "of a claimed row, the end of its lease"


def test_a_newer_edit_replaces_one_that_waits_and_follows_one_that_is_being_sent(box: Box) -> None:
    box.start_thread("a")
    box.outbox.add([sending("e1", thread="a", kind=MessageKind.EDIT, minutes=1)])
    box.outbox.add([sending("r", thread="a", kind=MessageKind.REPLY)])
    box.outbox.add([sending("e2", thread="a", kind=MessageKind.EDIT, minutes=9)])
    box.outbox.add([sending("e1", thread="a", kind=MessageKind.EDIT, minutes=1)])
    old, new = box.get("e1"), box.get("e2")
    assert old.state is SendState.DROPPED
    assert "newer edit" in (old.error or "")
    assert new.due_at == START + MINUTE, "a flow of edits is not put off for ever"
    (reply,) = box.claim()
    assert reply.id == "r"
    box.outbox.save(sent(reply), token="t")
    box.clock.advance(MINUTE)
    assert ids(box.claim()) == ["e2"]
    box.outbox.add([sending("e3", thread="a", kind=MessageKind.EDIT)])
    assert (box.get("e2").state, box.get("e3").state) == (SendState.SENDING, SendState.PENDING)


def test_parked_rows_and_newer_edits_of_them_wait_for_their_channel(box: Box) -> None:
    box.outbox.add([sending("a"), sending("e1", thread="e", kind=MessageKind.EDIT, minutes=5)])
    box.outbox.add([sending("c", channel="other")])
    assert box.outbox.park(["desk"], "channel_not_found") == 2
    box.outbox.add([sending("e2", thread="e", kind=MessageKind.EDIT)])
    assert (box.get("e1").state, box.get("e2").state) == (SendState.DROPPED, SendState.PARKED)
    assert box.get("a").error == "channel_not_found"
    assert box.claim() == []
    assert box.next_due() is None
    assert ids(box.claim(channel="other")) == ["c"]
    assert box.outbox.unpark(["desk"], now=START) == 2
    assert ids(box.claim()) == ["a", "e2"]


def test_messages_are_counted_by_state_the_unsent_are_listed_and_only_what_has_not_begun_is_dropped(
    box: Box,
) -> None:
    box.outbox.add(
        [sending("sent"), sending("begun"), sending("parked", channel="closed"), sending("c", channel="other")]
    )
    row, _ = box.claim(limit=2)
    box.outbox.save(sent(row), token="t")
    box.outbox.park(["closed"], "closed")
    box.outbox.add([sending("waiting"), sending("left")])
    assert box.outbox.counts() == {
        ("desk", SendState.SENT): 1,
        ("desk", SendState.SENDING): 1,
        ("desk", SendState.PENDING): 2,
        ("closed", SendState.PARKED): 1,
        ("other", SendState.PENDING): 1,
    }
    unsent = ids(list(box.outbox.unsent()))
    assert unsent == ["begun", "parked", "c", "waiting", "left"]
    dropped = [SendId(name) for name in ("sent", "begun", "parked", "waiting")]
    assert box.outbox.drop(dropped, "silenced") == 2
    for name, state, error in (
        ("sent", SendState.SENT, None),
        ("begun", SendState.SENDING, None),
        ("parked", SendState.DROPPED, "silenced"),
        ("waiting", SendState.DROPPED, "silenced"),
        ("left", SendState.PENDING, None),
    ):
        row = box.get(name)
        assert (row.state, row.error) == (state, error), name


def test_a_story_finds_its_messages_also_gathered_ones(box: Box) -> None:
    box.outbox.add(
        [
            sending("a", story="A", views=(view("A"),)),
            sending("g", kind=MessageKind.LISTING, views=(view("B"), view("A"))),
            sending("n", kind=MessageKind.NOTICE),
        ]
    )
    assert ids(list(box.outbox.of_story(StoryId("A")))) == ["a", "g"]
    assert ids(list(box.outbox.of_story(StoryId("B")))) == ["g"]
