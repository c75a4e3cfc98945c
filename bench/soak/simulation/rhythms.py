"""Read from recorded feeds when they published, and with which words. This module does not use the simulated world.

The recordings are the data set ``feed-snapshots``: real feeds, fetch by fetch. A day counts only if the fetches cover
it: the items of each document reach back to the previous fetch, so that no item left the feed unseen.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from bot.feeds import cleaning, kinds
from bot.model.errors import ReadError
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body

#: Longer texts than a teaser are cut.
_MOST_CHARACTERS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """The days of one recorded feed: each the seconds of the day, in UTC, at which it published."""

    name: str
    weekdays: tuple[tuple[int, ...], ...]
    weekends: tuple[tuple[int, ...], ...]

    @property
    def a_day(self) -> float:
        days = [*self.weekdays, *self.weekends]
        return sum(map(len, days)) / len(days)

    def days_like(self, day: date) -> tuple[tuple[int, ...], ...]:
        days = self.weekends if day.weekday() >= 5 else self.weekdays
        return days or self.weekdays or self.weekends


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The material of a simulated world."""

    rhythms: tuple[Rhythm, ...]
    #: Real headlines and teasers, of which made articles are spliced.
    titles: tuple[str, ...]
    teasers: tuple[str, ...]


def read(folder: Path, *, series: str = "*") -> Recorded:
    """The news series of a folder of recordings, or those whose names have a form."""
    rhythms: list[Rhythm] = []
    entries: list[Entry] = []
    for path in sorted(folder.glob(f"{series}-2020.tar.xz")):
        name = path.name.removesuffix("-2020.tar.xz")
        found, spans = _series(path)
        entries.extend(found)
        dates = [entry.published for entry in found if entry.published]
        rhythm = _rhythm(name, dates, _covered(spans))
        if rhythm is not None:
            rhythms.append(rhythm)
    titles = dict.fromkeys(_plain(entry.title) for entry in entries)
    teasers = dict.fromkeys(_plain(entry.body)[:_MOST_CHARACTERS] for entry in entries)
    return Recorded(
        rhythms=tuple(rhythms),
        titles=tuple(text for text in titles if text.count(" ") >= 3),
        teasers=tuple(text for text in teasers if text.count(" ") >= 5),
    )


def _series(path: Path) -> tuple[list[Entry], list[tuple[datetime, datetime]]]:
    """Each item once; and for each fetch how far back its items reach, and its own time."""
    entries: dict[str, Entry] = {}
    spans: list[tuple[datetime, datetime]] = []
    known: frozenset[str] = frozenset()
    dates: dict[str, datetime] = {}
    with tarfile.open(path) as archive:
        for member in sorted((m for m in archive.getmembers() if m.isfile()), key=lambda m: m.name):
            file = archive.extractfile(member)
            assert file is not None
            body = Body(content=file.read(), content_type="", url="https://example.org/", known_hashes=known)
            try:
                reading = kinds.parse_document(body)
            except ReadError:
                continue
            for entry in reading.entries:
                entries.setdefault(str(entry.guid or entry.link), entry)
            dates |= _dated(reading, known)
            known |= set(reading.item_hashes)
            listed = [dates[item] for item in reading.item_hashes if item in dates]
            if listed:
                captured = datetime.fromtimestamp(int(re.split(r"[_.]", Path(member.name).name)[1]), UTC)
                # The oldest quarter may be evergreens, which say nothing about what slid out.
                spans.append((sorted(listed)[len(listed) // 4], captured))
    return list(entries.values()), spans


def _dated(reading: ParsedFeed, known: frozenset[str]) -> dict[str, datetime]:
    """Item hash -> date, of the items that were read now; they come in the document's order."""
    fresh = [item for item in reading.item_hashes if item not in known]
    if len(fresh) != len(reading.entries):
        return {}
    pairs = zip(fresh, reading.entries, strict=True)
    return {item: entry.published for item, entry in pairs if entry.published}


def _covered(spans: Sequence[tuple[datetime, datetime]]) -> set[date]:
    """The days during which nothing can have gone unseen."""
    joined: list[list[datetime]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([begin, end])
    days: set[date] = set()
    for begin, end in joined:
        day = begin.date() + timedelta(days=1)
        while datetime.combine(day + timedelta(days=1), time(), UTC) <= end:
            days.add(day)
            day += timedelta(days=1)
    return days


def _rhythm(name: str, dates: Iterable[datetime], covered: set[date]) -> Rhythm | None:
    by_day: dict[date, list[int]] = {day: [] for day in covered}
    for when in dates:
        moment = when.astimezone(UTC)
        if moment.date() in by_day:
            by_day[moment.date()].append(moment.hour * 3600 + moment.minute * 60 + moment.second)
    days: Mapping[date, tuple[int, ...]] = {day: tuple(sorted(seconds)) for day, seconds in by_day.items()}
    if not any(days.values()):
        return None
    return Rhythm(
        name=name,
        weekdays=tuple(seconds for day, seconds in sorted(days.items()) if day.weekday() < 5),
        weekends=tuple(seconds for day, seconds in sorted(days.items()) if day.weekday() >= 5),
    )


def _plain(text: str | None) -> str:
    return " ".join(cleaning.clean(text or "", base=None).text.split())
