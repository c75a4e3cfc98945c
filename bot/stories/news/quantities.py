"""Numbers with what they count: «killed 15» → deaths, «5,000 companies affected», «a fine of $8m».

Reads one sentence whose number words are digits already; knows no story.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from math import floor, log10

from bot.language.words import stem
from bot.stories.news import labels, things

_NUMBER = re.compile(
    r"(?<![\w.,/:#'’-])(?P<currency>US\$|A\$|C\$|HK\$|[$£€¥₹]|(?:Rs|PKR|INR|USD|EUR|GBP)\.?\s?)?"
    r"(?P<number>\d{1,3}(?:,\d{2,3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?P<percent>\s?(?:%|per ?cent\b|percentage points?\b))?"
    r"(?P<after_currency>\s(?:dollars?|euros?|pounds?|rupees?|yen"
    r"|yuan)\b)?(?![\w/:]|\.\d|,\d|-\d|\s?-\s?(?i:year|day|hour|minute|week|month|old)|['’]s)"
)
_CURRENCIES = {
    "US$": "$",
    "USD": "$",
    "dollar": "$",
    "EUR": "€",
    "euro": "€",
    "GBP": "£",
    "pound": "£",
    "Rs": "Rs",
    "PKR": "Rs",
    "INR": "Rs",
    "₹": "Rs",
    "rupee": "Rs",
    "yen": "¥",
    "yuan": "yuan",
}
_MONTH = re.compile(
    r"\s*+(?:st|nd|rd|th)?+\s*+(?:of\s++)?+(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug"
    r"|Sep|Oct|Nov|Dec)\w*\b|\s*(?:a\.?m|p\.?m|GMT|o'clock)\b"
)
_AFTER_MONTH = re.compile(r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?\s*$")
_NAMED = re.compile(
    (
        r"\b(?:Section|Article|Chapter|Part|Page|Route|Highway|Flight|Room"
        r"|Phase|Level|Windows|iOS|No\.?|Number|Channel|Boeing|Airbus|aged|age|age of)\s*$"
    ),
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:from|compared (?:with|to)|versus|vs\.?|against|down from|up from"
    r"|earlier (?:figure|toll|count|estimate)s? of|previous(?:ly)?(?: \w+){0,3}"
    r"|instead of|rather than|out of|1 in|one in|another|other|more than the)\s+(?:about |around |some |the )?$",
    re.IGNORECASE,
)
#: «the toll rose by five», «boosted the cuts by 5,000 to 55,000»: by how much, not how many.
_GROWN_BY = re.compile(
    r"\b(?:rose|risen|increased|grown|grew|climbed|jumped|fell|fallen|dropped)\s+by\s+$", re.IGNORECASE
)
_BY, _TO_ANOTHER = re.compile(r"\bby\s+$", re.IGNORECASE), re.compile(r"\s+to\s+[$£€¥₹]?\d")
#: What may be or will have been has not happened.
_SUPPOSED = re.compile(r"\b(?:could|may|might|would|will have)\b(?:\W+\w+){0,6}\W*$")
#: «the 12 officers»: the reader is supposed to know them.
_DEFINITE = re.compile(r"\b(?:the|these|those|all|both)\s+$", re.IGNORECASE)
_PAST_AFTER = re.compile(
    r"^[^.;,]{0,40}\b(?:last (?:year|month|week|quarter)|a (?:year|month"
    r"|week) (?:earlier|ago|before)|years? ago|the (?:year|quarter) before|year-earlier"
    r"|in (?:19|20)\d\d)\b",
    re.IGNORECASE,
)
#: «across the country», «global cases»: the same thing counted over more places is another count.
_WIDER = re.compile(
    r"\b(?:across|around|throughout) the (?:city|state|country|nation|region|world)\b"
    r"|\b(?:city|state|nation|world)wide\b|\bglobal(?:ly)?\b",
    re.IGNORECASE,
)
#: What always happens is not what happened.
_HABIT = re.compile(
    r"\b(?:each|every|per) (?:year|month|week|day)|\ba year\b|\bannual(?:ly)?\b",
    re.IGNORECASE,
)
_AVERAGE = re.compile(r"\baverag\w+\b(?:\W+\w+){0,4}\W*$", re.IGNORECASE)
#: «according to four people»: those who speak are not counted.
_SPEAKERS = re.compile(r"\baccording to\s+(?:at least |more than )?$", re.IGNORECASE)
_ABOUT = re.compile(
    r"\b(?:about|around|some|nearly|almost|over|more than|at least|up to"
    r"|approximately|roughly|an estimated|estimated|close to|as many as|under|fewer than|less than)\s*$",
    re.IGNORECASE,
)
_AT_LEAST = re.compile(r"\b(?:at least|more than|over)\s*$", re.IGNORECASE)
#: «more than 20» says of 23 nothing new, up to this much more.
_LOOSE = 1.5
#: «about 100» is 92.
_ROUGHLY = 0.1
#: «sought two men over a shooting that injured 13»: a verb right before the next number is that one's.
_OF_THE_NEXT = re.compile(r"\b[a-z]+(?:ed|ing)\s+(?:about |some |at least |more than |nearly |over )?$")
#: Characters before a number in which the name that it ends begins.
_LABEL_REACH = 80
_CLAUSE_END = re.compile(r"[,;:]\s|\s(?:and|but|while|as|after)\s")
_COUNT = re.compile(r"\b(?:number|toll|total|count|tally)\b", re.IGNORECASE)
_CUT = re.compile(r"\b(?:cut\w*|axe\w*|shed\w*|slash\w*|los(?:e|es|ing|t)|go|eliminat\w+|scrap\w*)\b", re.IGNORECASE)
#: «climbers», «sailors», «tourists»: people by their ending.
_DOERS = re.compile(r"(?:ers|ors|ists|men|women)$", re.IGNORECASE)
#: A fate that parts from its number by an «and» has counted already: «left one dead and two wounded».
_NEXT_ITEM = re.compile(r"^\s*(?:,|;|and\b|but\b|while\b|with\b)", re.IGNORECASE)
#: «charged with shooting four people», «arrested over the death of two»: the number is of the deed.
_OF_THE_DEED = re.compile(r"\b(?:with|in|for|over|on|after|of|near|from|at(?! least))\b", re.IGNORECASE)
_DONE_TO_THE_DOER = frozenset({"arrested", "charged"})
_NO_OBJECT = frozenset({"die", "dies", "died"})
_PLACE = re.compile(r"\b(?:in|at|near|across|from)\s+(?:the\s+)?([A-Z]\w+)")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of something."""

    value: float
    #: «$», «%», or nothing.
    unit: str
    #: What it is of, as compared: «deaths», «company», «fine»; None: not known, so never news.
    thing: str | None
    label: str
    is_about: bool
    #: Given for comparison or as what was before.
    is_past: bool
    #: «at least», «more than».
    is_least: bool = False
    #: Counted over a whole country, or the world.
    is_wide: bool = False
    #: Spoken of as known, or as what may be: no news by itself.
    is_aside: bool = False
    places: frozenset[str] = field(default_factory=frozenset)

    @property
    def key(self) -> str | None:
        return None if self.thing is None else f"{self.thing} {self.unit}"

    @property
    def is_weighty(self) -> bool:
        """News by itself when the story had no such figure."""
        return self.label in things.WEIGHTY

    @property
    def shown(self) -> str:
        number = f"{self.value:,.0f}" if self.value == int(self.value) else f"{self.value:,}"
        for size, word in ((10**9, "billion"), (10**6, "million")):
            if self.value >= size:
                number = f"{self.value / size:,.3f}".rstrip("0").rstrip(".") + f" {word}"
                break
        if self.label == "sentence" and self.thing:
            return f"{number} {self.thing.split()[-1]}{'' if self.value == 1 else 's'}"
        if self.unit == "%":
            return f"{number}%"
        return f"{self.unit}{' ' if len(self.unit) > 1 else ''}{number}" if self.unit else number

    @property
    def is_rough(self) -> bool:
        """«about», «nearly», «some»; «at least» is a number to go by, and people are counted one by one."""
        return self.is_about and not self.is_least and self.label not in things.CASUALTIES

    def is_same_value(self, other: Quantity) -> bool:
        """Equal, or one is the other rounded."""
        if self.value == other.value or (self.is_least and self.value <= other.value <= _LOOSE * self.value):
            return True
        low, high = sorted((self.value, other.value))
        if (self.is_rough or other.is_rough) and (high - low) <= _ROUGHLY * high:
            return True
        if low <= 0 or (high - low) / high > 0.06:
            return False
        may_round = self.is_about or other.is_about or low >= 1000 or bool(self.unit)
        return may_round and (_rounded(low, high) or _rounded(high, low))


def _rounded(exact: float, round_one: float) -> bool:
    digits = len(f"{round_one:.10g}".replace(".", "").strip("0")) or 1
    places = digits - 1 - floor(log10(exact))
    return digits < len(f"{exact:.10g}".replace(".", "").strip("0")) and round(exact, places) == round_one


#: Characters around a number that tell whether it counts something.
_REACH = 200
#: A sentence with more is a table.
_MOST_NUMBERS = 100


@lru_cache(maxsize=1 << 11)
def quantities(plain: str, language: str = "en") -> tuple[Quantity, ...]:
    """The numbers of a sentence in order; dates, ages, hours and names with numbers are left out.

    Remembered: each article that joins a story is held against all that the story says.
    """
    return tuple(_quantities(plain, language))


def _quantities(plain: str, language: str) -> Iterator[Quantity]:
    found = [one for one in islice(_NUMBER.finditer(plain), _MOST_NUMBERS) if not _is_other(one, plain)]
    for at, one in enumerate(found):
        before = plain[found[at - 1].end() if at else 0 : one.start()]
        after = plain[one.end() : found[at + 1].start() if at + 1 < len(found) else len(plain)]
        if at + 1 < len(found):
            after = _OF_THE_NEXT.sub("", after)
        yield _quantity(one, plain, before, after, is_english=language == "en")


def _is_other(one: re.Match[str], plain: str) -> bool:
    before, after = plain[max(0, one.start() - _REACH) : one.start()], plain[one.end() : one.end() + _REACH]
    if one["currency"] or one["percent"] or one["after_currency"]:
        return False
    if _BY.search(before) and _TO_ANOTHER.match(after):
        return True
    if labels.is_label(one["number"], before[-_LABEL_REACH:], after) or _SPEAKERS.search(before):
        return True
    if one["number"] == "1" and re.match(r"\s+of\b", after):
        return True  # «one of the lowest»
    if _MONTH.match(after) or _AFTER_MONTH.search(before) or _NAMED.search(before):
        return True
    return bool(re.fullmatch(r"(?:19|20)\d\d", one["number"])) and not re.match(
        r"\s+(?:people|companies|firms|jobs)", after
    )


def _quantity(one: re.Match[str], plain: str, before: str, after: str, *, is_english: bool) -> Quantity:
    value = float(one["number"].replace(",", ""))
    unit = _unit(one)
    thing, label = _money(before, after) if unit else _counted(before, after, is_english=is_english)
    return Quantity(
        value=value,
        unit=unit,
        thing=thing,
        label=label,
        is_about=bool(_ABOUT.search(before)),
        is_past=bool(
            _PAST.search(before)
            or _AVERAGE.search(before)
            or _GROWN_BY.search(before)
            or _PAST_AFTER.search(after)
            or _HABIT.search(after[:60])
        ),
        is_wide=_WIDER.search(_CLAUSE_END.split(before)[-1] + " … " + _CLAUSE_END.split(after, maxsplit=1)[0])
        is not None,
        is_least=bool(_AT_LEAST.search(before)),
        is_aside=bool(_DEFINITE.search(before) or _SUPPOSED.search(before)),
        places=frozenset(_PLACE.findall(plain)),
    )


def _unit(one: re.Match[str]) -> str:
    if one["percent"]:
        return "%"
    named = (one["currency"] or one["after_currency"] or "").strip().rstrip(".")
    return _CURRENCIES.get(named, _CURRENCIES.get(named.removesuffix("s"), named))


def _nearest(
    patterns: Sequence[tuple[str, re.Pattern[str]]], before: str, after: str, reach: int
) -> tuple[str, int] | None:
    best: tuple[str, int] | None = None
    clause = _CLAUSE_END.split(after, maxsplit=1)[0]
    has_own = any(pattern.search(clause) for _, pattern in patterns)
    # «the number of people infected with … has climbed to»: the count is named far ahead.
    far = 120 if _COUNT.search(before) else reach
    for label, pattern in patterns:
        behind = pattern.search(clause)
        ahead = _gap(label, pattern, before, is_told_behind=has_own)
        options = ([] if ahead is None else [ahead]) + ([behind.start()] if behind else [])
        if options and min(options) <= far and (best is None or min(options) < best[1]):
            best = label, min(options)
    return best


def _gap(label: str, pattern: re.Pattern[str], before: str, *, is_told_behind: bool) -> int | None:
    """Characters from the last word of ``pattern`` that may count the number; None: there is none."""
    # «had not died with one person using …»: a verb without an object counts nothing behind it.
    ends = [found.end() for found in pattern.finditer(before) if found.group().lower() not in _NO_OBJECT]
    if not ends:
        return None
    between = before[ends[-1] :]
    if label in _DONE_TO_THE_DOER and _OF_THE_DEED.search(between):
        return None
    if is_told_behind and _NEXT_ITEM.match(between):
        return None
    return len(between)


def _money(before: str, after: str) -> tuple[str | None, str]:
    found = _nearest(things.SUMS, before, after, 45)
    return (found[0], found[0]) if found else (None, "")


def _counted(before: str, after: str, *, is_english: bool) -> tuple[str | None, str]:
    if re.search(r"\bmagnitude[\s-]*(?:of\s+)?$", before, re.IGNORECASE) or re.match(r"[\s-]*magnitude\b", after):
        return "magnitude", "magnitude"
    noun = _singular(after) or _noun(after)
    if noun and stem(noun) in things.TIMES:
        is_term = things.TERMS.search(before)
        return (f"sentence {stem(noun)}", "sentence") if is_term else (None, "")
    if noun and stem(noun) in things.MEASURES:
        return None, ""
    if noun and stem(noun) in {"job", "position", "post", "role"} and _CUT.search(before[-60:] + after[:60]):
        return "jobs cut", "jobs cut"
    # English fates are other words elsewhere: «die drei».
    if is_english and (noun is None or stem(noun) in things.PEOPLE or _is_doer(noun)):
        fate = _nearest(things.FATES, before, after, 45)
        if fate:
            return fate[0], fate[0]
    if noun is None or noun.lower() == "others":
        return None, ""
    return stem(noun), noun.lower()


def _is_doer(noun: str) -> bool:
    return _DOERS.search(noun) is not None and noun.lower() not in things.NO_DOERS


def _singular(after: str) -> str | None:
    """«1 day», «1.5 mile»: a time or a measure right behind its number."""
    found = re.match(r"\s+([^\W\d_]+)", after)
    return found.group(1) if found and stem(found.group(1)) in things.TIMES | things.MEASURES else None


def _noun(after: str) -> str | None:
    """The plural noun that the number counts: «5,000 local companies» → companies; None: nothing near."""
    tail = re.match(r"\s+((?:of the |of its |of |more |new |other )?)((?:[^\W\d_][\w'-]*\s*){1,5})", after)
    if tail is None:
        return None
    for word in tail.group(2).split():
        low = word.lower()
        if low in things.ENDERS:
            return None
        if low in {"people", "men", "women", "children", "police", "staff", "crew", "troops"}:
            return word
        if low.endswith("s") and not low.endswith(("ss", "us", "is")) and len(low) > 2:
            return word
    return None
