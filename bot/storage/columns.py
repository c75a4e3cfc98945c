"""How values are stored: the types of columns, dataclasses as rows, and inserts of many rows at once."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, TypeAlias, TypeVar, cast

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    LargeBinary,
    Row,
    Select,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.types import TypeDecorator

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")
AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]

#: Before every stored time.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: SQLite takes 32,766 parameters in a statement (since 3.32), PostgreSQL 65,535.
_CHUNK = 1_000


class Timestamp(TypeDecorator[datetime]):
    """An aware time as whole microseconds since 1970: exact, 8 bytes, in order on every database."""

    impl = BigInteger
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:
        # Instead of process_bind_param: this saves two calls for each of the thousands of values of a batch.
        return _microseconds

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + value * _MICROSECOND


class StorableText(TypeDecorator[str]):
    """Text from outside, without characters that a database refuses."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        return _storable_or_none  # as above


class EnumText(TypeDecorator[E]):
    """An enum, stored as its value."""

    impl = Text
    cache_ok = True

    def __init__(self, choices: type[E]) -> None:
        super().__init__()
        self.choices = choices

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value.value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        return None if value is None else self.choices(value)


class HashBytes(TypeDecorator[bytes]):
    """A key of any length as 16 bytes, since PostgreSQL cannot index a value of more than 2,704 bytes."""

    impl = LargeBinary
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        """Both drivers take bytes as they are."""


# Cached, since a batch of first polls looks up each key and then writes it.
@functools.lru_cache(maxsize=1 << 14)
def digest(*parts: str) -> bytes:
    """Return a hash of 16 bytes that depends on the texts and on where each ends."""
    # Hash in one call, since a poll needs hundreds of hashes.
    packed = b""
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        packed += len(data).to_bytes(8, "big") + data
    return hashlib.sha256(packed).digest()[:16]


def _microseconds(when: datetime | None) -> int | None:
    if when is None:
        return None
    if when.tzinfo is None:
        raise ValueError(f"storing a time: {when.isoformat()} has no time zone")
    return (when - EPOCH) // _MICROSECOND


def _storable_or_none(text: str | None) -> str | None:
    return None if text is None else storable(text)


def storable(text: str) -> str:
    """Return ``text`` without U+0000 (PostgreSQL refuses it); halves of surrogate pairs are joined or become U+FFFD.

    >>> storable("a\\x00b"), storable("\\ud83d\\ude00"), storable("\\ud83d!")
    ('ab', '😀', '\\ufffd!')
    """
    if "\x00" in text:
        text = text.replace("\x00", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield ``items`` in parts that fit into the parameters of one statement."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


class Document(TypeDecorator[T]):
    """A value as compact JSON that every database can hold. Loading raises pydantic's ValidationError."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        # On first use: building one costs milliseconds, and `check` needs none.
        return TypeAdapter(self.kind)

    def dump(self, value: T) -> str:
        try:
            return self._adapter.dump_json(value).decode()
        except PydanticSerializationError:
            # Half a surrogate pair somewhere in untrusted text: rare, so only such a value pays for the clean-up.
            return self._adapter.dump_json(cast("T", _cleaned(value))).decode()

    def load(self, document: str) -> T:
        return self._adapter.validate_json(document)

    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:
        return None if value is None else self.dump(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> T | None:
        return None if value is None else self._adapter.validate_json(value)


def _cleaned(value: object) -> object:
    if type(value) is str:
        return storable(value)
    if isinstance(value, tuple):
        return tuple(_cleaned(item) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _cleaned(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value


class Rows(Generic[T]):
    """A dataclass as rows of a table: each field that has a column of the same name."""

    def __init__(self, kind: type[T], table: Table) -> None:
        self._kind = kind
        self.names = [field.name for field in dataclasses.fields(cast("Any", kind)) if field.name in table.c]
        self._values = attrgetter(*self.names)

    def dump(self, value: T, **others: object) -> dict[str, object]:
        """Return the row of a value; ``others``: columns that are not fields, or whose value differs."""
        return dict(zip(self.names, self._values(value), strict=True), **others)

    def load(self, row: AnyRow, **others: object) -> T:
        """Return the value of a row; ``others``: fields that are not columns, or whose value differs."""
        return self._kind(**dict(zip(self.names, self._values(row), strict=True), **others))


class Part:
    """A part of the store, over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _insert(self, table: Table, row: Mapping[str, object]) -> bool:
        """Insert a row; return False, and change nothing, if its id exists."""
        statement = insert(table).on_conflict_do_nothing(index_elements=[table.c.id]).returning(table.c.id)
        return self._connection.execute(statement, row).first() is not None

    def _values(self, rows: Rows[T], statement: AnySelect) -> list[T]:
        """Return the values of the rows that a statement selects."""
        return list(map(rows.load, self._connection.execute(statement)))

    def _rows_in_chunks(self, statement: AnySelect, wanted: Sequence[object], **values: object) -> Iterator[AnyRow]:
        """Run a statement for parts of ``wanted``, since all values may not fit into one, and yield the rows."""
        for part in chunks(wanted):
            yield from self._connection.execute(statement, {"wanted": part, **values})


def upsert(key: Sequence[Column[Any]], names: Sequence[str]) -> Insert:
    """Return an INSERT that replaces the columns ``names`` of a row with the same key."""
    new = insert(key[0].table)
    return new.on_conflict_do_update(index_elements=key, set_={name: new.excluded[name] for name in names})


_Ready = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    text: str
    #: A driver takes each row as a tuple in the statement's order (SQLite) or as a mapping (PostgreSQL).
    is_positional: bool
    #: Name of each parameter and what makes its values ready, in the statement's order.
    parameters: tuple[tuple[str, _Ready | None], ...]


class BulkInsert:
    """An INSERT of whole rows with further parameters."""

    def __init__(self, statement: Insert, *parameters: BindParameter[Any]) -> None:
        self._statement = statement
        self._parameters: dict[str, ColumnElement[Any]] = {
            **{column.name: column for column in statement.table.columns},
            **{parameter.key: parameter for parameter in parameters},
        }
        self._by_dialect: dict[str, _Compiled] = {}

    def write(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert rows; each has a value for each column and each further parameter."""
        if not rows:
            return
        compiled = self._compiled(connection.dialect)
        columns = [_column(rows, name, ready) for name, ready in compiled.parameters]
        ready_rows = list(zip(*columns, strict=True))
        if compiled.is_positional:
            connection.exec_driver_sql(compiled.text, ready_rows)
        else:
            names = [name for name, _ in compiled.parameters]
            connection.exec_driver_sql(compiled.text, [dict(zip(names, row, strict=True)) for row in ready_rows])

    def _compiled(self, dialect: Dialect) -> _Compiled:
        if dialect.name not in self._by_dialect:
            columns = [column.name for column in self._statement.table.columns]
            compiled = self._statement.compile(dialect=dialect, column_keys=columns)
            names = compiled.positiontup if compiled.positional and compiled.positiontup else tuple(self._parameters)
            self._by_dialect[dialect.name] = _Compiled(
                text=compiled.string,
                is_positional=compiled.positional,
                parameters=tuple(
                    (name, self._parameters[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names
                ),
            )
        return self._by_dialect[dialect.name]


def _column(rows: Sequence[Mapping[str, object]], name: str, ready: _Ready | None) -> list[object]:
    values = [row[name] for row in rows]
    if ready is None:
        return values
    # Times, languages and texts that are not kept are often the same in all rows of a batch.
    if values.count(values[0]) == len(values):
        return [ready(values[0])] * len(values)
    return [ready(value) for value in values]
