"""Parse dates in sentences ("30 November 2015", "Nov 30") and datelines that pages print above an article."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec

from bot.patterns import LazyPattern
from bot.text import lexicon
from bot.text.words import fold_word

if TYPE_CHECKING:
    from dateparser.date import DateDataParser


#: A weekday that was at most this many days ago means that day, not a day almost a week ahead.
_RECENT_DAYS = 1
#: Maximum characters between a weekday and its date: "Saturday, 30 January".
_OF_DATE = 2
#: Number of characters before a date that are searched for a word such as "will".
_REACH = 60
_LONGEST_WORD = 20


#: Parts of a year that are written before it without "of".
_LOOSE_PARTS = ("early", "mid", "late")
#: A part of a year in English: "the second half of 2027", "early 2027", "Q3 2027".
_PART = LazyPattern(
    r"\b(?:(?P<which>first|second|third|fourth|1st|2nd|3rd|4th) (?P<unit>half|quarter) of (?:the year |fiscal )?"
    r"|(?P<loose>early|mid|late)[- ](?:in )?|(?P<letter>[QH])(?P<number>[1-4])(?: of)? )(?P<year>(?:19|20)\d\d)\b",
    re.IGNORECASE,
)


_ORDINALS = {"1": "first", "2": "second", "3": "third", "4": "fourth"}


class Day(msgspec.Struct, frozen=True):
    """A day, month or year, and its position in the sentence. Parts that the sentence omits are None."""

    year: int
    month: int | None
    day: int | None
    start: int
    end: int
    #: Whether the date is relative to the day of writing ("Monday", "tomorrow").
    is_relative: bool = False
    #: Whether the word changes if the sentence is repeated a day later ("tomorrow" becomes "today").
    moves: bool = False
    #: The part of the year: "first half", "third quarter", "early"; empty for the whole year or a shorter time.
    part: str = ""

    def agrees_with(self, other: Day) -> bool:
        """Return whether the dates are equal. A missing day equals any day ("December" agrees with "30 December").

        Two parts of a year are equal only if they have the same name.
        """
        if self.year != other.year or (self.part and other.part and self.part != other.part):
            return False
        if self.month is None or other.month is None:
            return self.month == other.month
        return self.month == other.month and (self.day is None or other.day is None or self.day == other.day)

    def may_follow(self, when: date) -> bool:
        """Return whether the last day of this period is on or after ``when``."""
        return (self.year, self.month or 12, self.day or 31) >= (when.year, when.month, when.day)

    def begins(self) -> date:
        """Return the first day of this period."""
        return date(self.year, self.month or 1, self.day or 1)

    def shown(self, when: date) -> str:
        """Format the date for readers ("30 December"). Add the year if it is not the year of ``when``."""
        if self.part:
            return f"{self.part}{' ' if self.part in _LOOSE_PARTS else ' of '}{self.year}"
        parts = [str(self.day)] if self.day else []
        if self.month:
            parts.append(date(2000, self.month, 1).strftime("%B"))
        if self.year != when.year or not self.month:
            parts.append(str(self.year))
        return " ".join(parts)


class _Names(msgspec.Struct, frozen=True):
    """The folded month and weekday names of a language, and the pattern of its dates."""

    months: dict[str, int]
    weekdays: dict[str, int]
    #: Months that count as dates only if they have a capital, such as "May".
    capitals: frozenset[str]
    pattern: re.Pattern[str]


@lru_cache(maxsize=lexicon.MOST_LANGUAGES)
def _names(language: str) -> _Names:
    # Import here, because Babel takes 5 ms and is needed only at the first article in a language.
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
                        months.setdefault(fold_word(bare), number)
            for number, weekday in locale.days[context]["wide"].items():
                weekdays.setdefault(fold_word(weekday), number)
    for extra, number in (("Sept", 9), ("Dez", 12), ("Okt", 10)):
        written.add(extra)
        months.setdefault(extra.lower(), number)
    return _Names(
        months,
        weekdays,
        frozenset(fold_word(name) for name in written if name[0].isupper() and name.lower() not in written),
        _pattern(written, weekdays, language),
    )


def months(language: str) -> dict[str, int]:
    """Return the number of each month by its folded names, long and short, including the English ones."""
    return _names(language).months


def weekdays(language: str) -> dict[str, int]:
    """Return the number of each weekday by its folded name; Monday is 0."""
    return _names(language).weekdays


def _pattern(months: set[str], weekdays: dict[str, int], language: str) -> re.Pattern[str]:
    def any_of(names: set[str] | dict[str, int]) -> str:
        return "|".join(sorted(map(re.escape, names), key=len, reverse=True))

    month = f"(?i:{any_of(months)})"
    today = any_of(set(_relative(language)) | set(_relative("en")))
    # Check the first two letters of month and day names first, so that most words are skipped quickly.
    starts = any_of({word[:2] for word in (*months, *weekdays, *_relative(language), *_relative("en"))})
    full = f"(?i:{any_of({name for name in months if len(name) > 4} | {'May', 'June', 'July'})})"
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
    """Return the dates that a sentence mentions, in order; ``written`` is the day of writing."""
    parts = [_part_of_year(match) for match in _PART.finditer(plain)]
    whole = [
        day
        for day in _days(plain, written, language)
        if not any(day.start < part.end and part.start < day.end for part in parts)
    ]
    # In "Saturday 30 January", the weekday belongs to the date.
    dated = [
        day
        for day, following in zip_longest(whole, whole[1:])
        if not (day.is_relative and following and not following.is_relative and following.start - day.end <= _OF_DATE)
    ]
    return tuple(sorted((*dated, *parts), key=lambda day: day.start))


def _part_of_year(match: re.Match[str]) -> Day:
    if match["loose"]:
        part = match["loose"].lower()
    elif match["letter"]:
        part = f"{_ORDINALS[match['number']]} {'quarter' if match['letter'] in 'Qq' else 'half'}"
    else:
        which = match["which"].lower()
        part = f"{_ORDINALS.get(which[0], which)} {match['unit'].lower()}"
    return Day(int(match["year"]), None, None, match.start(), match.end(), part=part)


def _days(plain: str, written: date, language: str) -> Iterator[Day]:
    names = _names(language)
    at = 0
    while match := names.pattern.search(plain, at):
        at = match.end()
        month = match["month"] or match["month2"] or match["month3"] or match["month4"]
        if month and fold_word(month) in names.capitals and not month[0].isupper():
            continue
        if (match["month4"] or match["year5"]) and not _may_precede(language, plain[: match.start()]):
            continue
        parts = _parts(match, names, plain, written, language)
        if parts is not None and _exists(*parts):
            yield Day(
                *parts, match.start(), match.end(), bool(match["weekday"] or match["relative"]), bool(match["relative"])
            )


def _may_precede(language: str, text_before: str) -> bool:
    """Return whether a month or year after this text is a date, because the text ends in a word such as "in"."""
    last_words = text_before[-_LONGEST_WORD:].replace("-", " ")
    last = last_words.split()[-1:] if last_words.endswith((" ", "\n")) else []
    return any(lexicon.of(code).has("date-in", fold_word(word)) for word in last for code in (language, "en"))


def _exists(year: int, month: int | None, day: int | None) -> bool:
    try:
        date(year, month or 1, day or 1)
    except ValueError:
        return False
    return True


def _parts(
    match: re.Match[str], names: _Names, plain: str, written: date, language: str
) -> tuple[int, int | None, int | None] | None:
    if match["iso"]:
        year, month, day = match["iso"].split("-")
        return int(year), int(month), int(day)
    if match["cjk_day"]:
        return int(match["cjk_year"] or written.year), int(match["cjk_month"]), int(match["cjk_day"])
    if match["slashed"]:
        return _slashed(match["slashed"])
    text_before = plain[: match.start()]
    if match["weekday"] or match["relative"]:
        day_date = _relative_date(match, names, text_before, written, language)
        return day_date.year, day_date.month, day_date.day
    if match["year5"]:
        return int(match["year5"]), None, None
    name = match["month"] or match["month2"] or match["month3"] or match["month4"]
    number, year = match["day"] or match["day2"], match["year"] or match["year2"] or match["year3"]
    in_year = names.months[fold_word(name)]
    return (
        int(year) if year else _year(in_year, written, is_ahead=_looks_ahead(text_before, language)),
        in_year,
        int(number) if number else None,
    )


def _slashed(text: str) -> tuple[int, int, int] | None:
    """Parse "30/12/2015" or "12/30/2015". Return None if both orders are possible."""
    first, second, year = (int(part) for part in re.split(r"[/.]", text))
    if "." in text or first > 12:
        return year, second, first
    return (year, first, second) if second > 12 or first == second else None


def _year(month: int, written: date, *, is_ahead: bool) -> int:
    """Return the nearest year for a month without a year; prefer the future if the sentence looks ahead."""
    ahead = (month - written.month) % 12
    is_coming = ahead <= (9 if is_ahead else 6)
    years, _ = divmod(written.month - 1 + (ahead if is_coming else ahead - 12), 12)
    return written.year + years


def _looks_ahead(text_before: str, language: str) -> bool:
    table = lexicon.of(language)
    return any(table.has("ahead", fold_word(word)) for word in re.findall(r"[^\W\d_]+", text_before[-_REACH:]))


def _relative_date(match: re.Match[str], names: _Names, text_before: str, written: date, language: str) -> date:
    if match["relative"]:
        word = fold_word(match["relative"])
        return written + timedelta(days=_relative(language).get(word, _relative("en").get(word, 0)))
    which = match["which"].strip().lower()
    ahead = (names.weekdays[fold_word(match["weekday"])] - written.weekday()) % 7
    previous_word = re.findall(r"[^\W\d_]+", text_before[-20:])[-1:]
    follows_coming_word = bool(previous_word) and fold_word(previous_word[0]) in _COMING_BESIDE
    is_coming = which in {"next", "this"} or follows_coming_word or _looks_ahead(text_before, language)
    if 0 < 7 - ahead <= _RECENT_DAYS:
        # On Thursday, the sentence "will sign the bill that passed Wednesday" means yesterday.
        is_coming = which == "next" or follows_coming_word
    if which in {"last", "past"} or not is_coming:
        return written - timedelta(days=(-ahead) % 7)
    return written + timedelta(days=ahead)


#: Words directly before a weekday that put it in the future.
_COMING_BESIDE = frozenset("by until till before next due hasta antes del jusqu avant bis ate entro prima tot".split())


#: Each text is parsed relative to both dates. If the results are equal, the text contains a year. If their distances
#: from the bases are equal, the text is relative.
_BASES = (datetime(2001, 2, 3, 12, tzinfo=UTC), datetime(2010, 8, 15, 13, 30, tzinfo=UTC))
_MAX_LENGTH = 200
#: A time of day in a text that dateparser rejects (hour 24, second 60, words of two languages).
_CLOCK = LazyPattern(
    r"(?<![\d:.])(\d{1,2}):([0-5]\d)(?::([0-6]\d)(?:\.\d{1,6})?)?(?:\s?([ap])\.?m\b)?"
    r"(?:\s?([+-])(\d\d):?([0-5]\d))?(?![\d:])",
    re.IGNORECASE,
)
#: Maximum dates in words that are parsed per document; each takes up to 15 ms.
_MOST = 100


class DocumentDates:
    """Parses the dates of one document, but at most ``_MOST`` dates in words."""

    def __init__(self) -> None:
        self._left = _MOST
        self._read: dict[tuple[str, str, datetime | None], datetime | None] = {}

    def parsed(self, text: str, language: str, first_seen: datetime | None = None) -> datetime | None:
        """Return the date in a line, in UTC, or None if it has no date or the limit of dates in words is used up.

        ``first_seen`` is when the document was first seen. Without it, return None for a relative date and for a date
        without a year.

        >>> DocumentDates().parsed("Mittwoch, 2. Dezember 2015, 09:30 Uhr", "de")
        datetime.datetime(2015, 12, 2, 9, 30, tzinfo=datetime.timezone.utc)
        """
        with contextlib.suppress(ValueError, OverflowError):
            return _in_digits(_plain(text))
        key = (_plain(text), language, first_seen)
        if key not in self._read and self._left > 0:
            self._left -= 1
            self._read[key] = _in_words(*key)
        return self._read.get(key)


def _plain(text: str) -> str:
    # Replace IST by the offset of India, because most news with this ambiguous zone comes from there.
    return text[:_MAX_LENGTH].strip().replace(" IST", " +05:30")


def _in_words(text: str, language: str, first_seen: datetime | None) -> datetime | None:
    if not any(letter.isdigit() for letter in text) and first_seen is None:
        return None
    first = _parse_words(text, language, 0)
    second = _parse_words(text, language, 1) if first is not None else None
    try:
        return (
            _whole_in(text, language) if first is None or second is None else _settled(text, first, second, first_seen)
        )
    except (ValueError, OverflowError):
        return None


def _in_digits(text: str) -> datetime:
    """Parse an ISO 8601 date. Raises ValueError, OverflowError."""
    whole = datetime.fromisoformat(text)
    return (whole if whole.tzinfo else whole.replace(tzinfo=UTC)).astimezone(UTC)


def _parse_words(text: str, language: str, base: int) -> datetime | None:
    """Parse a date relative to one of the bases. Return None if the countries of a language disagree."""
    for parsers in _parsers(language, base):
        dates = {parser.get_date_data(text).date_obj for parser in parsers}
        if dates != {None}:
            return dates.pop() if len(dates) == 1 else None
    return None


def _settled(text: str, first: datetime, second: datetime, first_seen: datetime | None) -> datetime | None:
    first, second = first.astimezone(UTC), second.astimezone(UTC)
    if first == second:
        return first.replace(microsecond=0)
    if first_seen is None:
        return None
    base, last = _BASES
    if first - base == second - last:
        return (first_seen + (first - base)).replace(second=0, microsecond=0)
    if first.date() - base.date() == second.date() - last.date():
        return datetime.combine(first_seen.date() + (first.date() - base.date()), first.timetz())
    if not any(letter.isdigit() for letter in text):
        return None  # the text is a weekday without a date
    # A dateline is never later than tomorrow (in another time zone), so take the latest possible year.
    day = first.replace(year=first_seen.year)
    return day if day <= first_seen + timedelta(days=1) else day.replace(year=first_seen.year - 1)


def _whole_in(text: str, language: str) -> datetime | None:
    """Find a full date and its time among other words ("Published on 2 December 2015 at 9:30")."""
    name = language.replace("_", "-").partition("-")[0].lower() or "en"
    first, second = (
        next((day for day in days(text, base.date(), name) if day.day and not day.is_relative), None) for base in _BASES
    )
    if first is None or first != second:
        return None
    begins = datetime.combine(first.begins(), datetime.min.time(), UTC)
    times = _CLOCK.findall(text[: first.start] + " " * (first.end - first.start) + text[first.end :])
    return begins + (_since_midnight(*times[0]) if len(times) == 1 else timedelta())


def _since_midnight(hour: str, minute: str, second: str, half: str, sign: str, hours: str, minutes: str) -> timedelta:
    """Return the time since midnight UTC, or zero if the hour is invalid."""
    whole = int(hour) % 12 + 12 * (half in "pP") if half else int(hour)
    since = timedelta(hours=whole, minutes=int(minute), seconds=min(int(second or 0), 59))
    ahead = timedelta(hours=int(f"{sign}{hours or 0}"), minutes=int(f"{sign}{minutes or 0}"))
    return since - ahead if since <= timedelta(days=1) else timedelta()


@lru_cache(maxsize=lexicon.MOST_LANGUAGES)
def _parsers(language: str, base: int) -> tuple[tuple[DateDataParser, ...], ...]:
    """Return the parsers of the language, then the English ones. The parsers of one language differ by country."""
    # Import here, because the import takes 0.3 s and few processes need it.
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
    by_language = ((name.lower(), countries), ("en", ["US", "GB"]))
    return tuple(
        tuple(DateDataParser(languages=[code], region=region, settings=settings) for region in regions)
        for code, regions in by_language
        if code in languages_info.language_order
    )
