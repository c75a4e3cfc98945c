"""``kind: faulty``: RSS in which some items raise while they are parsed, cleaned or matched."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NoReturn

import pydantic
from msgspec.structs import replace

from bot.feeds.kinds import rss
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body
from tests.testbed import faults

KIND = faults.KIND


class Options(pydantic.BaseModel):
    """RSS in which some items raise while they are parsed, cleaned or matched."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    poison: str = pydantic.Field(
        faults.ITEM,
        description="The word in the headlines of items that raise while they are matched; empty for no bug.",
    )


#: Its ``has_bug`` says whether the parser of RSS has a bug in this thread.
_parser = threading.local()


def _with_bug(parse: Callable[..., Entry]) -> Callable[..., Entry]:
    def parse_or_raise(*arguments: Any) -> Entry:
        entry = parse(*arguments)
        if getattr(_parser, "has_bug", False) and faults.UNPARSED in (entry.title or ""):
            raise LookupError("a bug")
        return entry

    return parse_or_raise


rss._entry = _with_bug(rss._entry)


class _Tag(str):
    """A tag that raises when a rule with ``skip:`` looks at it. It is stored as a plain text."""

    __slots__ = ()

    def rpartition(self, separator: str, /) -> NoReturn:
        raise LookupError("a bug")


class _Guid(str):
    """An id that raises when its item is cleaned. It is stored as a plain text."""

    __slots__ = ()

    def strip(self, characters: str | None = None, /) -> NoReturn:
        raise LookupError("a bug")


class Source:
    def __init__(self, options: Options) -> None:
        self._poison = options.poison
        self._rss = rss.Source()

    def recognises(self, body: Body) -> bool:
        return False

    def read(self, body: Body) -> ParsedFeed:
        _parser.has_bug = bool(self._poison)
        try:
            reading = self._rss.read(body)
        finally:
            _parser.has_bug = False
        return replace(reading, entries=tuple(map(self._spoil, reading.entries)))

    def _spoil(self, entry: Entry) -> Entry:
        title = entry.title or ""
        if self._poison and faults.ENTRY in title:
            return replace(entry, guid=_Guid(entry.guid or ""))
        return replace(entry, tags=(_Tag("news"),)) if self._poison and self._poison in title else entry
