"""The ledger over every store: listing, retention, and databases of earlier versions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection, inspect, text

from bot import storage
from bot.model import ledger
from bot.model.alerts import Decision
from bot.model.errors import StoreError, StoreUnavailable
from bot.model.ledger import LedgerRow
from bot.model.stories import StoryId
from bot.storage import connections, opening, schema
from tests.storage import earlier
from tests.testbed.fakes import START, FakeClock
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
    for each in days:
        tx.ledger.add([fact(each)])
        tx.stories.decide([decided(each)])


async def listed(store: storage.Store) -> list[tuple[str, timedelta]]:
    return await store.read(lambda tx: [(row.kind.value, row.at - START) for row in tx.ledger.since(START - DAY)])


async def test_rows_and_decisions_are_listed_by_their_time(store: storage.Store) -> None:
    await store.write(lambda tx: keep(tx, 2, 0, 1))
    rows = await store.read(lambda tx: list(tx.ledger.since(START + DAY)))
    assert [(row.kind.value, row.at - START) for row in rows] == [
        ("matched", DAY),
        ("decided", DAY),
        ("matched", 2 * DAY),
        ("decided", 2 * DAY),
    ]
    assert dict(rows[1].fields)["reason"] == "first report"


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger SET row = '{' WHERE n = 2", "UPDATE decisions SET decision = '{' WHERE n = 2"]
)
async def test_a_damaged_row_is_named_by_its_time(store: storage.Store, statement: str) -> None:
    await store.write(lambda tx: keep(tx, 0, 1))
    await store.write(lambda tx: tx.connection.execute(text(statement)))
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
    assert ("decided", 0 * DAY) in await listed(store), "a story keeps all its decisions"
    assert (await storage.trim(store, before=START + 2 * DAY)).stories == 1
    assert await listed(store) == []


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


# -- databases of earlier versions


def _at(schema_revision: str, address: str, fill: Callable[[Connection], None]) -> None:
    place = connections.parse(address)
    engine = connections.for_writing(place)
    with connections.upgrading(place, engine) as connection:
        earlier.create(connection, schema_revision)
        fill(connection)
    engine.dispose()


def _microseconds(days: float) -> int:
    return int((START + days * DAY).timestamp()) * 1_000_000


def fill_first(connection: Connection) -> None:
    """A story that was decided on."""
    document = schema.DECISION.dump(decided(0))
    connection.execute(text("INSERT INTO stories (id, title, first_seen, last_seen) VALUES ('A', 'Story', 0, 0)"))
    connection.execute(
        text(
            "INSERT INTO decisions (story, at, channel, action, reason, decision)"
            " VALUES ('A', :at, 'desk', 'post', 'first report', :decision)"
        ),
        {"at": _microseconds(0), "decision": document},
    )


async def test_a_database_of_the_oldest_schema_is_upgraded_and_lists_its_decisions(new_address: str) -> None:
    _at("0017", new_address, fill_first)
    with pytest.raises(StoreUnavailable, match="an earlier version made it"):
        storage.open_store(new_address, clock=FakeClock(), read_only=True)
    store = storage.open_store(new_address, clock=FakeClock())
    assert await store.write(lambda tx: opening.revision_of(tx.connection)) == schema.REVISION
    assert await store.read(lambda tx: tx.stories.decisions(StoryId("A"))) == [decided(0)]
    assert await listed(store) == [("decided", 0 * DAY)]
    await store.close()


#: A row that an earlier version wrote about a day that retention deleted.
_LET_GO = '{"at":"2015-12-02T09:00:00.000000+00:00","kind":"let_go","through":"2015-12-01","count":1,"days":["x"]}'


def fill_sealed(connection: Connection) -> None:
    """A day of which only the seal is kept but one row is still there, a sealed day, and rows of today."""
    fill_first(connection)
    connection.execute(text("UPDATE decisions SET day = '2015-12-02'"))
    for day, is_kept in (("2015-12-01", False), ("2015-12-02", True)):
        connection.execute(
            text("INSERT INTO seals (day, row_count, seal, is_kept) VALUES (:day, 1, 'f', :kept)"),
            {"day": day, "kept": is_kept},
        )
    rows: tuple[tuple[float, str | None, str], ...] = (
        (-1.0, "2015-12-01", ledger.format_row(fact(-1))),
        (0.0, "2015-12-02", ledger.format_row(fact(0))),
        (0.0, "2015-12-02", _LET_GO),
        (1.0, None, ledger.format_row(fact(1))),
        (
            1.0,
            None,
            ledger.format_row(ledger.stop_row('"kind":"let_go",', since="", until="", how="in order", at=START)),
        ),
    )
    for at, of_day, row in rows:
        values = {"at": _microseconds(at), "day": of_day, "row": row}
        connection.execute(text("INSERT INTO ledger (at, day, row) VALUES (:at, :day, :row)"), values)


async def test_a_database_with_sealed_days_keeps_their_rows_and_loses_the_seals(new_address: str) -> None:
    _at("0019", new_address, fill_sealed)
    store = storage.open_store(new_address, clock=FakeClock())
    assert [kind for kind, _ in await listed(store)] == ["matched", "decided", "matched", "stopped"]
    names = await store.write(lambda tx: inspect(tx.connection).get_table_names())
    assert "seals" not in names
    for table in ("ledger", "decisions"):
        columns = await store.write(lambda tx, table=table: inspect(tx.connection).get_columns(table))  # type: ignore[misc]
        assert "day" not in {column["name"] for column in columns}
    await store.write(lambda tx: tx.ledger.add([fact(2)]))
    assert ("matched", 2 * DAY) in await listed(store)
    await store.close()
