"""When a feed asks to be read: ttl, the syndication module, skipHours and skipDays.

Pure. These are lower bounds only; what is made of them is decided in polling.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice, pairwise

from bot import model

#: sy:updatePeriod (RSS 1.0 syndication module).
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LONGEST = timedelta(days=365)
_SKIP_HOURS = re.compile(r"<(/?)skipHours\s*+>", re.IGNORECASE)
_SKIP_DAYS = re.compile(r"<(/?)skipDays\s*+>", re.IGNORECASE)
#: Names of all hours or days take less.
_LONGEST_BLOCK = 2_000
#: A feed has one block of each.
_MOST_TAGS = 20
_HOUR = re.compile(r"<hour\s*>\s*(\d{1,2})\s*</hour\s*>", re.IGNORECASE)
_DAY = re.compile(r"<day\s*>\s*([A-Za-z]{3,9})\s*</day\s*>", re.IGNORECASE)


def period(ttl: str | None, update_period: str | None, update_frequency: str | None) -> timedelta | None:
    """The longer of ttl (minutes) and the update period shared by its frequency; None: neither is said.

    >>> period("60", "daily", "4")
    datetime.timedelta(seconds=21600)
    """
    asked = [minutes for minutes in (_minutes(ttl), _syndication(update_period, update_frequency)) if minutes]
    return min(max(asked), _LONGEST) if asked else None


def with_bounds(reading: model.Reading, text: str, *, remarks: tuple[str, ...]) -> model.Reading:
    """The reading with its skipHours and skipDays, which feedparser does not give, and with further remarks."""
    if "skip" not in text and "SKIP" not in text:
        return dataclasses.replace(reading, remarks=(*remarks, *reading.remarks))
    hours = [int(hour) % 24 for block in _blocks(_SKIP_HOURS, text) for hour in _HOUR.findall(block)]
    names = [name.lower() for block in _blocks(_SKIP_DAYS, text) for name in _DAY.findall(block)]
    return dataclasses.replace(
        reading,
        remarks=(*remarks, *reading.remarks),
        # RSS 0.91 counts from 1 to 24, RSS 2.0 from 0 to 23.
        skip_hours=tuple(sorted(set(hours))),
        skip_days=tuple(sorted({_DAYS.index(name) for name in names if name in _DAYS})),
    )


def _blocks(tag: re.Pattern[str], text: str) -> Iterator[str]:
    """What is between an opening tag and the closing one that is the next."""
    tags = [*islice(tag.finditer(text), _MOST_TAGS)]
    for opened, closed in pairwise(tags):
        if not opened[1] and closed[1] and closed.start() - opened.end() <= _LONGEST_BLOCK:
            yield text[opened.end() : closed.start()]


def _minutes(ttl: str | None) -> timedelta | None:
    if not ttl or not ttl.isascii() or not ttl.isdigit() or not int(ttl[:9]):
        return None
    return timedelta(minutes=int(ttl[:7]))


def _syndication(update_period: str | None, frequency: str | None) -> timedelta | None:
    whole = _PERIODS.get((update_period or "").lower())
    if whole is None:
        return None
    times = int(frequency[:4]) if frequency and frequency.isascii() and frequency.isdigit() else 1
    return whole / max(times, 1)
