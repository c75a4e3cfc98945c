"""Warn of terms whose writing hides other forms: words in capitals that are not acronyms, nouns without their plural.

How the news at large writes a word decides about capitals (bot.language.background), a list of nouns about plurals, so
that a rare word, a verb and an adjective never cause a warning.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.language import background, tokens, words
from bot.rules import expression, patterns, stemming
from bot.rules.common_words import COMMON_WORDS, COUNTED_NOUNS
from bot.rules.errors import RuleProblem

#: A word of the language is in at least so many news items, and at most this share of its uses is in capitals.
_COMMON_RATE = 10 / 10_000
_MOST_CAPITALS = 1 / 9
#: A word in fewer news items may be a rare name.
_WORD_RATE = 1 / 10_000


def in_capitals(leaf: expression.Words, place: tuple[str | int, ...], start: int, end: int) -> Iterator[RuleProblem]:
    """Warn of words of the language in capitals, which match in capitals only: ``DATA BREACH``."""
    elements = leaf.pattern.elements
    if leaf.pattern.is_capitals and all(_is_common(element.text, is_alone=len(elements) == 1) for element in elements):
        yield RuleProblem(
            place=place,
            start=start,
            end=end,
            code="capital-words",
            message=f'"{leaf.text}" matches only in capitals',
            help=f"write {leaf.text.lower()}; or, if it is an acronym, {{{leaf.text}}}",
        )


def is_word_and_name(text: str) -> bool:
    """Return whether the news at large also writes a capitalised word in small letters: Apple, Orange, Shell."""
    table = background.table()
    folded = tokens.fold(text)
    return (
        text[:1].isupper()
        and text[1:].islower()
        and text.isalpha()
        and table.rates.get(folded, 0) >= _WORD_RATE
        and table.capitals.get(folded, 1) < 1
    )


def without_plural(leaf: expression.Words, terms: list[expression.Words]) -> str | None:
    """Return the plural that neither the term nor the terms of the same part match; None if none is missed."""
    *first_words, last = leaf.pattern.elements
    is_plain = last.shape is patterns.Shape.WORD and last.form is patterns.Form.PLAIN and not leaf.is_exact
    if not is_plain or not leaf.text.endswith(last.text) or last.text not in COUNTED_NOUNS:
        return None
    # "under attack" has no plural.
    if first_words and first_words[-1].text in COMMON_WORDS:
        return None
    plural = leaf.text.removesuffix(last.text) + stemming.s_form(last.text)
    plural_words = [element.text for element in expression.words(plural).pattern.elements]
    return None if any(_finds(other, plural_words) for other in terms) else plural


def _finds(term: expression.Words, plural_words: list[str]) -> bool:
    elements = term.pattern.elements
    return len(elements) == len(plural_words) and all(
        element.fits(word, word, word) for element, word in zip(elements, plural_words, strict=True)
    )


def _is_common(word: str, *, is_alone: bool) -> bool:
    table = background.table()
    # A word alone is not stemmed: AIDS is not an aid.
    folded = tokens.fold(word) if is_alone else words.stem(word)
    is_word = table.rates.get(folded, 0) >= _COMMON_RATE and table.capitals.get(folded, 1) <= _MOST_CAPITALS
    return len(word) >= 4 and is_word
