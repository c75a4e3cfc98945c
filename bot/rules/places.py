"""Where in a text the numbers of terms are, and whether two groups of them are as near each other as a rule wants.

Knows no words.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain

from bot.rules.prefilter import Distance, Group
from bot.rules.tokenizer import BREAK_WORD, NOTHING, Said

#: More words than any rule may want between: nothing in a title is near anything in its text.
_APART = 1 << 20


class Places:
    """The places in a title and a text: of each number the words at which it begins."""

    def __init__(self, said: Iterable[Said], in_title: int) -> None:
        """``said``: what each word says, a title's first, with BREAK_WORD between; ``in_title``: words of the title."""
        self._firsts: dict[int, list[int]] = defaultdict(list)
        #: Words of a phrase behind its first.
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
        """A phrase of so many words, found from left to right; ``at`` counts breaks too."""
        index = at - bisect_left(self._breaks, at)
        self._firsts[number].append(index if index < self._in_title else index + _APART)
        self._more[number] = size - 1

    def rename(self, in_title: Mapping[int, int], in_text: Mapping[int, int]) -> None:
        """Terms of one field have a number of their own, by the number that they have anywhere."""
        for scoped, start, end in ((in_title, 0, _APART), (in_text, _APART, sys.maxsize)):
            for number in scoped.keys() & self._firsts.keys():
                places = self._firsts[number]
                self._firsts[scoped[number]] = places[bisect_left(places, start) : bisect_left(places, end)]

    def hold(self, wanted: Iterable[Distance]) -> bool:
        """Whether all of them are as they must be."""
        return all(self._are_near(one) is one.is_wanted for one in wanted)

    def _are_near(self, wanted: Distance) -> bool:
        """Whether one of either side is at most so many words from one of the other."""
        left, right = self._side(wanted.left), self._side(wanted.right)
        return _follows(left, right, wanted.words) or (not wanted.is_ordered and _follows(right, left, wanted.words))

    def _side(self, group: Group) -> tuple[list[int], list[int]]:
        """First and last words of all that is there, each ascending."""
        found = [number for number in group if number in self._firsts]
        if len(found) == 1:
            firsts = self._firsts[found[0]]
            more = self._more.get(found[0])
            return firsts, [first + more for first in firsts] if more else firsts
        firsts = sorted(chain.from_iterable([self._firsts[number] for number in found]))
        if self._more.keys().isdisjoint(found):
            return firsts, firsts
        lasts = [first + self._more.get(number, 0) for number in found for first in self._firsts[number]]
        return firsts, sorted(lasts)


def _follows(before: tuple[list[int], list[int]], after: tuple[list[int], list[int]], words: int) -> bool:
    firsts = after[0]
    for last in before[1]:
        index = bisect_right(firsts, last)
        if index == len(firsts):
            return False
        if firsts[index] - last - 1 <= words:
            return True
    return False
