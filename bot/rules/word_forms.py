"""Warnings of terms whose writing hides other forms: words in capitals that are no acronym, nouns without their plural.

Capitals are judged by how the news at large writes a word (bot.language.background), plurals by a list of nouns, so
that a rare word, a verb and an adjective are never warned of.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.language import background, tokens, words
from bot.rules import expression, patterns, stemming
from bot.rules.common_words import COMMON_WORDS, COUNTED_NOUNS
from bot.rules.errors import RuleProblem

#: In so many of 10,000 news items, and hardly ever as a name: a word of the language.
_COMMON_RATE = 10 / 10_000
_MOST_CAPITALS = 1 / 9
#: In so few of 10,000 news items a word may be a rare name.
_WORD_RATE = 1 / 10_000


def in_capitals(leaf: expression.Words, place: tuple[str | int, ...], start: int, end: int) -> Iterator[RuleProblem]:
    """``DATA BREACH``: words of the language in capitals, which match in capitals only."""
    elements = leaf.pattern.elements
    if leaf.pattern.is_capitals and all(_is_common(each.text, is_alone=len(elements) == 1) for each in elements):
        yield RuleProblem(
            place=place,
            start=start,
            end=end,
            code="capital-words",
            message=f'"{leaf.text}" matches only in capitals',
            help=f"write {leaf.text.lower()}; or, if it is an acronym, {{{leaf.text}}}",
        )


def is_word_and_name(text: str) -> bool:
    """Whether a capitalised word is also written in small letters by the news at large: Apple, Orange, Shell."""
    known = background.table()
    folded = tokens.fold(text)
    return (
        text[:1].isupper()
        and text[1:].islower()
        and text.isalpha()
        and known.rates.get(folded, 0) >= _WORD_RATE
        and known.capitals.get(folded, 1) < 1
    )


def without_plural(leaf: expression.Words, beside: list[expression.Words]) -> str | None:
    """The plural that the term does not find, nor any of the terms beside it; None: nothing is missed."""
    *before, last = leaf.pattern.elements
    is_plain = last.shape is patterns.Shape.WORD and last.form is patterns.Form.PLAIN and not leaf.is_exact
    if not is_plain or not leaf.text.endswith(last.text) or last.text not in COUNTED_NOUNS:
        return None
    # "under attack" has no plural.
    if before and before[-1].text in COMMON_WORDS:
        return None
    plural = leaf.text.removesuffix(last.text) + stemming.s_form(last.text)
    wanted = [each.text for each in expression.words(plural).pattern.elements]
    return None if any(_finds(other, wanted) for other in beside) else plural


def _finds(term: expression.Words, wanted: list[str]) -> bool:
    elements = term.pattern.elements
    return len(elements) == len(wanted) and all(
        element.fits(word, word, word) for element, word in zip(elements, wanted, strict=True)
    )


def _is_common(word: str, *, is_alone: bool) -> bool:
    known = background.table()
    # Alone without a look at its stem: AIDS is no aid.
    folded = tokens.fold(word) if is_alone else words.stem(word)
    is_word = known.rates.get(folded, 0) >= _COMMON_RATE and known.capitals.get(folded, 1) <= _MOST_CAPITALS
    return len(word) >= 4 and is_word
