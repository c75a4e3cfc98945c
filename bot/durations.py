"""Parse and format durations, format times and counts, and define the protocol of the clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from bot.patterns import LazyPattern


def format_time(when: datetime, zone: tzinfo = UTC) -> str:
    """Format a time in ``zone``, with the zone's name.

    >>> from zoneinfo import ZoneInfo
    >>> noon = datetime(2015, 12, 2, 12, tzinfo=UTC)
    >>> format_time(noon), format_time(noon, ZoneInfo("Asia/Karachi")), format_time(noon, ZoneInfo("Asia/Dubai"))
    ('2 Dec 12:00 UTC', '2 Dec 17:00 PKT', '2 Dec 16:00 UTC+04')
    """
    local = when.astimezone(zone)
    zone_name = local.tzname() or ""
    return f"{local.day} {local:%b %H:%M} {'UTC' if zone_name[:1] in '+-' else ''}{zone_name}"


def format_count(count: int, noun: str) -> str:
    """Return the count, with commas, and the noun in singular or plural.

    >>> format_count(1, "error"), format_count(2_000, "story"), format_count(0, "match"), format_count(3, "day")
    ('1 error', '2,000 stories', '0 matches', '3 days')
    """
    return f"{count:,} {pluralize(count, noun)}"


def pluralize(count: int, noun: str) -> str:
    """Return the noun in singular or plural.

    >>> pluralize(1, "story"), pluralize(2, "story")
    ('story', 'stories')
    """
    if count == 1:
        return noun
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}{'es' if noun.endswith(('ch', 's', 'sh', 'x')) else 's'}"


_SECONDS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hr": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
    "w": 604800,
    "week": 604800,
}
_WRITTEN = LazyPattern(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([A-Za-z]+)\s*\Z")
#: Maximum duration, in seconds. With a longer one, a computed date could exceed the range of datetime.
_LONGEST_SECONDS = 100 * 366 * 86400


def parse_duration(text: object) -> timedelta:
    """Parse a duration. Raises ValueError with what to write instead.

    >>> parse_duration("90 seconds"), parse_duration("30d")
    (datetime.timedelta(seconds=90), datetime.timedelta(days=30))
    """
    if isinstance(text, timedelta):
        return text
    written = str(text)
    match = _WRITTEN.match(written)
    if not match:
        if re.fullmatch(r"\s*[0-9]+(\.[0-9]+)?\s*", written):
            *units, last = (f"{written.strip()} {unit}" for unit in ("seconds", "minutes", "hours", "days"))
            raise ValueError(f"a length of time needs a unit: {', '.join(units)} or {last}")
        raise ValueError("a length of time is a number and a unit: 90 seconds, 5 minutes, 2 hours, 30d")
    number, unit = float(match[1]), match[2].lower()
    seconds = _SECONDS.get(unit) or _SECONDS.get(unit.removesuffix("s"))
    if seconds is None:
        raise ValueError(f'"{match[2]}" is not a unit of time: use seconds, minutes, hours, days or weeks')
    if number * seconds > _LONGEST_SECONDS:
        raise ValueError("a length of time is at most a hundred years")
    return timedelta(seconds=number * seconds)


def format_duration(duration: timedelta) -> str:
    """Return the duration in the largest unit that is exact: “2 hours”, “90 seconds”.

    >>> format_duration(timedelta(hours=2)), format_duration(timedelta(seconds=90))
    ('2 hours', '90 seconds')
    """
    seconds = duration.total_seconds()
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        number = seconds / size
        if number >= 1 and number == int(number):
            # Write the number without commas, so that the result is valid in a configuration file.
            return f"{int(number)} {pluralize(int(number), unit)}"
    return f"{seconds:g} seconds"


def is_recent(when: datetime | None, age: timedelta, now: datetime) -> bool:
    """Return whether a time is less than ``age`` ago. None is not recent.

    A time in the future is not recent either: the clock was set back, and nothing must wait until it has caught up.
    """
    return when is not None and timedelta() <= now - when < age


#: Limits of the wait after a failure. The maximum ensures that a channel that works again is noticed within a minute.
SHORTEST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(seconds=60)


def backoff(failures: int) -> timedelta:
    """Return the wait after a number of failures: 2 s, doubled with each failure, at most a minute.

    >>> [backoff(n).seconds for n in range(7)]
    [2, 4, 8, 16, 32, 60, 60]
    """
    doublings: int = 2 ** min(failures, 10)
    return min(SHORTEST_WAIT * doublings, LONGEST_WAIT)


class Clock(Protocol):
    """The current time, and waiting."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""

    async def sleep(self, duration: timedelta) -> None:
        """Wait; return at once for a negative duration."""


def format_rough(duration: timedelta) -> str:
    """Format a duration in its largest unit, rounded down: “5 min”. A negative one is “0 s”."""
    seconds = max(0, int(duration.total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
