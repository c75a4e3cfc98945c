"""How values lie in columns: times, texts, choices, and keys of any length.

Knows no table.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import BigInteger, Dialect, LargeBinary, Text
from sqlalchemy.types import TypeDecorator

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: SQLite takes 32,766 parameters in a statement (since 3.32), PostgreSQL 65,535.
_CHUNK = 1_000


class Timestamp(TypeDecorator[datetime]):
    """An aware time as whole microseconds since 1970: exact, 8 bytes, in order on every database."""

    impl = BigInteger
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:
        # Not by way of process_bind_param: two calls fewer for each value of the thousands that a batch writes.
        return _microseconds

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


class StorableText(TypeDecorator[str]):
    """Text of the outside world, without what no database can hold."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        return _storable_or_none  # as above


class EnumText(TypeDecorator[E]):
    """A named choice by its value."""

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
    """A key of any length as 16 bytes: PostgreSQL refuses to index a value beyond 2,704 bytes, and a feed's ids are
    as long as it likes."""

    impl = LargeBinary
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        """Both drivers take bytes as they are."""


# What a batch of first polls asks about is what it writes then.
@functools.lru_cache(maxsize=1 << 14)
def digest(*parts: str) -> bytes:
    """16 bytes that stand for these texts; their borders count."""
    # One call of the hash: a poll asks for hundreds of these.
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
    return (when - _EPOCH) // _MICROSECOND


def _storable_or_none(text: str | None) -> str | None:
    return None if text is None else storable(text)


def storable(text: str) -> str:
    """``text`` without U+0000 (PostgreSQL refuses it); halves of surrogate pairs are joined or become U+FFFD.

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
    """``items`` in runs that fit the parameters of one statement; nothing for none."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
