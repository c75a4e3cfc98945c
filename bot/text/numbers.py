"""Parse the numbers in a sentence: "5,000", "5.000", "five thousand", "£1.5bn", "almost 300,000", "30 per cent".

Does not find out what a number counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import msgspec
from msgspec.structs import replace
from text_to_num import alpha2digit

from bot.patterns import LazyPattern
from bot.text import extensions, lexicon
from bot.text.words import fold_word

#: Languages whose number words text2num parses. For other languages, the lexicon lists the small numbers.
_SPELLED = frozenset({"en", "fr", "es", "pt", "de", "nl", "it"})
_SIGNS = {"$": "$", "£": "£", "€": "€", "¥": "¥", "₹": "Rs", "₺": "₺", "₽": "₽", "₩": "₩"}
#: Phrases such as "hundreds of thousands", which are not a number although text2num finds one.
_MANY = LazyPattern(
    r"\b(?:tens|dozens|scores|hundreds|thousands|millions|billions)(?: of (?:thousands|millions|billions))*\b",
    re.IGNORECASE,
)
#: Thousands that are separated by a space or a non-breaking space.
_SPACED = LazyPattern(r"(?<![\w.,])(\d{1,3})[ \u00a0\u202f](\d{3})(?![\w.,])")
_NUMBER = LazyPattern(
    r"(?<![\w.,:/#'’-])(?P<sign>(?:US|A|C|HK|R|Rs\.?\s?)?[$£€¥₹₺₽₩]|(?:Rs|USD|EUR|GBP|INR|PKR)\.?\s?)?"
    r"(?P<digits>\d{1,15}(?:[.,'’]\d{1,15}){0,4})(?P<glued>[A-Za-z]{1,3}\b)?(?![A-Za-z0-9_]|[.,]\d)(?P<tail>\s?[%٪])?"
)
_YEAR = LazyPattern(r"(?:19|20)\d\d")
#: A scale as text2num writes it after digits: it turns "2.1 million" into "2.1 1000000".
_SCALE = LazyPattern(r"\s(1000|1000000|1000000000)\b")
_WORD = LazyPattern(r"[^\W\d_]+")
#: Between the ends of a span, whose unit is written once: "from 3 to 5 million".
_SPAN = LazyPattern(r"\s?(?:to|bis|à|a|–)\s?", re.IGNORECASE)
#: Maximum relative difference between a number and its rounding: with the hedge "about", and without it.
_ROUGHLY, _ROUNDED = 0.1, 0.06


class Number(msgspec.Struct, frozen=True):
    """A number and its position in the sentence."""

    value: float
    #: "$", "%" or empty.
    unit: str
    start: int
    end: int
    #: "about", "least", "most" or empty.
    hedge: str = ""

    def is_same(self, other: Number) -> bool:
        """Return whether both are the same amount, perhaps rounded ("nearly 300,000" and 284,000)."""
        if self.unit != other.unit:
            return False
        low, high = self.value, other.value
        if low == high:
            return True
        if low > high:
            low, high = high, low
        # Reject most pairs quickly, because a story has hundreds of numbers. No rounding differs by more than a fifth.
        if low <= 0 or low < 0.8 * high:
            return False
        for bound in (self, other):
            # 23 agrees with "more than 20", and 18 with "under 20".
            exact = other if bound is self else self
            if (bound.hedge == "least" and bound.value <= exact.value <= 1.2 * bound.value) or (
                bound.hedge == "most" and 0.8 * bound.value <= exact.value <= bound.value
            ):
                return True
        share = (high - low) / high
        if "about" in (self.hedge, other.hedge) and share <= _ROUGHLY and high >= 20:
            return True
        digits, other_digits = (f"{number.value:.10g}".replace(".", "").rstrip("0") for number in (self, other))
        return (
            share <= _ROUNDED
            and high >= 1000
            and len(digits) != len(other_digits)
            and min(len(digits), len(other_digits)) <= 2
        )

    @property
    def shown(self) -> str:
        """The number as text for readers, in the same format for all articles."""
        number = f"{self.value:,.0f}" if self.value == int(self.value) else f"{self.value:,.10g}"
        for size, word in ((10**9, "billion"), (10**6, "million")):
            if self.value >= size:
                number = f"{self.value / size:,.3f}".rstrip("0").rstrip(".") + f" {word}"
                break
        if self.unit == "%":
            return f"{number}%"
        return f"{self.unit}{' ' if len(self.unit) > 1 else ''}{number}"


def in_digits(normal: str, language: str) -> str:
    """Replace number words by digits ("five thousand calls" by "5000 calls")."""
    normal = _SPACED.sub(r"\1\2", _SPACED.sub(r"\1\2", normal))
    if language in _SPELLED and normal.strip():
        normal = _MANY.sub("many", normal) if language == "en" else normal
        return str(extensions.call(alpha2digit, normal, normal, language, threshold=1.0))
    if spelled := lexicon.of(language).tables.get("numbers"):
        return _WORD.sub(lambda word: (spelled.get(fold_word(word[0])) or (word[0],))[0], normal)
    return normal


def numbers(plain: str, language: str = "en") -> tuple[Number, ...]:
    """Return the numbers of a sentence in order. Omit ordinals, clock times and numbers inside names.

    >>> [number.shown for text in ("from 3 to 5 million", "$40 to 50 bn") for number in numbers(text)]
    ['3 million', '5 million', '$40 billion', '$50 billion']
    """
    scaled = list(_numbers(plain, language))
    for index, ((first, scale), (last, last_scale)) in enumerate(pairwise(scaled)):
        ratio = first.value / (last.value / 10**last_scale or 1.0)
        is_span = _SPAN.fullmatch(plain[first.end : last.start]) and 0.1 <= ratio <= 10 and not scale
        if is_span and (not first.unit or not last.unit or first.unit == last.unit):
            unit = first.unit or last.unit
            scaled[index] = replace(first, value=first.value * 10**last_scale, unit=unit), last_scale
            scaled[index + 1] = replace(last, unit=unit), last_scale
    return tuple(number for number, _ in scaled)


def _numbers(plain: str, language: str) -> Iterator[tuple[Number, int]]:
    """Yield each number with its scale, a power of ten."""
    read_until = 0
    for match in _NUMBER.finditer(plain):
        if match.start() < read_until:
            continue
        end, scale = match.end(), 0
        glued = fold_word(match["glued"] or "")
        next_word = _word_at(plain, end)
        table = lexicon.of(language)
        if glued:
            if not (value := _scale(glued, table)):
                continue
            scale = int(value)
            next_word = _word_at(plain, end)
        elif spelled := _SCALE.match(plain, end):
            scale, end = len(spelled[1]) - 1, spelled.end()
            next_word = _word_at(plain, end)
        elif next_word and (value := _scale(fold_word(next_word[0]), table)):
            scale, end = int(value), next_word.end()
            next_word = _word_at(plain, end)
        if plain[end : end + 1] in tuple("/:-°") and plain[end + 1 : end + 2].isalnum():
            continue
        amount = _amount(match["digits"], language)
        if amount is None:
            continue
        unit = "%" if match["tail"] else _sign(match["sign"])
        if not unit and next_word:
            word = fold_word(next_word[0])
            if (
                table.has("percent", word)
                or _english("percent", word)
                or (word == "per" and plain[next_word.end() :].lstrip().startswith("cent"))
            ):
                unit, end = "%", next_word.end()
            elif money := table.value("money", word) or _english("money", word):
                unit, end = money, next_word.end()
        read_until = end
        if not (scale or unit) and _YEAR.fullmatch(match["digits"]):
            continue
        yield Number(amount * 10**scale, unit, match.start(), end, _hedge(plain[: match.start()], language)), scale


def _word_at(plain: str, at: int) -> re.Match[str] | None:
    """Match the word directly after a number."""
    at += plain[at : at + 1] in (" ", "\u00a0", "-")
    return _WORD.match(plain, at)


def _scale(word: str, table: lexicon.Lexicon) -> str | None:
    """Return the power of ten for which a folded word stands, or None."""
    return table.value("scale", word) or _english("scale", word)


def _english(table: str, word: str) -> str | None:
    """Look up an English unit, because English units ("10 bn", "USD") appear in every language."""
    return lexicon.of("en").value(table, word)


def _sign(sign: str | None) -> str:
    if not sign:
        return ""
    bare = sign.strip().rstrip(".")
    return _SIGNS.get(bare[-1]) or str(_english("money", fold_word(bare)) or bare)


def _amount(digits: str, language: str) -> float | None:
    """Parse digits. "1.500" is 1500 in German and 1.5 in English."""
    parts = re.split(r"[.,'’]", digits)
    if len(parts) == 1:
        return float(digits)
    marks = re.findall(r"[.,'’]", digits)
    is_grouped = all(len(part) == 3 for part in parts[1:]) and len(parts[0]) <= 3
    if len(set(marks)) == 1 and is_grouped and (len(parts) > 2 or marks[0] != _decimal(language)):
        return float("".join(parts))
    if len(set(marks)) == 1 and len(parts) > 2:
        # Accept Indian grouping (1,00,000). Anything else is a version number or a date.
        return float("".join(parts)) if marks[0] == "," and len(parts[-1]) == 3 else None
    if len(parts) > 2 and not all(len(part) == 3 for part in parts[1:-1]):
        return None
    return float("".join(parts[:-1]) + "." + parts[-1])


@lru_cache(maxsize=lexicon.MOST_LANGUAGES)
def _decimal(language: str) -> str:
    from babel import UnknownLocaleError  # slow to import
    from babel.numbers import get_decimal_symbol

    try:
        return get_decimal_symbol(language)
    except (UnknownLocaleError, ValueError):
        return "."


def _hedge(text_before: str, language: str) -> str:
    last = _WORD.findall(text_before[-24:])[-2:]
    table = lexicon.of(language)
    for word in reversed(last):
        for hedge in ("least", "most", "about"):
            if table.has(hedge, fold_word(word)):
                return hedge
    return ""
