"""The ledger over every store: listing and retention."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot import storage
from bot.model import ledger
from bot.model.alerts import Decision
from bot.model.errors import StoreError
from bot.model.ledger import LedgerRow
from bot.model.stories import StoryId
from tests.testbed.fakes import START
from tests.testbed.made import article, decision, match, sending, story

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
