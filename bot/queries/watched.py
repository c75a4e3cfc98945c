"""What questions are answered from - the running bot as far as pages and programs may know it - and counts by day."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar

from bot import config, model, storage
from bot.pipeline.snapshot import Snapshot

T = TypeVar("T")

#: Reads of pages at once; the database has more reading threads, which are left to the bot and to health.
READS_AT_ONCE = 2

_RENDERING = ThreadPoolExecutor(2, "render")


async def render(make: Callable[[], T]) -> T:
    """Return what ``make`` makes of an answer, on a thread that neither the event loop nor the bot waits for."""
    return await asyncio.get_running_loop().run_in_executor(_RENDERING, make)


class PageStore(Protocol):
    """The part of ``ports.Store`` that pages use."""

    async def read(self, work: Callable[[storage.Transaction], T]) -> T:
        """Raises StoreUnavailable."""

    async def read_long(self, work: Callable[[storage.Transaction], T]) -> T:
        """``read`` for what may take seconds. Raises StoreUnavailable."""

    @property
    def outage_reason(self) -> str:
        """Why nothing can be written now; empty: nothing has failed since the last transaction that wrote."""

    async def write(self, work: Callable[[storage.Transaction], T]) -> T:
        """Of a ruling of people only. Raises StoreUnavailable."""


class Watched(Protocol):
    """Its parts change on a reload, so each is asked for again."""

    @property
    def settings(self) -> config.Settings:
        """In force now."""

    @property
    def snapshot(self) -> Snapshot:
        """The same, as the pipeline reads it."""

    @property
    def store(self) -> PageStore:
        """The store, to read."""

    @property
    def clock(self) -> model.Clock:
        """The bot's clock."""

    @property
    def loaded_at(self) -> datetime:
        """When the configuration was last read and taken over, with or without problems."""


class Shared:
    """A ``Watched`` whose store is read by a few pages at once; the others wait."""

    def __init__(self, bot: Watched) -> None:
        self._bot = bot
        self._turn = asyncio.Semaphore(READS_AT_ONCE)

    @property
    def settings(self) -> config.Settings:
        return self._bot.settings

    @property
    def snapshot(self) -> Snapshot:
        return self._bot.snapshot

    @property
    def store(self) -> PageStore:
        return self

    @property
    def clock(self) -> model.Clock:
        return self._bot.clock

    @property
    def loaded_at(self) -> datetime:
        return self._bot.loaded_at

    async def read(self, work: Callable[[storage.Transaction], T]) -> T:
        """Raises StoreUnavailable."""
        async with self._turn:
            return await self._bot.store.read(work)

    async def read_long(self, work: Callable[[storage.Transaction], T]) -> T:
        """Raises StoreUnavailable."""
        return await self._bot.store.read_long(work)

    @property
    def outage_reason(self) -> str:
        return self._bot.store.outage_reason

    async def write(self, work: Callable[[storage.Transaction], T]) -> T:
        """Raises StoreUnavailable."""
        return await self._bot.store.write(work)


#: Of feeds.
DAYS = 14
#: How far back a rule's matches are counted.
LAST_MATCH = timedelta(days=90)
#: The counts are read again this often.
LASTS = timedelta(minutes=1)

ByDay = Mapping[str, Mapping[date, int]]


def by_day(counts: Sequence[model.DayCount]) -> ByDay:
    """By name, then by day."""
    found: defaultdict[str, dict[date, int]] = defaultdict(dict)
    for entry in counts:
        found[entry.name][entry.day] = entry.count
    return found


def total_count(counts: ByDay) -> Mapping[date, int]:
    """Of all names together."""
    found: Counter[date] = Counter()
    for each in counts.values():
        found.update(each)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """New articles of feeds, and articles that rules matched."""

    at: datetime
    feeds: ByDay
    rules: ByDay


class DayCounts:
    """Keeps the counts for whoever asks next."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._counts: Counts | None = None

    async def read(self) -> Counts:
        """At most ``LASTS`` old. Raises StoreUnavailable."""
        now = self._watched.clock.now()
        if self._counts is None or not timedelta() <= now - self._counts.at < LASTS:
            feeds = await self._watched.store.read(lambda tx: tx.articles.new_by_day(since=now - timedelta(days=DAYS)))
            matched = await self._watched.store.read(lambda tx: tx.articles.matched_by_day(since=now - LAST_MATCH))
            self._counts = Counts(at=now, feeds=by_day(feeds), rules=by_day(matched))
        return self._counts
