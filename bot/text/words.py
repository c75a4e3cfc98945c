"""Words as grouping sees them: folded stems with what their writing tells (capital, first of a sentence).

Faster and coarser than bot.text.tokens, which is exact because rules are; here a near miss costs a little weight.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

#: A number with its inner marks (5,000 or 3.5), a word with its inner apostrophes, initials (U.S.).
_TOKEN = re.compile(r"(\d+(?:[.,]\d+)*|(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’][^\W\d_]+)*)")
_SENTENCE_END = re.compile(r"[.!?:;…\n\"“”«»|]|(?<!\w)['‘-]|—|–")
#: Scripts without spaces: each pair of characters is a word.
_RUN = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_MARK = re.compile(r"[\u0300-\u036f]")


class Word(NamedTuple):
    """One word of a text."""

    stem: str
    #: As written.
    text: str
    is_capital: bool
    #: The first of a sentence or quote, where a capital says nothing.
    opens: bool


@lru_cache(maxsize=1 << 16)
def fold(word: str) -> str:
    """Without case and without accents on Latin and Greek letters."""
    word = word.casefold().replace("’", "'")
    return word if word.isascii() else unicodedata.normalize("NFC", _MARK.sub("", unicodedata.normalize("NFKD", word)))


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Fold and take off an English plural: enough for "order", "Orders" and "order’s" to meet."""
    word = fold(word)
    word = word.removesuffix("'s").removesuffix("'").replace(".", "") if not word[0].isdigit() else word
    word = word.replace(",", "")
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def without_possessive(word: str) -> str:
    """Pakistan’s → Pakistan."""
    return word.replace("’", "'").removesuffix("'s").removesuffix("'S")


def words_of(text: str) -> Iterator[Word]:
    """The words of a text in order."""
    # Gap, word, gap, word, …, gap: an object for each match takes most of the time.
    parts = _TOKEN.split(text)
    before = ""
    for gap, word in zip(parts[::2], parts[1::2], strict=False):
        # Most gaps are one space.
        opens = not before or (gap != " " and _ends_sentence(before[-1] == ".", gap))
        before = word
        found = _written(word)
        if found:
            yield found[opens]
        elif found is None:
            for pair in _pairs(word):
                yield Word(pair, pair, False, opens)


@lru_cache(maxsize=1 << 10)
def _ends_sentence(is_behind_stop: bool, gap: str) -> bool:
    """Whether a sentence or quote ends between two words; a mark behind a letter may be inside a word."""
    return _SENTENCE_END.search(("." if is_behind_stop else "a") + gap, 1) is not None


@lru_cache(maxsize=1 << 16)
def _written(word: str) -> tuple[Word, Word] | tuple[()] | None:
    """The word where it opens no sentence and where it opens one; none where nothing is left; None: a run."""
    if not word.isascii() and _RUN.search(word):
        return None
    root, is_capital = stem(word), word[0].isupper()
    return (Word(root, word, is_capital, False), Word(root, word, is_capital, True)) if root else ()


def _pairs(run: str) -> Iterable[str]:
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


def is_headline_case(found: Sequence[Word]) -> bool:
    """Nearly every longer word wears a capital, so that a capital tells no name."""
    long = [token.is_capital for token in found if len(token.stem) > 3 and not token.stem[0].isdigit()]
    return sum(long) * 10 >= 7 * len(long)
