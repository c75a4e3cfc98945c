"""Pieces of work that were set aside, and stored rows that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, RowMapping, Text, delete, func, literal, select, type_coerce, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeDecorator, TypeEngine

from bot.model.alerts import Alert, AlertState, Reason
from bot.model.feeds import FeedState
from bot.model.quarantine import PieceKind, QuarantinedPiece
from bot.storage.columns import (
    EPOCH,
    EnumText,
    HashBytes,
    JsonColumn,
    Repository,
    Rows,
    Timestamp,
    UnreadableValue,
    upsert,
)
from bot.storage.schema import alerts, articles, feeds, metadata, outbox, quarantine, rulings, stories, story_messages

_PIECE = Rows(QuarantinedPiece, quarantine)
_ADD = upsert(
    [quarantine.c.kind, quarantine.c.id],
    ["stage", "error", "version", "at", "body", "is_retry_requested", "is_reported"],
)
#: Tables whose rows others depend on. An unreadable value in them is replaced; rows of other tables are moved.
_KEPT = (articles, feeds, stories)
#: States of a story that was in a channel and has no message of its own there.
_NOT_POSTED = (AlertState.SILENT, AlertState.MERGED)


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

        If ``unless_version`` is not None, ask only for pieces that another version set aside.
        """
        statement = update(quarantine).values(is_retry_requested=True)
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

    def drop(self, piece: QuarantinedPiece, *, now: datetime) -> None:
        """Give up a piece for ever."""
        self.remove(piece)
        if piece.kind is PieceKind.RULING:
            self._connection.execute(update(rulings).where(rulings.c.id == piece.id).values(dropped_at=now))

    # -- rows that cannot be read

    def set_aside_row(self, unreadable: UnreadableValue, *, version: str, now: datetime) -> Sequence[QuarantinedPiece]:
        """Set aside the rows that contain a value that cannot be read. Return their entries."""
        pieces = []
        for column in _columns(unreadable.where):
            table = column.table
            raw = [type_coerce(other, _raw(other)).label(other.name) for other in table.columns]
            is_it = type_coerce(column, _raw(column)) == literal(unreadable.value, _raw_of(unreadable.value))
            for row in self._connection.execute(select(*raw).where(is_it)).mappings().all():
                values = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
                key = {part.name: values[part.name] for part in table.primary_key}
                body: dict[str, object] = {"table": table.name}
                is_own = [table.c[name] == literal(row[name], _raw(table.c[name])) for name in key]
                if table in _KEPT:
                    body |= {"key": key, "column": column.name, "value": values[column.name]}
                    neutral = _neutral(column, url=row.get("url"), now=now)
                    self._connection.execute(update(table).where(*is_own).values({column: neutral}))
                elif table is alerts and (row["posted_at"] is not None or row["state"] != AlertState.HELD):
                    body["values"] = values
                    self._connection.execute(update(table).where(*is_own).values(self._posted_alert(row)))
                else:
                    body["values"] = values
                    self._connection.execute(delete(table).where(*is_own))
                pieces.append(
                    QuarantinedPiece(
                        kind=PieceKind.ROW,
                        id=" ".join([f"{table.name}.{column.name}", *map(str, key.values())]),
                        stage="read",
                        error=f"this version cannot read {table.name}.{column.name}",
                        version=version,
                        at=now,
                        body=json.dumps(body),
                    )
                )
        self.add(pieces)
        return pieces

    def _posted_alert(self, row: RowMapping) -> Mapping[str, object]:
        """Return values that stand in for an unreadable alert, so that the channel does not get its story again."""
        story, channel, posted_at = row["story"], row["channel"], row["posted_at"]
        is_head = (outbox.c.channel == channel, outbox.c.id == outbox.c.thread, story_messages.c.story == story)
        heads = select(outbox.c.id).join(story_messages, story_messages.c.send == outbox.c.id).where(*is_head)
        alert = Alert(
            story=story,
            channel=channel,
            state=AlertState(row["state"]) if row["state"] in _NOT_POSTED else AlertState.POSTED,
            rules=(),
            reason=Reason.FIRST_REPORT,
            head=self._connection.execute(heads.order_by(outbox.c.seq.desc()).limit(1)).scalar(),
            posted_at=EPOCH + timedelta(microseconds=posted_at) if isinstance(posted_at, int) else None,
        )
        values = {name: getattr(alert, name) for name in ("state", "held_until", "posted_at")}
        return {**values, "alert": alert}

    def put_back_row(self, body: str) -> None:
        """Restore a row or a value that ``set_aside_row`` took away, unless a newer row has replaced it."""
        stored = json.loads(body)
        table = metadata.tables[stored["table"]]
        if "values" not in stored:
            column = table.c[stored["column"]]
            is_own = [table.c[name] == _literal(table.c[name], value) for name, value in stored["key"].items()]
            self._connection.execute(update(table).where(*is_own).values({column: _literal(column, stored["value"])}))
            return
        values = {name: _literal(table.c[name], value) for name, value in stored["values"].items()}
        put_back = insert(table).values(values)
        # Replace the alert that stands in for the unreadable one.
        is_replaced = table is alerts
        self._connection.execute(
            put_back.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)
            if is_replaced
            else put_back.on_conflict_do_nothing()
        )
        if table is outbox and (story := stored["values"]["story"]):
            of_story = insert(story_messages).values(story=story, send=stored["values"]["id"])
            self._connection.execute(of_story.on_conflict_do_nothing())


def _columns(where: TypeDecorator[Any] | Column[Any]) -> Sequence[Column[Any]]:
    """Return the columns that may contain an unreadable value."""
    if isinstance(where, Column):
        return [where]
    columns = (column for table in metadata.sorted_tables for column in table.columns)
    return [column for column in columns if _is_same(column.type, where)]


def _is_same(one: TypeEngine[Any], other: TypeEngine[Any]) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, JsonColumn) and isinstance(other, JsonColumn):
        return bool(one.kind == other.kind)
    if isinstance(one, EnumText) and isinstance(other, EnumText):
        return one.choices is other.choices
    return True


def _raw(column: Column[Any]) -> TypeEngine[Any]:
    """Return the type of a column's values as the database has them."""
    return column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type


def _raw_of(value: object) -> TypeEngine[Any]:
    return Text() if isinstance(value, str) else Timestamp().impl_instance


def _literal(column: Column[Any], value: Any) -> Any:
    return literal(bytes.fromhex(value) if isinstance(column.type, HashBytes) and value else value, _raw(column))


def _neutral(column: Column[Any], *, url: str | None, now: datetime) -> object:
    """Return a value that stands in for one that cannot be read."""
    if column.nullable:
        return None
    if isinstance(column.type, Timestamp):
        return now
    if isinstance(column.type, EnumText):
        return next(iter(column.type.choices.__members__.values()))
    return FeedState(url=url, due_at=now) if url is not None else ()
