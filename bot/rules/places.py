"""The places of terms in a text, as numbers, and whether two groups of them are as near as a rule requires."""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain

from bot.rules.prefilter import Distance, Group
from bot.rules.tokenizer import BREAK_WORD, NOTHING, Said

#: More than any distance of a rule, so that nothing in a title is near anything in its text.
_APART = 1 << 20


class Places:
    """By number, the words of a title and a text at which its term begins."""

    def __init__(self, said: Iterable[Said], in_title: int) -> None:
        """Take the numbers of each word, title first, BREAK_WORD between; and the number of words in the title."""
        self._firsts: dict[int, list[int]] = defaultdict(list)
        #: By number, how many words a phrase has behind its first.
        self._more: dict[int, int] = {}
        self._in_title = in_title
        self._breaks: list[int] = []
        index = 0
        for at, word in enumerate(said):
            if word is BREAK_WORD:
                self._breaks.append(at)
                if index == in_title:
                    index += _APART
                continue
            if word is not NOTHING:
                for number in word:
                    self._firsts[number].append(index)
            index += 1

    def add(self, number: int, at: int, size: int) -> None:
        """Add a phrase of ``size`` words, from left to right; ``at`` counts breaks too."""
        index = at - bisect_left(self._breaks, at)
        self._firsts[number].append(index if index < self._in_title else index + _APART)
        self._more[number] = size - 1

    def rename(self, in_title: Mapping[int, int], in_text: Mapping[int, int]) -> None:
        """Give the terms of one field their separate numbers; ``in_title`` and ``in_text`` are by general number."""
        for scoped, start, end in ((in_title, 0, _APART), (in_text, _APART, sys.maxsize)):
            for number in scoped.keys() & self._firsts.keys():
                places = self._firsts[number]
                self._firsts[scoped[number]] = places[bisect_left(places, start) : bisect_left(places, end)]

    def hold(self, distances: Iterable[Distance]) -> bool:
        """Return whether all distances are as required."""
        return all(self._are_near(distance) is distance.is_wanted for distance in distances)

    def _are_near(self, distance: Distance) -> bool:
        """Return whether the two sides are within the distance anywhere."""
        left, right = self._side(distance.left), self._side(distance.right)
        return _follows(left, right, distance.words) or (
            not distance.is_ordered and _follows(right, left, distance.words)
        )

    def _side(self, group: Group) -> tuple[list[int], list[int]]:
        """Return the first and last words of every place of a group, each ascending."""
        numbers = [number for number in group if number in self._firsts]
        if len(numbers) == 1:
            firsts = self._firsts[numbers[0]]
            extra = self._more.get(numbers[0])
            return firsts, [first + extra for first in firsts] if extra else firsts
        firsts = sorted(chain.from_iterable([self._firsts[number] for number in numbers]))
        if self._more.keys().isdisjoint(numbers):
            return firsts, firsts
        lasts = [first + self._more.get(number, 0) for number in numbers for first in self._firsts[number]]
        return firsts, sorted(lasts)


def _follows(left: tuple[list[int], list[int]], right: tuple[list[int], list[int]], words: int) -> bool:
    firsts = right[0]
    for last in left[1]:
        index = bisect_right(firsts, last)
        if index == len(firsts):
            return False
        if firsts[index] - last - 1 <= words:
            return True
    return False
