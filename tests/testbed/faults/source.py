"""``kind: faulty``: RSS in which some items raise while they are cleaned or matched."""

from __future__ import annotations

import dataclasses
from typing import NoReturn

import pydantic

from bot.feeds.kinds import rss
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body
from tests.testbed import faults

KIND = faults.KIND


class Options(pydantic.BaseModel):
    """RSS in which some items raise while they are cleaned or matched."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    poison: str = pydantic.Field(
        faults.ITEM,
        description="The word in the headlines of items that raise while they are matched; empty for no bug.",
    )


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
        reading = self._rss.read(body)
        return dataclasses.replace(reading, entries=tuple(map(self._spoil, reading.entries)))

    def _spoil(self, entry: Entry) -> Entry:
        title = entry.title or ""
        if self._poison and faults.ENTRY in title:
            return dataclasses.replace(entry, guid=_Guid(entry.guid or ""))
        return dataclasses.replace(entry, tags=(_Tag("news"),)) if self._poison and self._poison in title else entry
