"""Days as articles write them: «30 November 2015», «Nov 30», «2015-11-30», «next Monday», «December», «2016».

Reads one sentence and the day on which it was written; knows no story.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

_NAMES = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_SHORT = ("Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sept", "Sep", "Oct", "Nov", "Dec")
#: Written with a capital, which tells «May» from «may».
_CAPITALISED = {
    **{name: number for number, name in enumerate(_NAMES, 1)},
    **{short: next(n for n, name in enumerate(_NAMES, 1) if name.startswith(short[:3])) for short in _SHORT},
    "Januar": 1,
    "Februar": 2,
    "März": 3,
    "Mai": 5,
    "Juni": 6,
    "Juli": 7,
    "Oktober": 10,
    "Okt": 10,
    "Dezember": 12,
    "Dez": 12,
}
#: Written small in French, Spanish, Italian, Portuguese and Dutch; Arabic and Urdu know no capitals.
_SMALL = {
    name: number
    for number, names in enumerate(
        (
            "janvier enero gennaio janeiro januari يناير جنوری",
            "février febrero febbraio fevereiro februari فبراير فروری",
            "mars marzo março maart مارس مارچ",
            "avril abril aprile أبريل اپریل",
            "mai mayo maggio maio mei مايو مئی",
            "juin junio giugno junho juni يونيو جون",
            "juillet julio luglio julho juli يوليو جولائی",
            "août agosto augustus أغسطس اگست",
            "septembre septiembre settembre setembro september سبتمبر ستمبر",
            "octobre octubre ottobre outubro oktober أكتوبر اکتوبر",
            "novembre noviembre novembro november نوفمبر نومبر",
            "décembre diciembre dicembre dezembro december ديسمبر دسمبر",
        ),
        1,
    )
    for name in names.split()
}
MONTHS = {**_SMALL, **_CAPITALISED}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_FULL_MONTH = "|".join(_NAMES)
_DATE = re.compile(
    rf"(?<![\w/-])(?:"
    rf"(?P<iso>(?:19|20)\d\d-\d\d-\d\d)(?![\d-])"
    rf"|(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|º)?\.?\s+(?:of\s+|de\s+)?(?P<month>{_MONTH})\b\.?"
    rf"(?:,?\s+(?:de\s+)?(?P<year>(?:19|20)\d\d))?"
    rf"|(?P<month2>{_MONTH})\.?\s+(?P<day2>\d{{1,2}})(?:st|nd|rd"
    rf"|th)?(?![\d%:]|[.,]\d)(?:,?\s+(?P<year2>(?:19|20)\d\d))?\b"
    rf"|(?P<month3>{_MONTH})\.?,?\s+(?:of\s+|de\s+)?(?P<year3>(?:19|20)\d\d)\b"
    rf"|(?:(?<=[Ii]n )|(?<=[Bb]y )|(?<=to )|(?<=of )|(?<=for )|(?<=from )"
    rf"|(?<=until )|(?<=since )|(?<=this )|(?<=next )|(?<=late )"
    rf"|(?<=early )|(?<=mid-)|(?<=before )|(?<=after ))(?P<month4>{_FULL_MONTH})\b(?!\s+\d)"
    rf"|(?:(?<=[Ii]n )|(?<=[Bb]y )|(?<=to )|(?<=until )|(?<=before )"
    rf"|(?<=from ))(?P<year5>(?:19|20)\d\d)\b(?![-–]\d|,\d| [a-z]+s\b)"
    rf"|(?P<weekday>(?i:next |this |last |past )?(?:{'|'.join(WEEKDAYS)}))\b"
    rf"|(?P<relative>(?i:tomorrow|today|tonight|yesterday))\b"
    rf"|(?P<slashed>\d{{1,2}}[/.]\d{{1,2}}[/.](?:19|20)\d\d)\b"
    rf")"
)
_COMING = re.compile(
    r"\b(?:will|to be|to (?:start|begin|meet|take|open|vote|return|go)|due|set|scheduled|plans? (?:to|for)|planned"
    r"|next|expected|would|put off|postponed|delayed|moved|pushed back|deferred)\b",
    re.IGNORECASE,
)
#: «by Monday» comes; «by a driver on Monday» was.
_COMING_BESIDE = re.compile(
    r"\b(?:by|until|till|before|next|due|to|for)\s+(?:(?:the end of|late|early|midnight|noon|on|this|next)\s+){0,2}$",
    re.IGNORECASE,
)
#: A bare weekday that is this near behind and this far ahead is the one behind.
_RECENT_DAYS = 1


@dataclass(frozen=True, slots=True)
class Day:
    """A day, month or year of the calendar and where the sentence writes it; what is not said is None."""

    year: int
    month: int | None
    day: int | None
    start: int
    end: int
    #: «Monday», «tomorrow»: counted from the day of writing.
    is_relative: bool = False

    def agrees_with(self, other: Day) -> bool:
        """Nothing that both say differs: «December» agrees with «30 December»."""
        if self.year != other.year:
            return False
        if self.month is None or other.month is None:
            return self.month == other.month
        if self.month != other.month:
            return False
        return self.day is None or other.day is None or self.day == other.day

    def may_follow(self, when: date) -> bool:
        """Some of it is on that day or later."""
        return (self.year, self.month or 12, self.day or 31) >= (when.year, when.month, when.day)

    def is_before(self, when: date) -> bool:
        """All of it is earlier than that day."""
        return not self.may_follow(when)

    def begins(self) -> date:
        """Its first day."""
        return date(self.year, self.month or 1, self.day or 1)

    def shown(self, when: date) -> str:
        """For people, in one form whatever the article's: «30 December», with the year where it is another."""
        parts = [str(self.day)] if self.day else []
        if self.month:
            parts.append(_NAMES[self.month - 1])
        if self.year != when.year or not self.month:
            parts.append(str(self.year))
        return " ".join(parts)


@lru_cache(maxsize=1 << 11)
def days(plain: str, written: date) -> tuple[Day, ...]:
    """The days of a sentence in order; remembered, as what a story says is asked for at each article that joins."""
    return tuple(_days(plain, written))


def _days(plain: str, written: date) -> Iterator[Day]:
    for found in _DATE.finditer(plain):
        parts = _parts(found, plain, written)
        if parts is not None and _exists(*parts):
            yield Day(*parts, found.start(), found.end(), bool(found["weekday"] or found["relative"]))


def _exists(year: int, month: int | None, day: int | None) -> bool:
    try:
        date(year, month or 1, day or 1)
    except ValueError:
        return False
    return True


def _parts(found: re.Match[str], plain: str, written: date) -> tuple[int, int | None, int | None] | None:
    if found["iso"]:
        year, month, day = found["iso"].split("-")
        return int(year), int(month), int(day)
    if found["slashed"]:
        return _slashed(found["slashed"])
    if found["weekday"] or found["relative"]:
        near = _near(found["weekday"], found["relative"], plain[: found.start()], written)
        return near.year, near.month, near.day
    if found["year5"]:
        return int(found["year5"]), None, None
    name = found["month"] or found["month2"] or found["month3"] or found["month4"]
    number = found["day"] or found["day2"]
    year = found["year"] or found["year2"] or found["year3"]
    month = MONTHS[name]
    return int(year) if year else _year(month, written, plain[: found.start()]), month, int(number) if number else None


def _slashed(text: str) -> tuple[int, int, int] | None:
    """«30/12/2015» and «12/30/2015»; None where both readings exist."""
    one, other, year = (int(part) for part in re.split(r"[/.]", text))
    if "." in text or one > 12:
        return year, other, one
    return (year, one, other) if other > 12 or one == other else None


def _year(month: int, written: date, before: str) -> int:
    """A month without its year is the nearest one, and rather a coming one where the sentence looks ahead."""
    ahead = (month - written.month) % 12
    is_coming = ahead <= (9 if _looks_ahead(before) else 6)
    years, _ = divmod(written.month - 1 + (ahead if is_coming else ahead - 12), 12)
    return written.year + years


def _looks_ahead(before: str) -> bool:
    return bool(_COMING.search(before[-60:]) or _COMING_BESIDE.search(before[-60:]))


def _near(weekday: str | None, relative: str | None, before: str, written: date) -> date:
    if relative:
        return written + timedelta(days={"tomorrow": 1, "yesterday": -1}.get(relative.lower(), 0))
    words = (weekday or "").split()
    number = WEEKDAYS.index(words[-1])
    ahead = (number - written.weekday()) % 7
    is_coming = words[0].lower() in {"next", "this"} or _looks_ahead(before)
    if 0 < 7 - ahead <= _RECENT_DAYS:
        # «will sign the bill that passed Wednesday», written on Thursday.
        is_coming = words[0].lower() == "next" or bool(_COMING_BESIDE.search(before))
    if words[0].lower() in {"last", "past"} or not is_coming:
        return written - timedelta(days=(-ahead) % 7)
    return written + timedelta(days=ahead)
