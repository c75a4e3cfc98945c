"""Dates as articles write them ("30 November 2015", "Nov 30") and as pages print them above an article."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from bot.text import lexicon
from bot.text.words import fold

if TYPE_CHECKING:
    from dateparser.date import DateDataParser


#: A bare weekday that is this near behind and this far ahead is the one behind.
_RECENT_DAYS = 1
#: Characters before a day in which a word tells that it is still to come.
_REACH = 60
_LONGEST_WORD = 20


@dataclass(frozen=True, slots=True)
class Day:
    """A day, month or year of the calendar and where the sentence writes it; what is not said is None."""

    year: int
    month: int | None
    day: int | None
    start: int
    end: int
    #: "Monday", "tomorrow": counted from the day of writing.
    is_relative: bool = False
    #: "tomorrow": another version of the sentence, a day later, says "today".
    moves: bool = False

    def agrees_with(self, other: Day) -> bool:
        """Nothing that both say differs: "December" agrees with "30 December"."""
        if self.year != other.year:
            return False
        if self.month is None or other.month is None:
            return self.month == other.month
        return self.month == other.month and (self.day is None or other.day is None or self.day == other.day)

    def may_follow(self, when: date) -> bool:
        """Some of it is on that day or later."""
        return (self.year, self.month or 12, self.day or 31) >= (when.year, when.month, when.day)

    def begins(self) -> date:
        """Its first day."""
        return date(self.year, self.month or 1, self.day or 1)

    def shown(self, when: date) -> str:
        """For people, in one form whatever the article's: "30 December", with the year where it is another."""
        parts = [str(self.day)] if self.day else []
        if self.month:
            parts.append(date(2000, self.month, 1).strftime("%B"))
        if self.year != when.year or not self.month:
            parts.append(str(self.year))
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class _Names:
    """What a language calls its months and weekdays, folded; and how it may write a date."""

    months: dict[str, int]
    weekdays: dict[str, int]
    #: Months that are always written with a capital: "May".
    capitals: frozenset[str]
    pattern: re.Pattern[str]


@lru_cache(maxsize=lexicon.MOST_LANGUAGES)
def _names(language: str) -> _Names:
    # Babel's tables are read when the first article in a language comes: 30 MB on disk, 5 ms a language.
    from babel import Locale, UnknownLocaleError

    months: dict[str, int] = {}
    weekdays: dict[str, int] = {}
    written: set[str] = set()
    for name in dict.fromkeys((language, "en")):
        try:
            locale = Locale.parse(name)
        except (UnknownLocaleError, ValueError, TypeError):
            continue
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, month in locale.months[context][width].items():
                    bare = month.rstrip(".")
                    if len(bare) > 1 and not bare[0].isdigit():
                        written.add(bare)
                        months.setdefault(fold(bare), number)
            for number, weekday in locale.days[context]["wide"].items():
                weekdays.setdefault(fold(weekday), number)
    for extra, number in (("Sept", 9), ("Dez", 12), ("Okt", 10)):
        written.add(extra)
        months.setdefault(extra.lower(), number)
    return _Names(
        months,
        weekdays,
        frozenset(fold(each) for each in written if each[0].isupper() and each.lower() not in written),
        _pattern(written, weekdays, language),
    )


def months(language: str) -> dict[str, int]:
    """The names of the months, long and short, folded, with their numbers; English ones too."""
    return _names(language).months


def weekdays(language: str) -> dict[str, int]:
    """The names of the weekdays, folded; Monday is 0."""
    return _names(language).weekdays


def _pattern(months: set[str], weekdays: dict[str, int], language: str) -> re.Pattern[str]:
    def any_of(names: set[str] | dict[str, int]) -> str:
        return "|".join(sorted(map(re.escape, names), key=len, reverse=True))

    month = f"(?i:{any_of(months)})"
    today = any_of(set(_relative(language)) | set(_relative("en")))
    # Nothing else begins a day: most words of a sentence are passed over by two letters.
    starts = any_of({each[:2] for each in (*months, *weekdays, *_relative(language), *_relative("en"))})
    full = f"(?i:{any_of({each for each in months if len(each) > 4} | {'May', 'June', 'July'})})"
    return re.compile(
        rf"(?<![\w/-])(?=\d|(?i:{starts}|next|this|last|past))(?:(?P<iso>(?:19|20)\d\d-\d\d-\d\d)(?![\d-])"
        rf"|(?:(?P<cjk_year>\d{{4}})年)?(?P<cjk_month>\d{{1,2}})月(?P<cjk_day>\d{{1,2}})日"
        rf"|(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|[.º])?\s+(?:of\s+|de\s+)?(?P<month>{month})\b\.?"
        rf"(?:,?\s+(?:del?\s+)?(?P<year>(?:19|20)\d\d))?"
        rf"|(?P<month2>{month})\.?\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?![\d%:]|[.,]\d)(?:,?\s+(?P<year2>(?:19|20)\d\d))?\b"
        rf"|(?P<month3>{month})\.?,?\s+(?:of\s+|de\s+)?(?P<year3>(?:19|20)\d\d)\b"
        rf"|(?P<month4>{full})\b(?!\.?\s+\d)|(?P<year5>(?:19|20)\d\d)\b(?![-–]\d|,\d| [a-z]+s\b)"
        rf"|(?P<which>(?i:next |this |last |past )?)(?P<weekday>(?i:{any_of(weekdays)}))\b"
        rf"|(?P<relative>(?i:{today}))\b"
        rf"|(?P<slashed>\d{{1,2}}[/.]\d{{1,2}}[/.](?:19|20)\d\d)\b)"
    )


@lru_cache(maxsize=lexicon.MOST_LANGUAGES)
def _relative(language: str) -> dict[str, int]:
    table = lexicon.of(language).tables.get("today", lexicon.Table())
    return {word: int(value[0]) for word, value in table.whole.items()}


def days(plain: str, written: date, language: str = "en") -> tuple[Day, ...]:
    """The days of a sentence in order."""
    return tuple(_days(plain, written, language))


def _days(plain: str, written: date, language: str) -> Iterator[Day]:
    names = _names(language)
    at = 0
    while found := names.pattern.search(plain, at):
        at = found.end()
        month = found["month"] or found["month2"] or found["month3"] or found["month4"]
        if month and fold(month) in names.capitals and not month[0].isupper():
            continue
        if (found["month4"] or found["year5"]) and not _may_precede(language, plain[: found.start()]):
            continue
        parts = _parts(found, names, plain, written, language)
        if parts is not None and _exists(*parts):
            yield Day(
                *parts, found.start(), found.end(), bool(found["weekday"] or found["relative"]), bool(found["relative"])
            )


def _may_precede(language: str, before: str) -> bool:
    """A month or a year without more is a date after "in" or "until"."""
    near = before[-_LONGEST_WORD:].replace("-", " ")
    last = near.split()[-1:] if near.endswith((" ", "\n")) else []
    return any(lexicon.of(each).has("date-in", fold(word)) for word in last for each in (language, "en"))


def _exists(year: int, month: int | None, day: int | None) -> bool:
    try:
        date(year, month or 1, day or 1)
    except ValueError:
        return False
    return True


def _parts(
    found: re.Match[str], names: _Names, plain: str, written: date, language: str
) -> tuple[int, int | None, int | None] | None:
    if found["iso"]:
        year, month, day = found["iso"].split("-")
        return int(year), int(month), int(day)
    if found["cjk_day"]:
        return int(found["cjk_year"] or written.year), int(found["cjk_month"]), int(found["cjk_day"])
    if found["slashed"]:
        return _slashed(found["slashed"])
    before = plain[: found.start()]
    if found["weekday"] or found["relative"]:
        near = _near(found, names, before, written, language)
        return near.year, near.month, near.day
    if found["year5"]:
        return int(found["year5"]), None, None
    name = found["month"] or found["month2"] or found["month3"] or found["month4"]
    number, year = found["day"] or found["day2"], found["year"] or found["year2"] or found["year3"]
    in_year = names.months[fold(name)]
    return (
        int(year) if year else _year(in_year, written, is_ahead=_looks_ahead(before, language)),
        in_year,
        int(number) if number else None,
    )


def _slashed(text: str) -> tuple[int, int, int] | None:
    """ "30/12/2015" and "12/30/2015"; None where both readings exist."""
    one, other, year = (int(part) for part in re.split(r"[/.]", text))
    if "." in text or one > 12:
        return year, other, one
    return (year, one, other) if other > 12 or one == other else None


def _year(month: int, written: date, *, is_ahead: bool) -> int:
    """A month without its year is the nearest one, and rather a coming one where the sentence looks ahead."""
    ahead = (month - written.month) % 12
    is_coming = ahead <= (9 if is_ahead else 6)
    years, _ = divmod(written.month - 1 + (ahead if is_coming else ahead - 12), 12)
    return written.year + years


def _looks_ahead(before: str, language: str) -> bool:
    table = lexicon.of(language)
    return any(table.has("ahead", fold(word)) for word in re.findall(r"[^\W\d_]+", before[-_REACH:]))


def _near(found: re.Match[str], names: _Names, before: str, written: date, language: str) -> date:
    if found["relative"]:
        word = fold(found["relative"])
        return written + timedelta(days=_relative(language).get(word, _relative("en").get(word, 0)))
    which = found["which"].strip().lower()
    ahead = (names.weekdays[fold(found["weekday"])] - written.weekday()) % 7
    beside = re.findall(r"[^\W\d_]+", before[-20:])[-1:]
    is_beside = bool(beside) and fold(beside[0]) in _COMING_BESIDE
    is_coming = which in {"next", "this"} or is_beside or _looks_ahead(before, language)
    if 0 < 7 - ahead <= _RECENT_DAYS:
        # "will sign the bill that passed Wednesday", written on Thursday.
        is_coming = which == "next" or is_beside
    if which in {"last", "past"} or not is_coming:
        return written - timedelta(days=(-ahead) % 7)
    return written + timedelta(days=ahead)


#: Right before a weekday they say that it comes.
_COMING_BESIDE = frozenset("by until till before next due hasta antes del jusqu avant bis ate entro prima tot".split())


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


class DocumentDates:
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


def parse_dateline(text: str, language: str, seen: datetime | None = None) -> datetime | None:
    """In UTC; None: no date, or one that tells a day only to those who know when it was ``seen``.

    >>> parsed("Mittwoch, 2. Dezember 2015, 09:30 Uhr", "de")
    datetime.datetime(2015, 12, 2, 9, 30, tzinfo=datetime.timezone.utc)
    """
    return DocumentDates().parsed(text, language, seen)


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
        next((day for day in days(text, base.date(), name) if day.day and not day.is_relative), None) for base in _BASES
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
