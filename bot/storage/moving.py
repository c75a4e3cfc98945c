"""Copy every row from SQLite to PostgreSQL, and compare the counts. An interrupted copy continues where it stopped.

The source does not change. To go back, set its address in bot.yaml again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import (
    RowMapping,
    Table,
    TableClause,
    Text,
    bindparam,
    column,
    delete,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy import table as lightweight_table
from sqlalchemy.dialects.sqlite import insert

from bot.durations import Clock
from bot.model.errors import ConfigError, StoreError
from bot.storage import connections
from bot.storage.columns import JsonColumn
from bot.storage.opening import open_store
from bot.storage.schema import key_values, metadata, stories
from bot.storage.store import Store, Transaction

#: Function that is called with the table's name, the number of copied rows, and the number of all rows.
Progress: TypeAlias = Callable[[str, int, int], None]

_BATCH = 500
#: Prefix of the target's keys that record the progress of a move. They are deleted at its end.
_MARK = "move:"
_FROM = f"{_MARK}from"
#: SQLite's row number. An interrupted copy continues after the last copied number.
_ROWID: Any = literal_column("rowid")


async def move(source: str, target: str, *, clock: Clock, progress: Progress | None = None) -> Mapping[str, int]:
    """Copy the SQLite database ``source`` into the empty PostgreSQL database ``target``.

    Return table name -> verified number of rows. Raises ConfigError, StoreError if the target is not empty or the
    counts differ, and StoreInUse if the bot is running.
    """
    if connections.parse(source).file is None or connections.parse(target).is_sqlite:
        raise ConfigError("moving a database: works only from an SQLite file to PostgreSQL")
    old = open_store(source, clock=clock, process_name="wirewatch database move")
    try:
        # This process owns the file, so any lease is from a dead process.
        await old.free_dead_leases()
        new = open_store(target, clock=clock, process_name="wirewatch database move")
        try:
            return await _move(old, new, progress or (lambda table, copied, total: None))
        finally:
            await new.close()
    finally:
        await old.close()


async def _move(old: Store, new: Store, progress: Progress) -> Mapping[str, int]:
    await new.write(partial(_begin, source_name=str(old.address), target_name=str(new.address)))
    tables = metadata.sorted_tables
    for table in tables:
        await _copy_table(old, new, table, progress)
    merged = await old.write(lambda tx: tx.connection.execute(_MERGED).mappings().all())
    await new.write(partial(_finish_rows, merged=merged))
    counts = {table.name: await old.write(partial(_count, table=table)) for table in tables}
    await new.write(partial(_verify, counts=counts))
    return counts


def _begin(target: Transaction, source_name: str, target_name: str) -> None:
    begun_from = target.key_values.get(_FROM)
    if begun_from is None:
        filled = [table.name for table in metadata.sorted_tables if _count(target, table)]
        if filled:
            raise StoreError(
                f"moving to {target_name}: it is not empty ({', '.join(filled)}); make a new database with createdb"
            )
    elif begun_from != source_name:
        raise StoreError(
            f"moving to {target_name}: a move from {begun_from} is under way; finish that one or make a new database"
        )
    target.key_values.put(_FROM, source_name)


async def _copy_table(old: Store, new: Store, table: Table, progress: Progress) -> None:
    total = await old.write(partial(_count, table=table))
    last = int(await new.write(lambda target: target.key_values.get(_MARK + table.name)) or 0)
    while True:
        rows = await old.write(partial(_next_rows, table=table, last=last))
        if not rows:
            progress(table.name, total, total)
            return
        last = rows[-1]["place"]
        await new.write(partial(_put, table=table, rows=rows, last=last))
        progress(table.name, await new.write(partial(_count, table=table)), total)


def _next_rows(source: Transaction, table: Table, last: int) -> Sequence[RowMapping]:
    statement = select(_raw(table), _ROWID.label("place")).where(last < _ROWID).order_by(_ROWID).limit(_BATCH)
    return source.connection.execute(statement).mappings().all()


def _raw(table: Table) -> TableClause:
    """Return the table with documents as plain text, so that they are copied without parsing."""
    types = {column.name: Text() if isinstance(column.type, JsonColumn) else column.type for column in table.c}
    return lightweight_table(table.name, *(column(name, type_) for name, type_ in types.items()))


def _put(target: Transaction, table: Table, rows: Sequence[RowMapping], last: int) -> None:
    """Write rows and the progress of the copy, in one transaction."""
    names = [column.name for column in table.c]
    values = [{name: row[name] for name in names} for row in rows]
    if table is stories:
        # A story may point to a story of a later batch, so all pointers are set at the end.
        values = [value | {"merged_into": None} for value in values]
    target.connection.execute(insert(_raw(table)).on_conflict_do_nothing(), values)
    target.key_values.put(_MARK + table.name, str(last))


_MERGED = select(stories.c.id.label("of_story"), stories.c.merged_into.label("target")).where(
    stories.c.merged_into.is_not(None)
)
_POINT = update(stories).where(stories.c.id == bindparam("of_story")).values(merged_into=bindparam("target"))


def _finish_rows(target: Transaction, merged: Sequence[RowMapping]) -> None:
    if merged:
        target.connection.execute(_POINT, [dict(row) for row in merged])
    for table in metadata.sorted_tables:
        counter = table.autoincrement_column
        if counter is not None and table.primary_key.columns.values() == [counter]:
            # Set the sequence, so that new rows get numbers after the last copied row.
            newest = target.connection.execute(select(func.max(counter))).scalar()
            if newest is not None:
                target.connection.execute(
                    text("SELECT setval(pg_get_serial_sequence(:name, :counter), :newest)"),
                    {"name": table.name, "counter": counter.name, "newest": newest},
                )


def _verify(target: Transaction, counts: Mapping[str, int]) -> None:
    wrong = [
        f"{table.name} has {count} of {counts[table.name]} rows"
        for table in metadata.sorted_tables
        if (count := _count(target, table)) != counts[table.name]
    ]
    if wrong:
        raise StoreError(f"moving the database: {'; '.join(wrong)}; keep the old database and report this")
    target.connection.execute(delete(key_values).where(key_values.c.key.startswith(_MARK)))


def _count(tx: Transaction, table: Table) -> int:
    statement = select(func.count()).select_from(table)
    if table is key_values:
        statement = statement.where(~key_values.c.key.startswith(_MARK))
    return tx.connection.execute(statement).scalar_one()
