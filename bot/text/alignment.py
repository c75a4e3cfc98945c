"""Align two sequences of words in linear time.

Like ``difflib``, finds the longest common run, then the longest run on each side of it, and so on. difflib takes cubic
time if words repeat often. This module limits the steps; when they are used up, the rest counts as replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

#: Maximum steps per word of both sequences. Ordinary articles take at most a fifth.
STEPS_A_WORD = 50

Kind = Literal["equal", "replace", "delete", "insert"]


class AlignedWords(msgspec.Struct, frozen=True):
    """An alignment of ``words[start:end]`` with ``other_words[other_start:other_end]``."""

    kind: Kind
    start: int
    end: int
    other_start: int
    other_end: int


def align(words: Sequence[str], other_words: Sequence[str]) -> tuple[AlignedWords, ...]:
    """Return equal and different stretches, in order, which together cover both sequences.

    >>> [(part.kind, part.start, part.end) for part in align("a b c".split(), "a x c".split())]
    [('equal', 0, 1), ('replace', 1, 2), ('equal', 2, 3)]
    """
    stretches: list[AlignedWords] = []
    at = other_at = 0
    for start, other_start, length in (*_common_runs(words, other_words), (len(words), len(other_words), 0)):
        if at < start or other_at < other_start:
            stretches.append(AlignedWords(_kind(at < start, other_at < other_start), at, start, other_at, other_start))
        at, other_at = start + length, other_start + length
        if length:
            stretches.append(AlignedWords("equal", start, at, other_start, other_at))
    return tuple(stretches)


def _kind(is_gone: bool, is_come: bool) -> Kind:
    if is_gone and is_come:
        return "replace"
    return "delete" if is_gone else "insert"


def _common_runs(words: Sequence[str], other_words: Sequence[str]) -> list[tuple[int, int, int]]:
    """Return start, start in the other sequence, and length of each equal run, in order. Join adjacent runs."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(other_words):
        places.setdefault(word, []).append(place)
    search = _Search(words, places, steps=STEPS_A_WORD * (len(words) + len(other_words)))
    runs: list[tuple[int, int, int]] = []
    ranges = [(0, len(words), 0, len(other_words))]
    while ranges:
        low, high, other_low, other_high = ranges.pop()
        start, other_start, length = search.longest(low, high, other_low, other_high)
        if not length:
            continue
        runs.append((start, other_start, length))
        if low < start and other_low < other_start:
            ranges.append((low, start, other_low, other_start))
        if start + length < high and other_start + length < other_high:
            ranges.append((start + length, high, other_start + length, other_high))
    return _joined(sorted(runs))


def _joined(runs: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    joined: list[tuple[int, int, int]] = []
    for start, other_start, length in runs:
        if joined and joined[-1][0] + joined[-1][2] == start and joined[-1][1] + joined[-1][2] == other_start:
            joined[-1] = (*joined[-1][:2], joined[-1][2] + length)
        else:
            joined.append((start, other_start, length))
    return joined


class _Search:
    def __init__(self, words: Sequence[str], places: Mapping[str, Sequence[int]], *, steps: int) -> None:
        self._words = words
        self._places = places
        self._steps = steps

    def longest(self, low: int, high: int, other_low: int, other_high: int) -> tuple[int, int, int]:
        """Return the first longest run that is common to both ranges. Its length is 0 if the steps are used up."""
        best = (low, other_low, 0)
        #: Position in the other sequence -> length of the run that ends there and at the previous word.
        ending: dict[int, int] = {}
        for at in range(low, high):
            ending_here: dict[int, int] = {}
            self._steps -= 1
            for place in self._places.get(self._words[at], ()):
                if place >= other_high:
                    break
                self._steps -= 1
                if place < other_low:
                    continue
                length = ending_here[place] = ending.get(place - 1, 0) + 1
                if length > best[2]:
                    best = (at - length + 1, place - length + 1, length)
            if self._steps < 0:
                return low, other_low, 0
            ending = ending_here
        return best
