"""Numbers found in a text → rules that may match: the pair index.

A rule is filed under each pair of one number from its rarest group and one from its second rarest, so that a text
visits only the rules of which it has both (docs/decisions/0010-rule-engine.md). Knows no words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import NamedTuple

from bot.rules.prefilter import Distance, Group, Needs, chosen

#: A rule that would need more pairs is filed under its rarest group alone.
MAX_PAIRS = 64
#: So few second numbers are a tuple, a third of a set: nine of ten first numbers have no more.
FEW = 4
#: So few rules of one first number are looked at one by one: a dictionary of their pairs is ten times as big.
FEW_RULES = 8


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

    def __init__(self, rules: Iterable[Needs], unsure: AbstractSet[int], weights: Sequence[int]) -> None:
        """``weights``: by number, how often it is likely to be found."""
        self._unsure = frozenset(unsure)
        #: By rule: the group of its first numbers, and of its second ones; empty: it needs no second.
        self._first: list[Group] = []
        self._second: list[Group] = []
        #: By rule: none of these may be found.
        self._forbidden: list[Group] = []
        self._open: dict[int, _Open] = {}
        #: Of rules of which numbers and their places say all: what must be near.
        self.distances: dict[int, tuple[Distance, ...]] = {}
        self._singles: dict[int, tuple[int, ...]] = {}
        #: By first number: the rules with a second one.
        self._under: list[tuple[int, ...]] = [()] * len(weights)
        #: First number of many rules -> second number -> the rules that are under the two.
        self._pairs: dict[int, dict[int, tuple[int, ...]]] = {}
        #: By first number: the second ones. A set is told apart from what was found without a look at each member, a
        #: list is one look-up, and both are worth the memory where many members lie all over it.
        self._seconds: list[AbstractSet[int] | Group] = [()] * len(weights)
        self._place_all(rules, weights.__getitem__)

    def _place_all(self, rules: Iterable[Needs], weight: Callable[[int], float]) -> None:
        shared: dict[Group, Group] = {}
        under: dict[int, list[int]] = {}
        for rule, needs in enumerate(rules):
            self._place(rule, needs, weight, shared)
            here = (rule,)
            for first in self._first[rule]:
                if not self._second[rule]:
                    self._singles[first] = self._singles.get(first, ()) + here
                elif self._under[first]:
                    under.setdefault(first, [*self._under[first]]).append(rule)
                else:
                    self._under[first] = here
                    # Most have no more, and then nothing is made for them.
                    self._seconds[first] = self._second[rule]
        while under:
            first, several = under.popitem()
            self._under[first] = tuple(several)
            seconds = {*chain.from_iterable([self._second[rule] for rule in several])}
            # Copied from a set it is as small as can be, from anything else twice or four times that.
            self._seconds[first] = frozenset(seconds) if len(seconds) > FEW else tuple(seconds)
            if len(several) > FEW_RULES:
                self._pairs[first] = self._paired(several)

    def _paired(self, rules: Iterable[int]) -> dict[int, tuple[int, ...]]:
        inner: dict[int, tuple[int, ...]] = {}
        for rule in rules:
            here = (rule,)
            for second in self._second[rule]:
                inner[second] = inner[second] + here if second in inner else here
        return inner

    def _place(self, rule: int, needs: Needs, weight: Callable[[int], float], shared: dict[Group, Group]) -> None:
        groups = [shared.setdefault(group, group) for group in chosen(needs, weight)]
        ranked = sorted(groups, key=lambda group: sum(map(weight, group)))
        paired = ranked[:2] if len(ranked) > 1 and len(ranked[0]) * len(ranked[1]) <= MAX_PAIRS else ranked[:1]
        self._first.append(paired[0])
        self._second.append(paired[1] if len(paired) > 1 else ())
        sides = [group for distance in needs.distances for group in distance[:2]]
        is_sure = needs.is_whole and self._unsure.isdisjoint(chain(needs.forbidden, *ranked, *sides))
        if is_sure and sides:
            self.distances[rule] = tuple(
                one._replace(left=shared.setdefault(one.left, one.left), right=shared.setdefault(one.right, one.right))
                for one in needs.distances
            )
        is_partial = not is_sure or bool(sides)
        if is_partial or len(paired) < len(ranked):
            is_decided = is_partial and needs.is_whole and not sides and self._unsure.isdisjoint(needs.forbidden)
            self._open[rule] = _Open(tuple(ranked[len(paired) :]), is_partial, tuple(ranked) if is_decided else ())
        forbidden = needs.forbidden
        if not self._unsure.isdisjoint(forbidden):
            forbidden = tuple([one for one in forbidden if one not in self._unsure])
        self._forbidden.append(shared.setdefault(forbidden, forbidden))

    @property
    def partial(self) -> list[int]:
        """Rules of which numbers and their places cannot say all."""
        return [rule for rule, left in self._open.items() if left.is_partial and rule not in self.distances]

    def several_groups(self) -> Iterator[tuple[int, tuple[Group, ...]]]:
        """The rules that need several things, and each of these."""
        for rule, (first, second) in enumerate(zip(self._first, self._second, strict=True)):
            others = self._open[rule].groups if rule in self._open else ()
            if second or others:
                yield rule, (first, second, *others) if second else (first, *others)

    def candidates(self, found: set[int]) -> tuple[set[int], set[int]]:
        """Rules that surely are true of the numbers, and rules that may be."""
        is_apart = found.isdisjoint
        forbidden, open_, pairs, seconds = self._forbidden, self._open, self._pairs, self._seconds
        reached = [rule for first in self._singles.keys() & found for rule in self._singles[first]]
        for first in [first for first in found if not is_apart(seconds[first])]:
            here = self._under[first]
            if len(here) == 1:
                reached += here
            elif inner := pairs.get(first):
                for second in found.intersection(seconds[first]):
                    reached += inner[second]
            else:
                reached += [rule for rule in here if not is_apart(self._second[rule])]
        sure = {rule for rule in reached if is_apart(forbidden[rule])}
        partial: set[int] = set()
        if open_:
            certain: set[int] | None = None
            for rule in open_.keys() & sure:
                groups, is_partial, doubtful = open_[rule]
                if groups and any(map(is_apart, groups)):
                    sure.remove(rule)
                elif is_partial:
                    if doubtful and certain is None:
                        certain = found - self._unsure
                    if certain is None or not doubtful or any(map(certain.isdisjoint, doubtful)):
                        sure.remove(rule)
                        partial.add(rule)
        return sure, partial
