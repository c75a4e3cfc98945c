"""What two sequences of words have in common, in order, in a number of steps that grows with their length only.

Finds the longest common run, then the longest on each side of it, as ``difflib`` does; but counts its steps. Where
words repeat so often that the steps run out, what is left counts as replaced: on such text difflib takes cubic time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

#: Steps for each word of both sides. Sentences and articles that people write take a fifth of it at most.
STEPS_A_WORD = 50

Kind = Literal["equal", "replace", "delete", "insert"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """``one[start:end]`` against ``other[other_start:other_end]``."""

    kind: Kind
    start: int
    end: int
    other_start: int
    other_end: int


def align(one: Sequence[str], other: Sequence[str]) -> tuple[Stretch, ...]:
    """Stretches that cover both sequences, in order: equal ones, and what stands between them.

    >>> [(each.kind, each.start, each.end) for each in align("a b c".split(), "a x c".split())]
    [('equal', 0, 1), ('replace', 1, 2), ('equal', 2, 3)]
    """
    found: list[Stretch] = []
    at = other_at = 0
    for start, other_start, length in (*_common_runs(one, other), (len(one), len(other), 0)):
        if at < start or other_at < other_start:
            found.append(Stretch(_kind(at < start, other_at < other_start), at, start, other_at, other_start))
        at, other_at = start + length, other_start + length
        if length:
            found.append(Stretch("equal", start, at, other_start, other_at))
    return tuple(found)


def _kind(is_gone: bool, is_come: bool) -> Kind:
    if is_gone and is_come:
        return "replace"
    return "delete" if is_gone else "insert"


def _common_runs(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int, int]]:
    """Where equal stretches begin on both sides, and their lengths, in order; neighbours are one."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(other):
        places.setdefault(word, []).append(place)
    search = _Search(one, places, steps=STEPS_A_WORD * (len(one) + len(other)))
    runs: list[tuple[int, int, int]] = []
    ranges = [(0, len(one), 0, len(other))]
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
    def __init__(self, one: Sequence[str], places: Mapping[str, Sequence[int]], *, steps: int) -> None:
        self._one = one
        self._places = places
        self._steps = steps

    def longest(self, low: int, high: int, other_low: int, other_high: int) -> tuple[int, int, int]:
        """The longest run that both ranges have, the first of several; its length is 0 where the steps are over."""
        best = (low, other_low, 0)
        #: By a place of the other side: how long the run is that ends there and at the word before.
        ending: dict[int, int] = {}
        for at in range(low, high):
            here: dict[int, int] = {}
            self._steps -= 1
            for place in self._places.get(self._one[at], ()):
                if place >= other_high:
                    break
                self._steps -= 1
                if place < other_low:
                    continue
                length = here[place] = ending.get(place - 1, 0) + 1
                if length > best[2]:
                    best = (at - length + 1, place - length + 1, length)
            if self._steps < 0:
                return low, other_low, 0
            ending = here
        return best
