"""Numbers found in a text → rules that may match: the pair index.

A rule is filed under each pair of one number from its rarest group and one from its second rarest, so that a text
visits only the rules of which it has both (docs/decisions/0010-rule-engine.md). Knows no words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import NamedTuple

from bot.rules.prefilter import Group, Needs

#: A rule that would need more pairs is filed under its rarest group alone.
MAX_PAIRS = 64
#: So few second numbers are a tuple, a third of a set: three of four first numbers have no more.
FEW = 4


class _Open(NamedTuple):
    """What a rule's place in the index leaves open."""

    #: Groups that it does not stand under.
    groups: tuple[Group, ...]
    #: Numbers cannot say all of it.
    is_partial: bool
    #: Every group, where some number is unsure: found among the sure ones, they decide.
    doubtful: tuple[Group, ...]


class RuleIndex:
    """Rules under pairs of numbers that must both be found."""

    def __init__(
        self, rules: Sequence[Needs], unsure: AbstractSet[int], weight: Callable[[int], float], count: int
    ) -> None:
        """``weight``: how often a number is likely to be found. ``count``: the highest number."""
        self._unsure = frozenset(unsure)
        self._weight = weight
        #: First number -> second number -> the rules that are under the two.
        self._pairs: dict[int, dict[int, tuple[int, ...]]] = {}
        self._singles: dict[int, tuple[int, ...]] = {}
        #: By rule: none of these may be found.
        self._forbidden: list[Group] = []
        self._open: dict[int, _Open] = {}
        for rule, needs in enumerate(rules):
            self._place(rule, needs)
        #: By first number: the second ones. A set is told apart from what was found without a look at each member, a
        #: list is one look-up, and both are worth the memory where many members lie all over it.
        self._seconds: list[AbstractSet[int] | Group] = [()] * (count + 1)
        for first, inner in self._pairs.items():
            self._seconds[first] = frozenset(inner) if len(inner) > FEW else tuple(inner)
        del self._weight

    def _place(self, rule: int, needs: Needs) -> None:
        weight = self._weight
        ranked = sorted(needs.groups, key=lambda group: sum(map(weight, group)))
        paired = ranked[:2] if len(ranked) > 1 and len(ranked[0]) * len(ranked[1]) <= MAX_PAIRS else ranked[:1]
        is_partial = not needs.is_whole or not self._unsure.isdisjoint(chain(needs.forbidden, *ranked))
        if is_partial or len(paired) < len(ranked):
            is_decided = is_partial and needs.is_whole and self._unsure.isdisjoint(needs.forbidden)
            self._open[rule] = _Open(tuple(ranked[len(paired) :]), is_partial, tuple(ranked) if is_decided else ())
        forbidden = needs.forbidden
        if not self._unsure.isdisjoint(forbidden):
            forbidden = tuple([one for one in forbidden if one not in self._unsure])
        self._forbidden.append(forbidden)
        here = (rule,)
        for first in paired[0]:
            if len(paired) == 1:
                self._singles[first] = self._singles.get(first, ()) + here
                continue
            inner = self._pairs.setdefault(first, {})
            for second in paired[1]:
                inner[second] = inner[second] + here if second in inner else here

    def candidates(self, found: set[int]) -> tuple[set[int], set[int]]:
        """Rules that surely are true of the numbers, and rules that may be."""
        is_apart = found.isdisjoint
        forbidden, open_, pairs, seconds = self._forbidden, self._open, self._pairs, self._seconds
        reached = [rule for first in self._singles.keys() & found for rule in self._singles[first]]
        for first in [first for first in found if not is_apart(seconds[first])]:
            inner = pairs[first]
            for second in found.intersection(seconds[first]):
                reached += inner[second]
        sure = {rule for rule in reached if is_apart(forbidden[rule])}
        partial: set[int] = set()
        if open_:
            certain: set[int] | None = None
            for rule in open_.keys() & sure:
                groups, is_partial, doubtful = open_[rule]
                if groups and any(map(is_apart, groups)):
                    sure.remove(rule)
                elif is_partial:
                    certain = found - self._unsure if certain is None else certain
                    if not doubtful or any(map(certain.isdisjoint, doubtful)):
                        sure.remove(rule)
                        partial.add(rule)
        return sure, partial
