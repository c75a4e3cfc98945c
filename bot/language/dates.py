"""Days as articles write them: "30 November 2015", "Nov 30", "2015-11-30", "30 ноября", "next Monday", "December".

Names of months and weekdays are Babel's. Reads one sentence and the day on which it was written; knows no story.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from bot.language import lexicon
from bot.language.words import fold

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
