"""The ledger over every store: sealed days, late rows, retention, and a database of the first schema."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, text

from bot import ledger, model, ports, storage
from bot.storage import addresses, codec, engines, schema, upgrade
from testbed.fakes import START, FakeClock
from testbed.made import article, match, sending, story
from testbed.servers.postgres import Server

DAY = timedelta(days=1)
FIRST = START.date()


def decision(days: float, *, of: str = "A") -> model.Decision:
    return model.Decision(
        at=START + days * DAY,
        story=model.StoryId(of),
        channel="desk",
        action=model.Action.POST,
        reason=model.Reason.FIRST_REPORT,
    )


def fact(days: float) -> model.LedgerRow:
    return ledger.matched(article("one"), match("r", "PTA"), at=START + days * DAY)


def keep(tx: ports.Transaction, *days: float) -> None:
    """A matched article and a decision on each day."""
    tx.articles.add([article("one")])
    tx.stories.save(story("A", article("one")))
    for each in days:
        tx.ledger.add([fact(each)])
        tx.stories.decide([decision(each)])


async def seal_all(store: storage.SqlStore, before: date) -> list[model.DaySeal]:
    made: list[model.DaySeal] = []
    while sealed := await store.write(lambda tx: tx.ledger.seal(before=before)):
        made.append(sealed)
    return made


def broken(tx: ports.Transaction) -> ledger.BrokenSeal | None:
    return proof(tx).broken


def proof(tx: ports.Transaction) -> ledger.Proof:
    return ledger.verify(tx.ledger.seals(), tx.ledger.texts, days=tx.ledger.days(), unsealed=tx.ledger.unsealed())


async def test_each_closed_day_with_rows_is_sealed_once_and_today_is_not(store: storage.SqlStore) -> None:
    await store.write(lambda tx: keep(tx, 0, 0.1, 1, 3, 4))
    sealed = await seal_all(store, FIRST + 4 * DAY)
    assert [(each.day - FIRST, each.row_count) for each in sealed] == [(0 * DAY, 4), (DAY, 2), (3 * DAY, 2)]
    assert await store.read(lambda tx: tx.ledger.seals()) == sealed
    assert await seal_all(store, FIRST + 4 * DAY) == []
    assert await store.read(broken) is None


async def test_a_row_that_comes_late_is_sealed_with_the_next_day(store: storage.SqlStore) -> None:
    await store.write(lambda tx: keep(tx, 0))
    await seal_all(store, FIRST + DAY)
    await store.write(lambda tx: keep(tx, 0.2))
    assert await seal_all(store, FIRST + DAY) == []
    [late] = await seal_all(store, FIRST + 2 * DAY)
    assert (late.day, late.row_count) == (FIRST + DAY, 2)
    assert await store.read(broken) is None


async def test_rows_are_exported_by_their_time_with_the_day_they_were_sealed_with(store: storage.SqlStore) -> None:
    await store.write(lambda tx: keep(tx, 2, 0, 1))
    await seal_all(store, FIRST + 2 * DAY)
    found = await store.read(lambda tx: list(tx.ledger.since(START + DAY)))
    assert [(day, row.at - START, row.kind.value) for day, row in found] == [
        (FIRST + DAY, DAY, "matched"),
        (FIRST + DAY, DAY, "decided"),
        (None, 2 * DAY, "matched"),
        (None, 2 * DAY, "decided"),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM decisions WHERE n = 2",
        "UPDATE decisions SET decision = replace(decision, 'first report', 'baseline') WHERE n = 2",
        "DELETE FROM ledger WHERE n = 2",
        "UPDATE ledger SET row = replace(row, 'PTA', 'FCC') || ' ' WHERE n = 2",
        "UPDATE ledger SET day = NULL WHERE n = 2",
        "DELETE FROM seals WHERE day = '2015-12-03'",
        "UPDATE seals SET seal = 'x' WHERE day = '2015-12-03'",
    ],
)
async def test_a_change_behind_our_back_is_found_and_its_day_named(store: storage.SqlStore, statement: str) -> None:
    await store.write(lambda tx: keep(tx, 0, 1, 2))
    await seal_all(store, FIRST + 3 * DAY)
    await store.run(lambda connection: connection.execute(text(statement)))
    found = await store.read(broken)
    assert found is not None
    assert found.day == FIRST + DAY


async def test_retention_lets_whole_days_go_and_keeps_their_seals(store: storage.SqlStore) -> None:
    await store.write(lambda tx: keep(tx, 0, 1, 2))
    await storage.trim(store, before=START + 1.5 * DAY)
    seals = await store.read(lambda tx: tx.ledger.seals())
    assert [(each.day - FIRST, each.is_kept) for each in seals] == [(0 * DAY, False)], "the unfinished day stays whole"
    await seal_all(store, FIRST + 3 * DAY)
    assert await store.read(broken) is None
    found = await store.read(lambda tx: [(row.kind.value, row.at - START) for _, row in tx.ledger.since(START - DAY)])
    assert found == [
        ("let_go", 0 * DAY),
        ("matched", DAY),
        ("decided", DAY),
        ("matched", 2 * DAY),
        ("decided", 2 * DAY),
    ]
    assert await store.run(lambda c: c.execute(text("SELECT count(*) FROM ledger")).scalar()) == 3


async def test_days_that_are_let_go_are_named_with_their_seals_by_a_row_that_is_sealed(
    store: storage.SqlStore,
) -> None:
    await store.write(lambda tx: keep(tx, *range(5)))
    assert isinstance(store.clock, FakeClock)
    store.clock.set(START + 4 * DAY)
    await storage.trim(store, before=START + 2 * DAY)
    await storage.trim(store, before=START + 3 * DAY)
    assert await store.read(broken) is None
    await seal_all(store, FIRST + 5 * DAY)
    held = await store.read(proof)
    assert held.broken is None
    assert held.since == FIRST + 3 * DAY
    seals = {each.day: each.seal for each in await store.read(lambda tx: tx.ledger.seals())}
    assert [each.days for each in held.gone] == [
        tuple(f"{day} {seals[day]}" for day in (FIRST, FIRST + DAY)),
        (f"{FIRST + 2 * DAY} {seals[FIRST + 2 * DAY]}",),
    ]
    assert {each.sealed_with for each in held.gone} == {FIRST + 4 * DAY}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE seals SET is_kept = FALSE WHERE day = '2015-12-03'",
        "UPDATE seals SET is_kept = FALSE WHERE day <= '2015-12-03'",
        "UPDATE seals SET is_kept = FALSE",
        "DELETE FROM ledger WHERE row LIKE '%let_go%'",
    ],
)
async def test_days_that_somebody_deletes_do_not_pass_as_let_go(store: storage.SqlStore, statement: str) -> None:
    await store.write(lambda tx: keep(tx, *range(4)))
    await storage.trim(store, before=START + DAY)
    await seal_all(store, FIRST + 4 * DAY)
    assert await store.read(broken) is None
    for each in (statement, "DELETE FROM ledger WHERE day IN (SELECT day FROM seals WHERE NOT is_kept)"):
        await store.run(lambda connection, each=each: connection.execute(text(each)))  # type: ignore[misc]
    assert await store.read(broken) is not None


async def test_a_story_stays_while_a_kept_day_has_a_decision_about_it(store: storage.SqlStore) -> None:
    await store.write(lambda tx: keep(tx, 0, 1))
    assert (await storage.trim(store, before=START + DAY)).stories == 0
    assert await store.read(broken) is None
    assert (await storage.trim(store, before=START + 2 * DAY)).stories == 1
    await store.write(lambda tx: keep(tx, 5))
    await seal_all(store, FIRST + 6 * DAY)
    assert await store.read(broken) is None, "numbers of rows that were let go may come again"


async def test_messages_of_a_channel_that_closes_are_told_once_for_each_reason(store: storage.SqlStore) -> None:
    def close(reason: str) -> Callable[[ports.Transaction], int]:
        return lambda tx: tx.outbox.park(["desk"], reason, now=START)

    await store.write(lambda tx: tx.outbox.add([sending("one"), sending("two")]))
    for reason in ("is_archived", "is_archived", "not_in_channel"):
        assert await store.write(close(reason)) == 2
        await store.write(lambda tx: tx.outbox.unpark(["desk"], now=START))
    rows = await store.read(lambda tx: [dict(row.fields) for _, row in tx.ledger.since(START)])
    assert [(row["send"], row["reason"]) for row in rows] == [
        ("one", "is_archived"),
        ("two", "is_archived"),
        ("one", "not_in_channel"),
        ("two", "not_in_channel"),
    ]


async def test_a_fact_stands_or_falls_with_its_transaction(store: storage.SqlStore) -> None:
    def work(tx: ports.Transaction) -> None:
        tx.ledger.add([fact(0)])
        raise ports.StoreError("rolled back")

    with pytest.raises(ports.StoreError):
        await store.write(work)
    assert await store.read(lambda tx: list(tx.ledger.since(START))) == []


# -- a database of the first schema


def make_first(connection: Connection) -> None:
    """As 0001 left it, with a story that was decided on."""
    command.upgrade(upgrade.config(connection), "0001")
    document = codec.DECISION.dump(decision(0))
    connection.execute(text("INSERT INTO stories (id, title, first_seen, last_seen) VALUES ('A', 'Story', 0, 0)"))
    columns, values = (
        "story, at, channel, action, reason, decision",
        "'A', :at, 'desk', 'post', 'first report', :decision",
    )
    connection.execute(
        text(f"INSERT INTO decisions ({columns}) VALUES ({values})"),
        {"at": int(START.timestamp()) * 1_000_000, "decision": document},
    )


async def upgraded(address: str) -> None:
    place = addresses.parse(address)
    engine = engines.for_writing(place)
    with engines.upgrading(place, engine) as connection:
        make_first(connection)
    engine.dispose()
    with pytest.raises(ports.StoreUnavailable, match="an earlier version made it"):
        storage.open_store(address, clock=FakeClock(), read_only=True)
    store = storage.open_store(address, clock=FakeClock())
    assert await store.run(upgrade.revision_of) == schema.REVISION
    assert await store.read(lambda tx: tx.stories.decisions(model.StoryId("A"))) == [decision(0)]
    [sealed] = await seal_all(store, FIRST + DAY)
    assert (sealed.day, sealed.row_count) == (FIRST, 1)
    assert await store.read(broken) is None
    await store.close()


async def test_a_file_of_the_first_schema_is_upgraded_and_its_decisions_are_sealed(tmp_path: Path) -> None:
    await upgraded(f"sqlite:///{tmp_path}/store.db")


@pytest.mark.postgres
async def test_a_server_of_the_first_schema_is_upgraded_and_its_decisions_are_sealed(postgres_server: Server) -> None:
    await upgraded(postgres_server.new_database())


async def upgraded_with_days_let_go(address: str) -> None:
    """0008 marked days as let go and no row said so."""
    place = addresses.parse(address)
    engine = engines.for_writing(place)
    with engines.upgrading(place, engine) as connection:
        command.upgrade(upgrade.config(connection), "0008")
        seals, previous = [], ledger.FIRST
        row = ledger.text_of(ledger.unwatched(since="", until="", at=START))
        for number, texts in enumerate((["one"], ["two"], [row])):
            seals.append(ledger.seal(FIRST + number * DAY, texts, previous=previous))
            previous = seals[-1].seal
            values = {"day": seals[-1].day.isoformat(), "count": 1, "seal": previous, "kept": number == 2}
            connection.execute(
                text("INSERT INTO seals (day, row_count, seal, is_kept) VALUES (:day, :count, :seal, :kept)"), values
            )
        connection.execute(
            text("INSERT INTO ledger (at, day, row) VALUES (:at, :day, :row)"),
            {"at": int(START.timestamp()) * 1_000_000, "day": seals[-1].day.isoformat(), "row": row},
        )
    engine.dispose()
    store = storage.open_store(address, clock=FakeClock())
    held = await store.read(proof)
    assert held.broken is None
    assert held.since == FIRST + 2 * DAY
    [told] = held.gone
    assert (told.through, told.is_witnessed) == (FIRST + DAY, False)
    await store.close()


async def test_a_file_whose_old_days_had_gone_holds_from_the_first_kept_day_on(tmp_path: Path) -> None:
    await upgraded_with_days_let_go(f"sqlite:///{tmp_path}/store.db")


@pytest.mark.postgres
async def test_a_server_whose_old_days_had_gone_holds_from_the_first_kept_day_on(postgres_server: Server) -> None:
    await upgraded_with_days_let_go(postgres_server.new_database())
