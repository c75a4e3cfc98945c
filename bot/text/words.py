"""Split text into words for grouping: folded stems, with their capitals and positions at the start of a sentence.

Faster and less exact than bot.text.tokens, which rules use. In grouping, a mistake changes a weight only slightly.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from bot.patterns import LazyPattern

#: A number with inner punctuation (5,000 or 3.5), initials (U.S.), or a word with inner apostrophes.
_TOKEN = LazyPattern(r"(\d+(?:[.,]\d+)*|(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’][^\W\d_]+)*)")
_SENTENCE_END = LazyPattern(r"[.!?:;…\n\"“”«»|]|(?<!\w)['‘-]|—|–")
#: Text in a script without spaces, in which each pair of characters counts as a word.
_RUN = LazyPattern(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_MARK = LazyPattern(r"[\u0300-\u036f]")


class StemmedWord(NamedTuple):
    """One word of a text."""

    stem: str
    #: The word as written.
    text: str
    is_capital: bool
    #: Whether it is the first word of a sentence or quote, in which a capital letter means nothing.
    opens: bool


@lru_cache(maxsize=1 << 16)
def fold_word(word: str) -> str:
    """Fold case, and remove accents from Latin and Greek letters."""
    word = word.casefold().replace("’", "'")
    return word if word.isascii() else unicodedata.normalize("NFC", _MARK.sub("", unicodedata.normalize("NFKD", word)))


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Fold a word and remove an English plural, so that "order", "Orders" and "order’s" are equal."""
    word = fold_word(word)
    word = word.removesuffix("'s").removesuffix("'").replace(".", "") if not word[0].isdigit() else word
    word = word.replace(",", "")
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def without_possessive(word: str) -> str:
    """Remove a possessive ending ("Pakistan’s" becomes "Pakistan")."""
    return word.replace("’", "'").removesuffix("'s").removesuffix("'S")


def words_of(text: str) -> Iterator[StemmedWord]:
    """Yield the words of a text in order."""
    # The parts alternate: gap, word, gap, and so on. Splitting is faster than a match object per word.
    parts = _TOKEN.split(text)
    previous = ""
    for gap, word in zip(parts[::2], parts[1::2], strict=False):
        # Check for one space first, because most gaps are one space.
        opens = not previous or (gap != " " and _ends_sentence(previous[-1] == ".", gap))
        previous = word
        forms = _written(word)
        if forms:
            yield forms[opens]
        elif forms is None:
            for at in range(max(1, len(word) - 1)):
                pair = word[at : at + 2]
                yield StemmedWord(pair, pair, False, opens)


@lru_cache(maxsize=1 << 10)
def _ends_sentence(is_behind_stop: bool, gap: str) -> bool:
    """Return whether a sentence or quote ends in the gap between two words."""
    return _SENTENCE_END.search(("." if is_behind_stop else "a") + gap, 1) is not None


@lru_cache(maxsize=1 << 16)
def _written(word: str) -> tuple[StemmedWord, StemmedWord] | tuple[()] | None:
    """Return the word in two forms: inside a sentence, and at its start.

    Return an empty tuple if the stem is empty, and None for text in a script without spaces.
    """
    if not word.isascii() and _RUN.search(word):
        return None
    root, is_capital = stem(word), word[0].isupper()
    return (StemmedWord(root, word, is_capital, False), StemmedWord(root, word, is_capital, True)) if root else ()


def is_headline_case(title_words: Sequence[StemmedWord]) -> bool:
    """Return whether most longer words are capitalised, so that capitals do not indicate names."""
    long = [token.is_capital for token in title_words if len(token.stem) > 3 and not token.stem[0].isdigit()]
    return sum(long) * 10 >= 7 * len(long)
