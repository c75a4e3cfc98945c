"""The parts of the running bot that pages and programs may read, and daily counts."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar

from bot import config, storage
from bot.aio import Failure
from bot.model.archive import DayCount
from bot.model.durations import Clock, is_recent

T = TypeVar("T")

_RENDERING = ThreadPoolExecutor(2, "render")


async def render(make: Callable[[], T]) -> T:
    """Call ``make`` on a rendering thread, so that a long answer does not delay the event loop; return its result."""
    return await asyncio.get_running_loop().run_in_executor(_RENDERING, make)


class Watched(Protocol):
    """The parts of the running bot that pages and programs may read.

    Do not keep ``settings``, because a reload replaces it.
    """

    @property
    def settings(self) -> config.Settings:
        """The settings in force."""

    @property
    def store(self) -> storage.Store:
        """The bot's store."""

    @property
    def clock(self) -> Clock:
        """The bot's clock."""

    @property
    def loaded_at(self) -> datetime:
        """Time at which the configuration was last loaded, with or without problems."""

    @property
    def failures(self) -> Sequence[Failure]:
        """The long-lived tasks and the stages of deciding that fail now; empty outside the running bot."""


#: Number of days for which each feed's new articles are counted.
DAYS = 14
#: Period over which each rule's matches are counted.
LAST_MATCH = timedelta(days=90)
#: Time for which daily counts are reused.
LASTS = timedelta(minutes=1)

ByDay = Mapping[str, Mapping[date, int]]


def by_day(counts: Sequence[DayCount]) -> ByDay:
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
    """The daily numbers of new articles of each feed, and of matched articles of each rule, counted at ``at``."""

    at: datetime
    feeds: ByDay
    rules: ByDay


class DayCounts:
    """Reads the daily counts, and reuses them for a minute."""

    def __init__(self) -> None:
        self._counts: Counts | None = None

    def read(self, tx: storage.Transaction, now: datetime) -> Counts:
        """Return the counts, at most ``LASTS`` old."""
        counts = self._counts
        if counts is None or not is_recent(counts.at, LASTS, now):
            feeds = by_day(tx.articles.new_by_day(since=now - timedelta(days=DAYS)))
            matched = by_day(tx.articles.matched_by_day(since=now - LAST_MATCH))
            self._counts = counts = Counts(at=now, feeds=feeds, rules=matched)
        return counts
