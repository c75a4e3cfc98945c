"""``kind: faulty``: RSS in which some items raise while they are matched."""

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
    """RSS in which some items raise while they are matched."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    poison: str = pydantic.Field(faults.ITEM, description="The word in the headlines of these items.")


class _Tag(str):
    """A tag that raises when a rule with ``skip:`` looks at it. It is stored as a plain text."""

    __slots__ = ()

    def rpartition(self, separator: str, /) -> NoReturn:
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
        is_poison = self._poison and self._poison in (entry.title or "")
        return dataclasses.replace(entry, tags=(_Tag("news"),)) if is_poison else entry
