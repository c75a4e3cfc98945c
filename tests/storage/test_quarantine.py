"""Rows that cannot be read are set aside, and are put back unchanged."""

from __future__ import annotations

from datetime import timedelta

from bot import storage
from bot.model.feeds import FeedState
from bot.model.quarantine import PieceKind
from bot.storage.schema import articles, feeds, metadata, outbox, stories
from tests.testbed.fakes import START

URL = "https://wire.example/feed"


async def test_an_unreadable_state_of_a_feed_is_replaced_and_the_feed_stays_due(store: storage.Store) -> None:
    await store.write(lambda tx: tx.feeds.sync([URL], now=START))
    await store.write(lambda tx: tx.connection.exec_driver_sql("UPDATE feeds SET state = '{'"))

    (state,) = await store.read(lambda tx: tx.feeds.all())

    assert state == FeedState(url=URL, due_at=state.due_at)
    (piece,) = await store.read(lambda tx: tx.quarantine.all())
    assert (piece.kind, piece.id) == (PieceKind.ROW, f"feeds.state {URL}")


async def test_an_unreadable_entry_of_the_queue_is_moved_and_put_back(store: storage.Store) -> None:
    await store.write(lambda tx: tx.decision_queue.put_back("arrival", "{}"))

    assert not (await store.read(lambda tx: tx.decision_queue.get(tx.decision_queue.numbers(limit=10)))).numbers

    (piece,) = await store.read(lambda tx: tx.quarantine.all())
    await store.write(lambda tx: tx.quarantine.put_back_row(piece.body))
    (number,) = await store.read(lambda tx: tx.decision_queue.numbers(limit=10))
    assert await store.read(lambda tx: tx.decision_queue.raw(number)) == ("arrival", "{}")


async def test_two_unreadable_entries_one_after_the_other_are_two_pieces(store: storage.Store) -> None:
    for body in ("{", "["):
        await store.write(lambda tx, body=body: tx.decision_queue.put_back("arrival", body))  # type: ignore[misc]
        assert not (await store.read(lambda tx: tx.decision_queue.get(tx.decision_queue.numbers(limit=10)))).numbers

    # The second entry has another number, although the queue was empty again.
    assert len(await store.read(lambda tx: tx.quarantine.all())) == 2


async def test_an_unreadable_ruling_is_moved_and_others_are_read(store: storage.Store) -> None:
    later = START + timedelta(hours=1)
    await store.write(
        lambda tx: tx.connection.execute(stories.insert().values(id="s1", title="t", first_seen=START, last_seen=later))
    )
    for number, kind in (("r1", "merge"), ("r2", "from tomorrow")):
        statement = (
            "INSERT INTO rulings (id, at, by, kind, story, articles) VALUES "
            f"('{number}', 1, 'ann', '{kind}', 's1', '[]')"
        )
        await store.write(lambda tx, statement=statement: tx.connection.exec_driver_sql(statement))  # type: ignore[misc]

    assert [ruling.id for ruling in await store.read(lambda tx: tx.rulings.waiting())] == ["r1"]
    assert len(await store.read(lambda tx: tx.quarantine.all())) == 1


async def test_two_unreadable_rulings_one_after_the_other_are_two_pieces(store: storage.Store) -> None:
    await store.write(
        lambda tx: tx.connection.execute(stories.insert().values(id="s1", title="t", first_seen=START, last_seen=START))
    )
    for ruling in ("r1", "r2"):
        statement = (
            f"INSERT INTO rulings (id, at, by, kind, story, articles) VALUES ('{ruling}', 1, 'ann', 'no', 's1', '[]')"
        )
        await store.write(lambda tx, statement=statement: tx.connection.exec_driver_sql(statement))  # type: ignore[misc]
        assert await store.read(lambda tx: tx.rulings.waiting()) == []

    assert len(await store.read(lambda tx: tx.quarantine.all())) == 2


def test_each_table_on_whose_rows_others_depend_keeps_its_rows() -> None:
    parents = {key.column.table for table in metadata.sorted_tables for key in table.foreign_keys}
    assert parents - {outbox} <= {articles, feeds, stories}
