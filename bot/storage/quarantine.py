"""Pieces of work that were set aside, and stored rows that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Table,
    delete,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.types import NullType

from bot.model.quarantine import PieceKind, QuarantinedPiece
from bot.storage.articles import WITHOUT_TEXT
from bot.storage.columns import CHECKED, Repository, Rows, UnreadableValue, upsert
from bot.storage.feeds import FeedStates
from bot.storage.schema import articles, feeds, metadata, quarantine, stories

_PIECE = Rows(QuarantinedPiece, quarantine)
_ADD = upsert(
    [quarantine.c.kind, quarantine.c.id],
    ["stage", "error", "version", "at", "body", "is_retry_requested", "is_reported"],
)


class Quarantine(Repository):
    """Pieces of work that were set aside, in the order in which they were set aside."""

    def add(self, pieces: Sequence[QuarantinedPiece]) -> None:
        """Set pieces aside. A piece replaces its earlier entry."""
        for piece in pieces:
            row = _PIECE.dump(piece)
            del row["n"]
            self._connection.execute(_ADD, row)

    def all(self) -> Sequence[QuarantinedPiece]:
        """Return all pieces."""
        return self._values(_PIECE, select(quarantine).order_by(quarantine.c.n))

    def counts(self) -> Mapping[tuple[str, PieceKind], int]:
        """Return (stage, kind) -> number of pieces."""
        key = (quarantine.c.stage, quarantine.c.kind)
        rows = self._connection.execute(select(*key, func.count()).group_by(*key))
        return {(stage, kind): count for stage, kind, count in rows}

    def errors(self, kind: PieceKind) -> Mapping[str, str]:
        """Return id -> error of the pieces of a kind."""
        rows = self._connection.execute(select(quarantine.c.id, quarantine.c.error).where(quarantine.c.kind == kind))
        return dict(map(tuple, rows))

    def unreported(self) -> Sequence[QuarantinedPiece]:
        """Return the pieces that no notice has listed."""
        return self._values(_PIECE, select(quarantine).where(~quarantine.c.is_reported).order_by(quarantine.c.n))

    def mark_reported(self, stage: str) -> None:
        """Record that a notice has listed the pieces of a stage."""
        self._connection.execute(update(quarantine).where(quarantine.c.stage == stage).values(is_reported=True))

    def request_retry(self, numbers: Sequence[int] | None = None, *, unless_version: str | None = None) -> int:
        """Ask the bot to try pieces again: those with these numbers, or all if None. Return how many.

        If ``unless_version`` is not None, ask only for pieces that another version set aside. A row cannot be tried
        again; the backup has it.
        """
        statement = update(quarantine).where(quarantine.c.kind != PieceKind.ROW).values(is_retry_requested=True)
        if numbers is not None:
            statement = statement.where(quarantine.c.n.in_(numbers))
        if unless_version is not None:
            statement = statement.where(quarantine.c.version != unless_version)
        return self._connection.execute(statement).rowcount

    def requested(self) -> Sequence[QuarantinedPiece]:
        """Return the pieces that should be tried again."""
        return self._values(_PIECE, select(quarantine).where(quarantine.c.is_retry_requested).order_by(quarantine.c.n))

    def remove(self, piece: QuarantinedPiece) -> None:
        """Remove a piece from the list."""
        self._connection.execute(delete(quarantine).where(quarantine.c.n == piece.n))

    # -- rows that cannot be read

    def take_out_rows(self, *, version: str, now: datetime) -> Sequence[QuarantinedPiece]:
        """Take the rows with an unreadable value out of their tables. Return their pieces."""
        pieces = []
        for table in metadata.sorted_tables:
            columns = [column for column in table.columns if isinstance(column.type, CHECKED)]
            for address, column in self._find_unreadable(table, columns):
                row = self._raw_rows(table, self._address == address)[0]
                rows = {table.name: [row], **self._take_out(table, row, address, now=now)}
                pieces.append(
                    QuarantinedPiece(
                        kind=PieceKind.ROW,
                        id=" ".join([str(column), *(str(row[key.name]) for key in table.primary_key)]),
                        stage="read",
                        error=f"this version cannot read {column}",
                        version=version,
                        at=now,
                        body=json.dumps(rows, default=repr),
                    )
                )
        self.add(pieces)
        return pieces

    @property
    def _address(self) -> ColumnElement[Any]:
        """The place of a row, which finds it whatever its values are (sqlite.org/rowidtable.html; PostgreSQL, 5.5)."""
        return literal_column("rowid" if self._connection.dialect.name == "sqlite" else "ctid::text")

    def _find_unreadable(self, table: Table, columns: Sequence[Column[Any]]) -> Sequence[tuple[object, Column[Any]]]:
        """Return the addresses of rows with an unreadable value, each with the value's column."""
        if not columns:
            return []
        readers = [column.type.dialect_impl(self._connection.dialect) for column in columns]
        processors = [reader.result_processor(self._connection.dialect, None) for reader in readers]
        unreadable = []
        for address, *values in self._connection.execute(select(self._address, *map(_raw, columns))):
            for column, process, value in zip(columns, processors, values, strict=True):
                try:
                    if process is not None:
                        process(value)
                except UnreadableValue:
                    unreadable.append((address, column))
                    break
        return unreadable

    def _raw_rows(self, table: Table, *conditions: ColumnElement[bool]) -> Sequence[dict[str, object]]:
        """Return rows with their values as the database has them."""
        rows = self._connection.execute(select(*map(_raw, table.columns)).where(*conditions)).mappings()
        return [dict(row) for row in rows]

    def _take_out(
        self, table: Table, row: Mapping[str, object], address: object, *, now: datetime
    ) -> Mapping[str, Sequence[Mapping[str, object]]]:
        """Delete a row, or leave of it what others depend on. Return the rows of other tables that are deleted with it.

        Nothing is guessed: a feed is polled like a new one, and of an article the identity remains, as after ``keep:``.
        """
        if table is articles:
            unknown = {"author": None, "language": None, "published": None, "link_key": None, "title_key": b""}
            identity_only = {**WITHOUT_TEXT, **unknown, "version": 1, "first_seen": now}
            self._connection.execute(update(table).where(self._address == address).values(identity_only))
            return {}
        dependents = {}
        if table is stories:
            # With a story, the database deletes what belongs to it. The stories that were merged into it have no other.
            merged = delete(stories).where(stories.c.merged_into == row["id"])
            parts = select(stories.c.id).where(or_(stories.c.id == row["id"], stories.c.merged_into == row["id"]))
            for other in metadata.sorted_tables:
                if "story" in other.c and other.c.story.foreign_keys:
                    dependents[other.name] = self._raw_rows(other, other.c.story.in_(parts))
            self._connection.execute(merged)
        self._connection.execute(delete(table).where(self._address == address))
        if table is feeds:
            FeedStates(self._connection).add([str(row["url"])], now=now)
        return dependents


def _raw(column: Column[Any]) -> ColumnElement[Any]:
    """Return a column whose values are read as the database has them."""
    return type_coerce(column, NullType()).label(column.name)
