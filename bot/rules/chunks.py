"""Text → chunks between white space, and what each chunk says as one small number.

Knows what marks do to words; knows no term.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

from bot import text
from bot.rules.memo import Memo

#: Chunks remembered, and as many of before: some 10 MB, and nearly all of a day's news by count.
MEMO_CHUNKS = 1 << 15
#: Longer chunks (addresses, Chinese clauses) hardly come back.
MEMO_CHARACTERS = 40
#: Things said that are no single number, some 500 bytes each; beyond them all is forgotten. With 40,000 rules there are
#: 28,000 after 720 long texts of the bench.
MAX_SAID = 1 << 16

#: Stands for the end of a phrase among chunks.
BREAK = "\x00"

#: What typographers write, in the characters that ``text.normalise`` and ``text.gap_form`` take it for.
_TYPOGRAPHIC = (("’", "'"), ("‘", "'"), ("“", '"'), ("”", '"'), ("–", " "), ("—", " "), ("…", " … "))
#: Marks that belong to no word, set apart so that a word has few chunks: «door», not «(door», «door,». Rare marks are
#: not worth the time; a comma or a full stop may be inside a number or an abbreviation.
_APART = (("(", " ( "), (", ", " , "), (". ", " . "))
#: So are these, but for a possessive behind them (U.S.'s, "Acme"'s).
_BEFORE_POSSESSIVE = (('"', ' " '), (")", " ) "))
#: ``text.BLANK_LINE`` in ASCII without carriage returns, several times faster.
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


def split(string: str) -> list[str]:
    """The chunks of a text; BREAK and lone marks are some of them."""
    if "\n" in string or "\r" in string or not string.isascii():
        is_plain = string.isascii() and "\r" not in string
        string = (_BLANK_LINE if is_plain else text.BLANK_LINE).sub(f" {BREAK} ", string)
        if not is_plain:
            for written, meant in _TYPOGRAPHIC:
                string = string.replace(written, meant)
    if string.isascii():
        # In other text something invisible may stand between the mark and the possessive.
        for mark, apart in _BEFORE_POSSESSIVE:
            if mark in string and f"{mark}'" not in string:
                string = string.replace(mark, apart)
    for mark, apart in _APART:
        string = string.replace(mark, apart)
    return string.replace("-", " ").split()


class Said(NamedTuple):
    """What a chunk says."""

    #: Of the terms that its words are.
    numbers: tuple[int, ...]
    #: The number of each word that phrases have, in order; 0 is any other word, and wherever a phrase must end.
    sequence: tuple[int, ...]


class Chunks:
    """Chunk → one number: of the one term that it is, 0 for nothing, or of what else it says.

    Safe for several threads; never forgets what a reader of ``numbers`` may still hold, so it is thrown away when full.
    """

    def __init__(self, look: Callable[[str], Said], *, count: int) -> None:
        """``count``: the terms' numbers end there."""
        self._look = look
        self._lock = threading.Lock()
        self._known: dict[Said, int] = {}
        self._memo = Memo(self._number, size=MEMO_CHUNKS, longest=MEMO_CHARACTERS)
        self._limit = count + MAX_SAID
        #: Number -> the phrase word that it is; -1: several.
        self._words = list(range(count + 1))
        #: Of numbers that are no term's.
        self._several: dict[int, tuple[int, ...]] = {}
        self._sequences: dict[int, tuple[int, ...]] = {}

    @property
    def is_full(self) -> bool:
        return len(self._words) > self._limit

    def numbers(self, chunks: list[str]) -> list[int]:
        return [*map(self._memo.__getitem__, chunks)]

    def found(self, numbers: list[int]) -> set[int]:
        """The terms found; other numbers may be among them, which no term has."""
        found = set(numbers)
        if several := self._several.keys() & found:
            found.update(*map(self._several.__getitem__, several))
        return found

    def sequence(self, numbers: list[int]) -> list[int]:
        """The phrase words in order."""
        words = [*map(self._words.__getitem__, numbers)]
        if -1 not in words:
            return words
        pieces = [
            (word,) if word >= 0 else self._sequences[number] for number, word in zip(numbers, words, strict=True)
        ]
        return [*chain.from_iterable(pieces)]

    def _number(self, chunk: str) -> int:
        said = self._look(chunk)
        numbers, sequence = said
        if not any(sequence):
            sequence = (0,)
            if len(numbers) <= 1:
                # The number of an ending or of an exact word begins no phrase.
                return numbers[0] if numbers else 0
        elif len(numbers) == 1 and numbers == sequence:
            return numbers[0]
        with self._lock:
            known = self._known.get(said)
            if known is None:
                known = self._known[said] = len(self._words)
                self._several[known] = numbers
                self._sequences[known] = sequence
                self._words.append(sequence[0] if len(sequence) == 1 else -1)
        return known
