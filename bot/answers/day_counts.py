"""What came and what matched, by day: counted at most once a minute, since it looks at every article of weeks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot import ports
from bot.answers.watched import Watched

#: Of feeds.
DAYS = 14
#: How far back a rule's matches are counted.
LAST_MATCH = timedelta(days=90)
#: The counts are read again this often.
LASTS = timedelta(minutes=1)

ByDay = Mapping[str, Mapping[date, int]]


def by_day(counts: Sequence[ports.DayCount]) -> ByDay:
    """By name, then by day."""
    found: defaultdict[str, dict[date, int]] = defaultdict(dict)
    for entry in counts:
        found[entry.name][entry.day] = entry.count
    return found


def total(counts: ByDay) -> Mapping[date, int]:
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
