"""The date over an article as it is written for people, in digits or in words: "2. Dezember 2015, 9:30", "3 days ago".

Names and orders are Babel's. Knows no clock: a day without its year is a date only where it is known when it was seen.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

from bot.language import dates
from bot.language.words import fold

if TYPE_CHECKING:
    from babel import Locale

#: Read as of two days far apart, what says its own year is the same day.
_ONE_DAY, _OTHER_DAY = date(2001, 2, 3), date(2010, 8, 15)
_TIME = re.compile(
    r"(오전|午前|上午|오후|午後|下午)?\s*(?<![\d.])([01]?\d|2[0-3])[:.h]([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?(?![\d.])"
    r"\s*([ap]\.?m\b)?",
    re.IGNORECASE,
)
#: Hours before UTC; the library knows those of America only.
_ZONES = {
    "EST": -5, "EDT": -4, "ET": -5, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "BST": 1,
    "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "PKT": 5, "IST": 5.5, "WIB": 7, "SGT": 8, "JST": 9, "KST": 9,
}  # fmt: skip
_ZONE = re.compile(rf"\s*(?:(?:GMT|UTC)?([+-])([01]\d):?([0-5]\d)\b|({'|'.join(_ZONES)})\b)")
#: The library takes "3:05 pm" for the night's, and "9:00 CEST" and "9:00 +02:00" for one of Greenwich.
_ODD = re.compile(rf"\d\s*(?:[ap]\.?m\b|(?:{'|'.join(_ZONES)})\b|[+-]\d\d:)", re.IGNORECASE)
_AFTERNOON = frozenset(("오후", "午後", "下午", "pm", "p.m"))
#: 2015/12/2, 2015. 12. 2., 2015년 12월 2일
_YEAR_FIRST = re.compile(r"(?<!\d)((?:19|20)\d\d)\s?[-/.年년]\s*(\d{1,2})\s?[-/.月월]\s*(\d{1,2})(?!\d)")
_YEAR_LAST = re.compile(r"(?<![\d/.-])(\d{1,2})([-/.])(\d{1,2})\2((?:19|20)?\d\d)(?![\d-])")
_BETWEEN_WORDS = re.compile(r"[\s,.;:()/|–-]+|(?<=\d)T\b")
_UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
#: Numbers of which at least one stands for each plural form of a language.
_COUNTS = (1, 2, 3, 5, 11, 21)
_MAX_LENGTH = 200


def parsed(text: str, language: str, seen: datetime | None = None) -> datetime | None:
    """In UTC; None: no date, or one that tells a day only to those who know when it was ``seen``.

    >>> parsed("Mittwoch, 2. Dezember 2015, 09:30 Uhr", "de")
    datetime.datetime(2015, 12, 2, 9, 30, tzinfo=datetime.timezone.utc)
    """
    text = "".join(str(unicodedata.decimal(each, each)) for each in text[:_MAX_LENGTH].strip()).replace("،", ",")
    for read in (datetime.fromisoformat, parsedate_to_datetime)[: 1 if _ODD.search(text) else 2]:
        try:
            return _aware(read(text))
        except (ValueError, TypeError, IndexError, OverflowError):
            pass
    try:
        # "2015.12.02" has a clock's look too.
        numeric = _numeric(text, language)
        rest = text if numeric is None else text[: numeric[1]] + " " + text[numeric[2] :]
        clock = _TIME.search(rest)
        day = numeric[0] if numeric else _in_words(rest, clock, language, seen)
        if day is not None:
            return _aware(datetime.combine(day, *_time(rest, clock)))
        ago = _ago(text, language) if seen else None
        return (seen - ago).replace(second=0, microsecond=0) if seen and ago else None
    except (ValueError, OverflowError):
        return None


def _aware(when: datetime) -> datetime:
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)


def _time(text: str, found: re.Match[str] | None) -> tuple[time, timezone]:
    if found is None:
        return time(), UTC
    half = (found[1] or found[5] or "").lower()
    hours = int(found[2]) % 12 + 12 * (half in _AFTERNOON) if half else int(found[2])
    zone = _ZONE.match(text, found.end())
    offset = timedelta()
    if zone:
        offset = timedelta(hours=_ZONES[zone[4]] if zone[4] else int(zone[2]), minutes=int(zone[3] or 0))
    return time(hours, int(found[3]), int(found[4] or 0)), timezone(-offset if zone and zone[1] == "-" else offset)


def _numeric(text: str, language: str) -> tuple[date, int, int] | None:
    """The day, and where it stands. Raises ValueError for one that no calendar has."""
    if found := _YEAR_FIRST.search(text):
        return date(int(found[1]), int(found[2]), int(found[3])), found.start(), found.end()
    found = _YEAR_LAST.search(text)
    if found is None:
        return None
    one, other, year = int(found[1]), int(found[3]), int(found[4])
    is_month_first = False if found[2] == "." else _is_month_first(language)
    if is_month_first is None:
        if max(one, other) <= 12 and one != other:
            return None
        is_month_first = other > 12
    month, day = (one, other) if is_month_first else (other, one)
    return date(year if year > 99 else 2000 + year, month, day), found.start(), found.end()


@cache
def _is_month_first(language: str) -> bool | None:
    """Whether a language writes 12/2 for 2 December; None: it has no one order, as English of no country."""
    locale = _locale(language)
    if locale is None or str(locale) == "en":
        return None
    pattern: str = locale.date_formats["short"].pattern
    return 0 <= pattern.find("M") < pattern.find("d")


def _in_words(text: str, clock: re.Match[str] | None, language: str, seen: datetime | None) -> date | None:
    text = text[: clock.start()] + " " + text[clock.end() :] if clock else text
    name = language.replace("_", "-").partition("-")[0].lower() or "en"
    if day := _in_any_order(text, name):
        return day
    one, other = (
        next((day for day in dates.days(text, when, name) if day.day and not day.is_relative), None)
        for when in (_ONE_DAY, _OTHER_DAY)
    )
    if one is not None and one == other:
        return one.begins()
    if seen is None:
        return None
    found = [day for day in dates.days(text, seen.date(), name) if day.day]
    if not found:
        return None
    near = min(found, key=lambda each: each.is_relative)
    # A headline's day is not to come: one of the next days may be, in another zone.
    day = near.begins()
    if day <= seen.date() + timedelta(days=1):
        return day
    return day - timedelta(days=7) if near.is_relative else day.replace(year=day.year - 1)


def _in_any_order(text: str, name: str) -> date | None:
    """Of one year, one name of a month and the number beside it: "2015. december 2."."""
    words = [word for word in _BETWEEN_WORDS.split(text) if word]
    names = dates.months(name)
    months = [place for place, word in enumerate(words) if fold(word) in names]
    years = {int(word) for word in words if re.fullmatch(r"(?:19|20)\d\d", word)}
    if len(months) != 1 or len(years) != 1:
        return None
    beside = [word for word in words[max(0, months[0] - 1) : months[0] + 2] if re.fullmatch(r"\d{1,2}", word)]
    return date(years.pop(), names[fold(words[months[0]])], int(beside[0])) if len(beside) == 1 else None


def _ago(text: str, language: str) -> timedelta | None:
    for pattern, unit in _phrases(language):
        if found := pattern.search(text):
            return int(found[1]) * unit
    return None


@cache
def _phrases(language: str) -> tuple[tuple[re.Pattern[str], timedelta], ...]:
    from babel.dates import format_timedelta

    found: dict[tuple[str, str], timedelta] = {}
    for locale, unit, count in product(filter(None, map(_locale, (language, "en"))), _UNITS, _COUNTS):
        said = format_timedelta(-count * _UNITS[unit], unit, threshold=1e9, add_direction=True, locale=locale)  # type: ignore[arg-type]  # one of the names
        before, number, after = said.partition(str(count))
        if number:
            found.setdefault((before.strip(), after.strip()), _UNITS[unit])
    return tuple(
        (re.compile(rf"{re.escape(before)}\s?(?<!\d)(\d{{1,3}})\s?{re.escape(after)}", re.IGNORECASE), unit)
        for (before, after), unit in found.items()
    )


def _locale(language: str) -> Locale | None:
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        return None
