"""Numbers as articles write them: "5,000", "5.000", "five thousand", "£1.5bn", "almost 300,000", "30 per cent".

Reads one sentence; what a number counts is for those who read the sentence's other words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from text_to_num import alpha2digit

from bot.text import extensions, lexicon
from bot.text.words import fold

#: Languages in which text2num reads number words; of others the lexicon has the small ones.
_SPELLED = frozenset({"en", "fr", "es", "pt", "de", "nl", "it"})
_SIGNS = {"$": "$", "£": "£", "€": "€", "¥": "¥", "₹": "Rs", "₺": "₺", "₽": "₽", "₩": "₩"}
#: "hundreds of thousands" is no number; text2num reads one.
_MANY = re.compile(
    r"\b(?:tens|dozens|scores|hundreds|thousands|millions|billions)(?: of (?:thousands|millions|billions))*\b",
    re.IGNORECASE,
)
#: Thousands parted by a space that does not break, or by a plain one between groups of three.
_SPACED = re.compile(r"(?<![\w.,])(\d{1,3})[ \u00a0\u202f](\d{3})(?![\w.,])")
_NUMBER = re.compile(
    r"(?<![\w.,:/#'’-])(?P<sign>(?:US|A|C|HK|R|Rs\.?\s?)?[$£€¥₹₺₽₩]|(?:Rs|USD|EUR|GBP|INR|PKR)\.?\s?)?"
    r"(?P<digits>\d{1,15}(?:[.,'’]\d{1,15}){0,4})(?P<glued>[A-Za-z]{1,3}\b)?(?![A-Za-z0-9_]|[.,]\d)(?P<tail>\s?[%٪])?"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
#: A scale in words behind digits, as text2num leaves it: "2.1 million" is "2.1 1000000".
_SCALE = re.compile(r"\s(1000|1000000|1000000000)\b")
_WORD = re.compile(r"[^\W\d_]+")
#: Two numbers this near are the exact one and its rounding, where one says "about" or is rounder.
_ROUGHLY, _ROUNDED = 0.1, 0.06


@dataclass(frozen=True, slots=True)
class Number:
    """A number of something and where the sentence writes it."""

    value: float
    #: "$", "%", or nothing.
    unit: str
    start: int
    end: int
    #: about, least, most, or nothing.
    hedge: str = ""

    def is_same(self, other: Number) -> bool:
        """Of one unit, and equal or one the other rounded: "nearly 300,000" is 284,000."""
        if self.unit != other.unit:
            return False
        low, high = self.value, other.value
        if low == high:
            return True
        if low > high:
            low, high = high, low
        # No rounding goes further, and a story has hundreds of numbers.
        if low <= 0 or low < 0.8 * high:
            return False
        for bound in (self, other):
            # "more than 20" says of 23 nothing new, and "under 20" of 18.
            exact = other if bound is self else self
            if (bound.hedge == "least" and bound.value <= exact.value <= 1.2 * bound.value) or (
                bound.hedge == "most" and 0.8 * bound.value <= exact.value <= bound.value
            ):
                return True
        share = (high - low) / high
        if "about" in (self.hedge, other.hedge) and share <= _ROUGHLY and high >= 20:
            return True
        one, two = (f"{each.value:.10g}".replace(".", "").rstrip("0") for each in (self, other))
        return share <= _ROUNDED and high >= 1000 and len(one) != len(two) and min(len(one), len(two)) <= 2

    @property
    def shown(self) -> str:
        """For people, in one form whatever the article's."""
        number = f"{self.value:,.0f}" if self.value == int(self.value) else f"{self.value:,.10g}"
        for size, word in ((10**9, "billion"), (10**6, "million")):
            if self.value >= size:
                number = f"{self.value / size:,.3f}".rstrip("0").rstrip(".") + f" {word}"
                break
        if self.unit == "%":
            return f"{number}%"
        return f"{self.unit}{' ' if len(self.unit) > 1 else ''}{number}"


def in_digits(normal: str, language: str) -> str:
    """Number words as digits: "five thousand calls" → "5000 calls"."""
    normal = _SPACED.sub(r"\1\2", _SPACED.sub(r"\1\2", normal))
    if language in _SPELLED and normal.strip():
        normal = _MANY.sub("many", normal) if language == "en" else normal
        return str(extensions.call(alpha2digit, normal, normal, language, threshold=1.0))
    if spelled := lexicon.of(language).tables.get("numbers"):
        return _WORD.sub(lambda found: (spelled.get(fold(found[0])) or (found[0],))[0], normal)
    return normal


def numbers(plain: str, language: str = "en") -> tuple[Number, ...]:
    """The numbers of a sentence in order; ordinals, clock times, and numbers inside names are none."""
    return tuple(_numbers(plain, language))


def _numbers(plain: str, language: str) -> Iterator[Number]:
    taken = 0
    for found in _NUMBER.finditer(plain):
        if found.start() < taken:
            continue
        end, scale = found.end(), 0
        glued = fold(found["glued"] or "")
        behind = _word_at(plain, end)
        table = lexicon.of(language)
        if glued:
            if not (value := table.value("scale", glued) or _english("scale", glued)):
                continue
            scale = int(value)
            behind = _word_at(plain, end)
        elif spelled := _SCALE.match(plain, end):
            scale, end = len(spelled[1]) - 1, spelled.end()
            behind = _word_at(plain, end)
        elif behind and (value := table.value("scale", fold(behind[0])) or _english("scale", fold(behind[0]))):
            scale, end = int(value), behind.end()
            behind = _word_at(plain, end)
        if plain[end : end + 1] in tuple("/:-°") and plain[end + 1 : end + 2].isalnum():
            continue
        amount = _amount(found["digits"], language)
        if amount is None:
            continue
        unit = "%" if found["tail"] else _sign(found["sign"])
        if not unit and behind:
            word = fold(behind[0])
            if (
                table.has("percent", word)
                or _english("percent", word)
                or (word == "per" and plain[behind.end() :].lstrip().startswith("cent"))
            ):
                unit, end = "%", behind.end()
            elif money := table.value("money", word) or _english("money", word):
                unit, end = money, behind.end()
        taken = end
        if not (scale or unit) and _YEAR.fullmatch(found["digits"]):
            continue
        yield Number(amount * 10**scale, unit, found.start(), end, _hedge(plain[: found.start()], language))


def _word_at(plain: str, at: int) -> re.Match[str] | None:
    """The word right behind a number."""
    at += plain[at : at + 1] in (" ", "\u00a0", "-")
    return _WORD.match(plain, at)


def _english(table: str, word: str) -> str | None:
    """Units are often written in English whatever the language: "10 bn", "USD"."""
    return lexicon.of("en").value(table, word)


def _sign(sign: str | None) -> str:
    if not sign:
        return ""
    bare = sign.strip().rstrip(".")
    return _SIGNS.get(bare[-1]) or str(_english("money", fold(bare)) or bare)


def _amount(digits: str, language: str) -> float | None:
    """ "1.500" is 1500 in German and 1.5 in English; "1,400,000" is one number anywhere."""
    parts = re.split(r"[.,'’]", digits)
    if len(parts) == 1:
        return float(digits)
    marks = re.findall(r"[.,'’]", digits)
    is_grouped = all(len(part) == 3 for part in parts[1:]) and len(parts[0]) <= 3
    if len(set(marks)) == 1 and is_grouped and (len(parts) > 2 or marks[0] != _decimal(language)):
        return float("".join(parts))
    if len(set(marks)) == 1 and len(parts) > 2:
        # Indian groups: 1,00,000; else a version or a date.
        return float("".join(parts)) if marks[0] == "," and len(parts[-1]) == 3 else None
    if len(parts) > 2 and not all(len(part) == 3 for part in parts[1:-1]):
        return None
    return float("".join(parts[:-1]) + "." + parts[-1])


@lru_cache(maxsize=lexicon.MOST_LANGUAGES)
def _decimal(language: str) -> str:
    from babel import UnknownLocaleError
    from babel.numbers import get_decimal_symbol

    try:
        return get_decimal_symbol(language)
    except (UnknownLocaleError, ValueError):
        return "."


def _hedge(before: str, language: str) -> str:
    last = _WORD.findall(before[-24:])[-2:]
    table = lexicon.of(language)
    for word in reversed(last):
        for hedge in ("least", "most", "about"):
            if table.has(hedge, fold(word)):
                return hedge
    return ""
