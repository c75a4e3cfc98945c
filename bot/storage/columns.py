"""Store values: column types, conversion between structs and rows, and inserts of many rows at once."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Double,
    Integer,
    LargeBinary,
    Row,
    Select,
    Table,
    Text,
    bindparam,
)
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.dialects.sqlite.dml import OnConflictClause
from sqlalchemy.types import TypeDecorator

# SQLAlchemy compiles SQLite's ON CONFLICT for PostgreSQL too, except that it looks for this attribute. The other way
# round, every start with SQLite would load the whole dialect of PostgreSQL.
OnConflictClause.constraint_target = None  # type: ignore[attr-defined]

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]

#: A time that is earlier than every stored time.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: The parameter for the values that a statement selects. ``Repository._rows_in_chunks`` passes them in chunks.
WANTED: Any = bindparam("wanted", expanding=True)
#: Maximum values in one statement. SQLite accepts 32,766 parameters (since 3.32), PostgreSQL 65,535.
_CHUNK = 1_000


class UnreadableValue(Exception):
    """A stored value cannot be read, because it is damaged or another version of Wirewatch wrote it.

    The store sets its row aside and runs the transaction again (``Store``).
    """

    def __init__(self) -> None:
        super().__init__("a stored value cannot be read")


class Timestamp(TypeDecorator[datetime]):
    """An aware time, stored as microseconds since 1970. It is exact, has 8 bytes, and sorts the same everywhere."""

    impl = BigInteger
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:
        # Override this instead of process_bind_param, to save two calls for each of the thousands of values in a batch.
        return _microseconds

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        try:
            return None if value is None else EPOCH + value * _MICROSECOND
        except (TypeError, OverflowError) as error:
            raise UnreadableValue from error


class WholeNumber(TypeDecorator[int]):
    """A whole number. SQLite may have any other value in its column."""

    impl = Integer
    cache_ok = True

    def process_result_value(self, value: object, dialect: Dialect) -> int | None:
        if value is None or type(value) is int:
            return value
        raise UnreadableValue


class Flag(TypeDecorator[bool]):
    """A truth value. SQLite may have any other value in its column, which it would take for false."""

    impl = Boolean
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[object], bool | None]:
        # Override this instead of process_result_value, because Boolean itself would turn any value into True.
        def process(value: object) -> bool | None:
            if value is None or value in (0, 1):
                return None if value is None else bool(value)
            raise UnreadableValue

        return process


class StoredFloat(TypeDecorator[float]):
    """A number. SQLite may have any other value in its column."""

    impl = Double
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[object], float | None]:
        # Override this instead of process_result_value, because Double itself needs the type of a result's column.
        def process(value: object) -> float | None:
            if value is None or isinstance(value, float | int):
                return value
            raise UnreadableValue

        return process


class StorableText(TypeDecorator[str]):
    """External text, without the characters that databases refuse (NUL, lone surrogates)."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        return _storable_or_none


class EnumText(TypeDecorator[E]):
    """An enum, stored as its value."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[E]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value.value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        try:
            return None if value is None else self.kind(value)
        except ValueError as error:
            raise UnreadableValue from error


class HashBytes(TypeDecorator[bytes]):
    """A hash of 16 bytes that replaces a long key, because PostgreSQL cannot index a value of more than 2,704 bytes."""

    impl = LargeBinary
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        """Return None, because both drivers accept bytes without conversion."""


# Cache the results, because a batch of first polls looks up each key and then writes it.
@functools.lru_cache(maxsize=1 << 14)
def digest(*parts: str) -> bytes:
    """Return a hash of the texts, in 16 bytes. It also depends on the boundaries between the texts."""
    # Use only one call of the hash function, because a poll needs hundreds of hashes.
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
    """Return ``text`` without U+0000, which PostgreSQL refuses. Join surrogate pairs; replace lone halves by U+FFFD.

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
    """Yield ``items`` in parts that are small enough for the parameters of one statement."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


class JsonColumn(TypeDecorator[T]):
    """A value, stored as compact JSON. Loading an invalid document raises msgspec's DecodeError."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[T]:
        # Build the decoder on first use, because some commands, such as `check`, need none.
        return msgspec.json.Decoder(self.kind)

    def dump(self, value: T) -> str:
        try:
            return msgspec.json.encode(value, enc_hook=_plain_text).decode()
        except UnicodeEncodeError:
            # The value contains untrusted text with a lone surrogate. This is rare, so clean up only after a failure.
            return msgspec.json.encode(_cleaned(value), enc_hook=_plain_text).decode()

    def load(self, document: str) -> T:
        return self._decoder.decode(document)

    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:
        return None if value is None else self.dump(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> T | None:
        try:
            return None if value is None else self.load(value)
        except (ValueError, RecursionError) as error:
            raise UnreadableValue from error


def _plain_text(value: object) -> str:
    """Return a text of another class, such as a source plug-in may read from its document, as msgspec encodes it."""
    if isinstance(value, str):
        return str.__str__(value)
    raise NotImplementedError(type(value))


#: The types whose values may be unreadable.
CHECKED = (Timestamp, WholeNumber, Flag, StoredFloat, EnumText, JsonColumn)


def _cleaned(value: object) -> object:
    if type(value) is str:
        return storable(value)
    if isinstance(value, tuple):
        return tuple(_cleaned(item) for item in value)
    if isinstance(value, msgspec.Struct):
        fields = {name: _cleaned(getattr(value, name)) for name in value.__struct_fields__}
        return replace(value, **fields)
    return value


class Rows(Generic[S]):
    """Converts between a struct and rows of a table, for each field that has a column of the same name."""

    def __init__(self, kind: type[S], table: Table) -> None:
        self._kind = kind
        self.names = [name for name in kind.__struct_fields__ if name in table.c]
        self._values = attrgetter(*self.names)

    def dump(self, value: S, **extra: object) -> dict[str, object]:
        """Return the row of a value. ``extra`` are columns that are not fields, or differ from their field."""
        return dict(zip(self.names, self._values(value), strict=True), **extra)

    def load(self, row: AnyRow, **extra: object) -> S:
        """Return the value of a row. ``extra`` are fields that are not columns, or differ from their column."""
        return self._kind(**dict(zip(self.names, self._values(row), strict=True), **extra))


class Repository:
    """Base class of the parts of the store. A part uses one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _insert(self, table: Table, row: Mapping[str, object]) -> bool:
        """Insert a row. If its id already exists, change nothing and return False."""
        statement = insert(table).on_conflict_do_nothing(index_elements=[table.c.id]).returning(table.c.id)
        return self._connection.execute(statement, row).first() is not None

    def _values(self, rows: Rows[S], statement: AnySelect) -> list[S]:
        """Return the values of the rows that a statement selects."""
        return list(map(rows.load, self._connection.execute(statement)))

    def _rows_in_chunks(self, statement: AnySelect, keys: Sequence[object], **values: object) -> Iterator[AnyRow]:
        """Run a statement for each chunk of ``keys``, which may be too long for one statement. Yield the rows."""
        for part in chunks(keys):
            yield from self._connection.execute(statement, {"wanted": part, **values})


def upsert(key: Sequence[Column[Any]], names: Sequence[str]) -> Insert:
    """Return an INSERT that, if a row with the same key exists, replaces its columns ``names`` instead."""
    new = insert(key[0].table)
    return new.on_conflict_do_update(index_elements=key, set_={name: new.excluded[name] for name in names})


_Ready = Callable[[Any], Any]


class _Compiled(msgspec.Struct, frozen=True):
    text: str
    #: Whether the driver accepts each row as a tuple in the statement's order (SQLite), not as a mapping (PostgreSQL).
    is_positional: bool
    #: Name of each parameter, in the statement's order, and the function that converts its values, if one is needed.
    parameters: tuple[tuple[str, _Ready | None], ...]


class BulkInsert:
    """A fast INSERT of many rows with values for all columns, and with optional further parameters."""

    def __init__(self, statement: Insert, *parameters: BindParameter[Any]) -> None:
        self._statement = statement
        self._parameters: dict[str, ColumnElement[Any]] = {
            **{column.name: column for column in statement.table.columns},
            **{parameter.key: parameter for parameter in parameters},
        }
        self._by_dialect: dict[str, _Compiled] = {}

    def write(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert rows. Each row must have a value for each column and each further parameter."""
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
    # Convert a value only once if it is the same in all rows, as times, languages and deleted texts often are.
    if values.count(values[0]) == len(values):
        return [ready(values[0])] * len(values)
    return [ready(value) for value in values]
