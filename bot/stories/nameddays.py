"""The days of the calendar that an article names: «on Friday», «Sept. 25», «yesterday» of one event are one day.

Coarser and faster than language/dates.py, which reads what a deadline is: here a wrong day costs a little weight.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache

from bot.language import dates, words

#: Words for a day by the day of writing.
_AGO = {"today": 0, "tonight": 0, "yesterday": 1}
#: What stands between a day's number and its month: 30th of November, 30 de noviembre.
_BETWEEN = {"st", "nd", "rd", "th", "of", "de"}
#: Letters of "set" (September in Portuguese) and the like.
_SHORT = 3
DAYS = 31
LANGUAGES = ("ur", "ar", "ru", "nl", "pt", "it", "es", "fr", "de", "en")
#: Some feeds date an item 0001-01-01, from which no day can be counted back.
EARLIEST = date(1900, 1, 1)
#: Days longer ago name an affair («the Jan. 6 inquiry»), as coming ones do («the vote on 8 November»), and many events
#: share them: with both, allsides is 0.006 lower.
RECENT = timedelta(days=14)


def named(tokens: Sequence[words.Token], written: date) -> frozenset[date]:
    """The days of the last two weeks that words of one text name, read on the day of writing.

    A weekday is the last one, also where a coming one is meant: in another article of that week it is the same.
    """
    if written < EARLIEST:
        return frozenset()
    months, weekdays = _months(), _weekdays()
    found: set[date] = set()
    for at, token in enumerate(tokens):
        if token.stem in weekdays:
            found.add(written - timedelta(days=(written.weekday() - weekdays[token.stem]) % 7))
        elif token.stem in _AGO:
            found.add(written - timedelta(days=_AGO[token.stem]))
        elif token.stem in months and (day := _beside(tokens, at)):
            found |= _nearest(months[token.stem], day, written)
    return frozenset(day for day in found if day >= written - RECENT)


def is_day_or_month(stem: str) -> bool:
    """A weekday or a month, which wears a capital and names no event."""
    return stem in _weekdays() or stem in _months()


@cache
def _months() -> dict[str, int]:
    """Of every language that is often met, since an article's own is not known; short forms are words elsewhere."""
    return {
        words.stem(name): number
        for language in LANGUAGES
        for name, number in dates.months(language).items()
        if language == "en" or len(name) > _SHORT or name in {"mai", "mei"}
    }


@cache
def _weekdays() -> dict[str, int]:
    return {words.stem(name): number for name, number in dates.weekdays("en").items()}


def _beside(tokens: Sequence[words.Token], at: int) -> int:
    """The number before or after a month; 0 where none can be a day."""
    before = at - 1
    while before > 0 and tokens[before].stem in _BETWEEN:
        before -= 1
    for token in (*tokens[at + 1 : at + 2], *tokens[max(0, before) : at]):
        if token.stem.isdecimal() and len(token.stem) <= 2 and int(token.stem) <= DAYS:
            return int(token.stem)
    return 0


def _nearest(month: int, day: int, written: date) -> set[date]:
    """The latest such day up to the day of writing; none for 31 April."""
    for year in (written.year, written.year - 1):
        if day <= monthrange(year, month)[1] and date(year, month, day) <= written:
            return {date(year, month, day)}
    return set()
