"""The parts of the running bot that pages and programs may read, and counts by day."""

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

#: Maximum concurrent reads by pages. The database's other reading threads stay free for the bot and for health.
READS_AT_ONCE = 2

_RENDERING = ThreadPoolExecutor(2, "render")


async def render(make: Callable[[], T]) -> T:
    """Call ``make`` on a rendering thread, so that a long answer does not delay the event loop or the bot."""
    return await asyncio.get_running_loop().run_in_executor(_RENDERING, make)


class PageStore(Protocol):
    """The part of ``ports.Store`` that pages use."""

    async def read(self, work: Callable[[storage.Transaction], T]) -> T:
        """Read in one transaction. Raises StoreUnavailable."""

    async def read_long(self, work: Callable[[storage.Transaction], T]) -> T:
        """Read in one transaction that may take seconds. Raises StoreUnavailable."""

    @property
    def outage_reason(self) -> str:
        """Why writing fails now; empty if nothing has failed since the last transaction that wrote."""

    async def write(self, work: Callable[[storage.Transaction], T]) -> T:
        """Write the action of a person, such as a ruling; pages write nothing else. Raises StoreUnavailable."""


class Watched(Protocol):
    """The running bot as pages and programs see it. A reload replaces its parts, so do not keep them."""

    @property
    def settings(self) -> config.Settings:
        """The settings in force."""

    @property
    def snapshot(self) -> Snapshot:
        """The settings in force, as the pipeline reads them."""

    @property
    def store(self) -> PageStore:
        """The store of the bot."""

    @property
    def clock(self) -> model.Clock:
        """The bot's clock."""

    @property
    def loaded_at(self) -> datetime:
        """When the configuration was last loaded, with or without problems."""


class Shared:
    """A ``Watched`` that lets only a few pages read the store at once; the others wait."""

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
        """Read in one transaction, after at most a few others. Raises StoreUnavailable."""
        async with self._turn:
            return await self._bot.store.read(work)

    async def read_long(self, work: Callable[[storage.Transaction], T]) -> T:
        """Read in one transaction that may take seconds. Raises StoreUnavailable."""
        return await self._bot.store.read_long(work)

    @property
    def outage_reason(self) -> str:
        return self._bot.store.outage_reason

    async def write(self, work: Callable[[storage.Transaction], T]) -> T:
        """Write the action of a person. Raises StoreUnavailable."""
        return await self._bot.store.write(work)


#: Days for which new articles of feeds are counted.
DAYS = 14
#: How far back a rule's matches are counted.
LAST_MATCH = timedelta(days=90)
#: How long the counts are reused.
LASTS = timedelta(minutes=1)

ByDay = Mapping[str, Mapping[date, int]]


def by_day(counts: Sequence[model.DayCount]) -> ByDay:
    """Group the counts by name, then by day."""
    grouped: defaultdict[str, dict[date, int]] = defaultdict(dict)
    for entry in counts:
        grouped[entry.name][entry.day] = entry.count
    return grouped


def total_count(counts: ByDay) -> Mapping[date, int]:
    """Add up the counts of all names, by day."""
    totals: Counter[date] = Counter()
    for days in counts.values():
        totals.update(days)
    return totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """New articles of feeds, and articles that rules matched."""

    at: datetime
    feeds: ByDay
    rules: ByDay


class DayCounts:
    """Reads the counts and reuses them for a while."""

    def __init__(self) -> None:
        self._counts: Counts | None = None

    def read(self, tx: storage.Transaction, now: datetime) -> Counts:
        """Return the counts, at most ``LASTS`` old."""
        counts = self._counts
        if counts is None or not timedelta() <= now - counts.at < LASTS:
            feeds = by_day(tx.articles.new_by_day(since=now - timedelta(days=DAYS)))
            matched = by_day(tx.articles.matched_by_day(since=now - LAST_MATCH))
            self._counts = counts = Counts(at=now, feeds=feeds, rules=matched)
        return counts
