"""The date over an article as it is written for people, in digits or in words: "2. Dezember 2015, 9:30", "3 days ago".

Knows no clock: a day without its year is a date only where it is known when it was seen.
"""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from bot.language import dates, lexicon

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

#: What is the same read as of both says its own year; what is as far from both is counted from the reader's day.
_BASES = (datetime(2001, 2, 3, 12, tzinfo=UTC), datetime(2010, 8, 15, 13, 30, tzinfo=UTC))
_MAX_LENGTH = 200
#: What dateparser does not read beside the day: it has no hour 24, no second 60, and one language's words alone.
_CLOCK = re.compile(
    r"(?<![\d:.])(\d{1,2}):([0-5]\d)(?::([0-6]\d)(?:\.\d{1,6})?)?(?:\s?([ap])\.?m\b)?"
    r"(?:\s?([+-])(\d\d):?([0-5]\d))?(?![\d:])",
    re.IGNORECASE,
)
#: Dates in words of one document: each takes up to 15 ms, and a document at most some seconds.
_MOST = 150


class OfDocument:
    """The dates of one document, in its order: those in words that come after very many others are not read."""

    def __init__(self) -> None:
        self._left = _MOST
        self._read: dict[tuple[str, str, datetime | None], datetime | None] = {}

    def parsed(self, text: str, language: str, seen: datetime | None = None) -> datetime | None:
        """As ``parsed`` of this module; None too for one in words after very many others."""
        with contextlib.suppress(ValueError, OverflowError):
            return _in_digits(_plain(text))
        said = (_plain(text), language, seen)
        if said not in self._read and self._left > 0:
            self._left -= 1
            self._read[said] = _in_words(*said)
        return self._read.get(said)


def parsed(text: str, language: str, seen: datetime | None = None) -> datetime | None:
    """In UTC; None: no date, or one that tells a day only to those who know when it was ``seen``.

    >>> parsed("Mittwoch, 2. Dezember 2015, 09:30 Uhr", "de")
    datetime.datetime(2015, 12, 2, 9, 30, tzinfo=datetime.timezone.utc)
    """
    return OfDocument().parsed(text, language, seen)


def _plain(text: str) -> str:
    # Of the zones that are called so, India's has most of the news.
    return text[:_MAX_LENGTH].strip().replace(" IST", " +05:30")


def _in_words(text: str, language: str, seen: datetime | None) -> datetime | None:
    if not any(letter.isdigit() for letter in text) and seen is None:
        return None
    one = _read(text, language, 0)
    other = _read(text, language, 1) if one is not None else None
    try:
        return _whole_in(text, language) if one is None or other is None else _settled(text, one, other, seen)
    except (ValueError, OverflowError):
        return None


def _in_digits(text: str) -> datetime:
    """Raises ValueError, OverflowError."""
    whole = datetime.fromisoformat(text)
    return (whole if whole.tzinfo else whole.replace(tzinfo=UTC)).astimezone(UTC)


def _read(text: str, language: str, base: int) -> datetime | None:
    """As of one of the bases; None too where the countries of a language differ."""
    for parsers in _parsers(language, base):
        found = {parser.get_date_data(text).date_obj for parser in parsers}
        if found != {None}:
            return found.pop() if len(found) == 1 else None
    return None


def _settled(text: str, one: datetime, other: datetime, seen: datetime | None) -> datetime | None:
    one, other = one.astimezone(UTC), other.astimezone(UTC)
    if one == other:
        return one.replace(microsecond=0)
    if seen is None:
        return None
    base, last = _BASES
    if one - base == other - last:
        return (seen + (one - base)).replace(second=0, microsecond=0)
    if one.date() - base.date() == other.date() - last.date():
        return datetime.combine(seen.date() + (one.date() - base.date()), one.timetz())
    if not any(letter.isdigit() for letter in text):
        return None  # a weekday
    # A headline's day is not to come; one of tomorrow may be, in another zone.
    day = one.replace(year=seen.year)
    return day if day <= seen + timedelta(days=1) else day.replace(year=seen.year - 1)


def _whole_in(text: str, language: str) -> datetime | None:
    """A whole day among other words, with its time of day: "Published on 2 December 2015 at 9:30"."""
    name = language.replace("_", "-").partition("-")[0].lower() or "en"
    one, other = (
        next((day for day in dates.days(text, base.date(), name) if day.day and not day.is_relative), None)
        for base in _BASES
    )
    if one is None or one != other:
        return None
    begins = datetime.combine(one.begins(), datetime.min.time(), UTC)
    times = _CLOCK.findall(text[: one.start] + " " * (one.end - one.start) + text[one.end :])
    return begins + (_since_midnight(*times[0]) if len(times) == 1 else timedelta())


def _since_midnight(hour: str, minute: str, second: str, half: str, sign: str, hours: str, minutes: str) -> timedelta:
    """In UTC; nothing of an hour that no day has."""
    whole = int(hour) % 12 + 12 * (half in "pP") if half else int(hour)
    since = timedelta(hours=whole, minutes=int(minute), seconds=min(int(second or 0), 59))
    ahead = timedelta(hours=int(f"{sign}{hours or 0}"), minutes=int(f"{sign}{minutes or 0}"))
    return since - ahead if since <= timedelta(days=1) else timedelta()


@lru_cache(maxsize=lexicon.MOST_LANGUAGES)
def _parsers(language: str, base: int) -> tuple[tuple[DateDataParser, ...], ...]:
    """Those of the language, then those of English, which must agree among each other."""
    # 0.3 s, which few processes need.
    from dateparser.data import languages_info
    from dateparser.date import DateDataParser

    settings = {
        "RELATIVE_BASE": _BASES[base].replace(tzinfo=None),
        "TIMEZONE": "UTC",
        "TO_TIMEZONE": "UTC",
        "RETURN_AS_TIMEZONE_AWARE": True,
        "REQUIRE_PARTS": ["day", "month"],
    }
    name, _, country = language.replace("_", "-").partition("-")
    countries = [country.upper()] if len(country) == 2 else ["US", "GB"] if name == "en" else [None]
    wanted = ((name.lower(), countries), ("en", ["US", "GB"]))
    return tuple(
        tuple(DateDataParser(languages=[each], region=region, settings=settings) for region in regions)
        for each, regions in wanted
        if each in languages_info.language_order
    )
