"""Numbers found in a text → rules that may match: the pair index.

A rule stands under each pair of one number from its rarest group and one from its second rarest, so that a text visits
only the rules of which it has both (docs/decisions/0010-rule-engine.md). Knows no words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import NamedTuple

from bot.rules.required import Group, Needs

#: ``set.isdisjoint`` goes through all of what is no set, and through the smaller of two sets.
FEW_SECONDS = 32
#: A rule that would need more pairs stands under its rarest group alone.
MAX_PAIRS = 64


class _Entry(NamedTuple):
    """A rule as the index holds it."""

    rule: int
    #: Groups that its place in the index leaves open.
    others: tuple[Group, ...]
    forbidden: Group | None
    #: Numbers cannot say all of it.
    is_partial: bool
    #: Every group, where some number is unsure: found among the sure ones, they decide.
    doubtful: tuple[Group, ...]


_Bucket = tuple[_Entry, ...]


class Index:
    def __init__(self, rules: Sequence[Needs], unsure: AbstractSet[int], weight: Callable[[int], float]) -> None:
        self._unsure = frozenset(unsure)
        self._weight = weight
        self._pairs: dict[int, dict[int, _Bucket]] = {}
        #: The keys of each inner dict, in the form in which a set is told apart from them fastest.
        self._seconds: dict[int, Iterable[int]] = {}
        self._singles: dict[int, _Bucket] = {}
        for rule, needs in enumerate(rules):
            self._place(rule, needs)
        for first, inner in self._pairs.items():
            self._seconds[first] = inner if len(inner) <= FEW_SECONDS else frozenset(inner)
        del self._weight

    def _place(self, rule: int, needs: Needs) -> None:
        weight = self._weight
        ranked = sorted(needs.groups, key=lambda group: sum(map(weight, group)))
        is_doubtful = not needs.is_whole or not self._unsure.isdisjoint(chain(needs.forbidden, *ranked))
        paired = ranked[:2] if len(ranked) > 1 and len(ranked[0]) * len(ranked[1]) <= MAX_PAIRS else ranked[:1]
        entry = _Entry(
            rule,
            tuple(ranked[len(paired) :]),
            tuple([one for one in needs.forbidden if one not in self._unsure]) or None,
            is_doubtful,
            tuple(ranked) if is_doubtful and needs.is_whole and self._unsure.isdisjoint(needs.forbidden) else (),
        )
        bucket = (entry,)
        for first in paired[0]:
            if len(paired) == 1:
                self._singles[first] = self._singles.get(first, ()) + bucket
                continue
            inner = self._pairs.setdefault(first, {})
            for second in paired[1]:
                inner[second] = inner[second] + bucket if second in inner else bucket

    def candidates(self, found: set[int]) -> tuple[set[int], set[int]]:
        """Rules that surely are true of the numbers, and rules that may be."""
        sure: set[int] = set()
        partial: set[int] = set()
        buckets = [self._singles[first] for first in self._singles.keys() & found]
        pairs, seconds, is_apart = self._pairs, self._seconds, found.isdisjoint
        for first in [first for first in pairs.keys() & found if not is_apart(seconds[first])]:
            inner = pairs[first]
            if len(inner) <= FEW_SECONDS:
                buckets += [bucket for second, bucket in inner.items() if second in found]
            else:
                buckets += [inner[second] for second in inner.keys() & found]
        certain: set[int] | None = None
        for bucket in buckets:
            for rule, others, forbidden, is_partial, doubtful in bucket:
                if forbidden is not None and not found.isdisjoint(forbidden):
                    continue
                if others and any(map(found.isdisjoint, others)):
                    continue
                if not is_partial:
                    sure.add(rule)
                    continue
                if doubtful:
                    certain = found - self._unsure if certain is None else certain
                    if not any(map(certain.isdisjoint, doubtful)):
                        sure.add(rule)
                        continue
                partial.add(rule)
        return sure, partial - sure
