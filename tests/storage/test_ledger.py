"""The ledger: the rows, their text, and over every store their listing and retention."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bot import storage
from bot.model.alerts import Decision
from bot.model.errors import StoreError
from bot.model.feeds import FeedState
from bot.model.messages import MessageKind, Receipt, SendState
from bot.model.stories import StoryId
from bot.storage import ledger
from bot.storage.ledger import FactKind, LedgerRow
from tests.testbed.fakes import START
from tests.testbed.made import article, brief, decision, match, sending, story

DAY = timedelta(days=1)


def decided(days: float) -> Decision:
    return decision("A", at=START + days * DAY)


def fact(days: float) -> LedgerRow:
    return ledger.match_row(article("one"), match("r", "PTA"), at=START + days * DAY)


def keep(tx: storage.Transaction, *days: float) -> None:
    """A matched article and a decision on each day."""
    tx.articles.add([article("one")])
    tx.stories.save(story("A", article("one")))
    for day in days:
        tx.ledger.add([fact(day)])
        tx.stories.decide([decided(day)])


async def listed(store: storage.Store) -> list[tuple[str, timedelta]]:
    return await store.read(lambda tx: [(row.kind.value, row.at - START) for row in tx.ledger.since(START - DAY)])


async def test_rows_are_listed_by_their_time(store: storage.Store) -> None:
    await store.write(lambda tx: keep(tx, 2, 0, 1))
    rows = await store.read(lambda tx: tx.ledger.since(START + DAY))
    assert [(row.kind.value, row.at - START) for row in rows] == [("matched", DAY), ("matched", 2 * DAY)]


async def test_rows_are_found_by_an_id_that_they_name_and_by_kind(store: storage.Store) -> None:
    start = ledger.start_row("run", version="1", at=START)
    other = ledger.match_row(article("other"), match("r", "PTA"), at=START)
    await store.write(lambda tx: tx.ledger.add([fact(0), start, other]))
    assert await store.read(lambda tx: tx.ledger.since(START, naming=[article("one").id])) == [fact(0)]
    assert await store.read(lambda tx: tx.ledger.since(START, kinds=ledger.RUN_KINDS)) == [start]


async def test_a_damaged_row_is_named_by_its_time(store: storage.Store) -> None:
    await store.write(lambda tx: keep(tx, 0, 1))
    await store.write(lambda tx: tx.connection.execute(text("UPDATE ledger SET row = '{' WHERE n = 2")))
    with pytest.raises(StoreError, match=rf"the row of {START + DAY:%Y-%m-%d %H:%M:%S} is damaged"):
        await store.read(lambda tx: list(tx.ledger.since(START)))


async def test_retention_deletes_rows_by_their_age(store: storage.Store) -> None:
    await store.write(lambda tx: keep(tx, 0, 1, 2))
    await storage.trim(store, before=START + 1.5 * DAY)
    assert [row for row in await listed(store) if row[0] == "matched"] == [("matched", 2 * DAY)]
    assert await store.write(lambda tx: tx.connection.execute(text("SELECT count(*) FROM ledger")).scalar()) == 1


async def test_a_story_stays_while_a_decision_about_it_is_young_enough(store: storage.Store) -> None:
    await store.write(lambda tx: keep(tx, 0, 1))
    assert (await storage.trim(store, before=START + DAY)).stories == 0
    decisions = await store.read(lambda tx: tx.stories.decisions(StoryId("A")))
    assert [decision.at - START for decision in decisions] == [0 * DAY, DAY], "a story keeps all its decisions"
    assert (await storage.trim(store, before=START + 2 * DAY)).stories == 1
    assert await store.read(lambda tx: tx.stories.decisions(StoryId("A"))) == []


async def test_messages_of_a_channel_that_closes_are_told_once_for_each_reason(store: storage.Store) -> None:
    def close(reason: str) -> Callable[[storage.Transaction], int]:
        return lambda tx: tx.outbox.park(["desk"], reason, now=START)

    await store.write(lambda tx: tx.outbox.add([sending("one"), sending("two")]))
    for reason in ("is_archived", "is_archived", "not_in_channel"):
        assert await store.write(close(reason)) == 2
        await store.write(lambda tx: tx.outbox.unpark(["desk"], now=START))
    rows = await store.read(lambda tx: [dict(row.fields) for row in tx.ledger.since(START)])
    assert [(row["send"], row["reason"]) for row in rows] == [
        ("one", "is_archived"),
        ("two", "is_archived"),
        ("one", "not_in_channel"),
        ("two", "not_in_channel"),
    ]


# -- rows


@given(st.text(), st.text())
def test_any_text_of_the_outside_world_is_one_line_of_ascii_and_read_back(link: str, rule: str) -> None:
    row = ledger.match_row(replace(article("one"), link=link), replace(match(rule, "PTA"), rule=rule), at=START)
    line = ledger.format_row(row)
    assert line.isascii()
    assert "\n" not in line
    assert ledger.parse_row(line) == row


STATE = FeedState(url="https://dawn.example/feed", due_at=START, baseline_at=START)


@pytest.mark.parametrize(
    ("before", "after", "new", "is_told"),
    [
        (STATE, STATE, 0, False),
        (STATE, STATE, 1, True),
        (replace(STATE, baseline_at=None), STATE, 0, True),
        (STATE, replace(STATE, error="503"), 0, True),
        (replace(STATE, error="503"), replace(STATE, error="503"), 0, False),
        (replace(STATE, error="503"), STATE, 0, True),
    ],
)
def test_a_poll_is_told_when_it_brought_something_or_ended_otherwise_than_the_last(
    before: FeedState, after: FeedState, new: int, is_told: bool
) -> None:
    assert (ledger.poll_row(before, after, status=200, new_count=new, at=START) is not None) is is_told


RECEIPT = Receipt(ref="1449.1", place="C1", sent_at=START)


@pytest.mark.parametrize(
    ("kind", "state", "expected"),
    [
        (MessageKind.POST, SendState.SENT, FactKind.SENT),
        (MessageKind.REPLY, SendState.SENT, FactKind.SENT),
        (MessageKind.EDIT, SendState.SENT, FactKind.EDITED),
        (MessageKind.POST, SendState.PARKED, FactKind.PARKED),
        (MessageKind.POST, SendState.DROPPED, FactKind.DROPPED),
        (MessageKind.POST, SendState.PENDING, None),
        (MessageKind.POST, SendState.UNKNOWN, None),
    ],
)
def test_each_end_of_a_try_to_send_is_a_fact(kind: MessageKind, state: SendState, expected: FactKind | None) -> None:
    before = sending("s1", kind=kind)
    row = ledger.send_row(before, replace(before, state=state, error="why"), at=START)
    assert (row.kind if row else None) is expected


def test_a_sent_row_says_whom_what_and_the_receipt() -> None:
    before = sending("s1", kind=MessageKind.GATHERED, briefs=(brief("B"), brief("A")))
    row = ledger.send_row(before, replace(before, state=SendState.SENT, receipt=RECEIPT), at=START)
    assert row is not None
    assert dict(row.fields) == {
        "send": "s1",
        "channel": "desk",
        "message": "gathered",
        "stories": ("A", "B"),
        "receipt": "1449.1",
        "place": "C1",
        "reason": "",
    }


def test_a_closed_channel_that_is_tried_again_parks_its_messages_once() -> None:
    row = sending("s1")
    parked = replace(row, state=SendState.PARKED, error="is_archived")
    assert ledger.send_row(row, parked, at=START) is not None
    assert ledger.send_row(replace(row, error="is_archived"), parked, at=START) is None
    assert ledger.send_row(replace(row, error="not_in_channel"), parked, at=START) is not None
