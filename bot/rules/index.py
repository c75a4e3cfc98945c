"""Find the rules that may match a text, by pairs of term numbers.

A rule needs one number of each of its groups. It is filed under each pair of a number from its rarest group and a
number from its second rarest group, so that a text reaches only rules for which it has both numbers
(docs/decisions/0010-rule-engine.md). The index has no words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import NamedTuple, TypeAlias, TypeGuard

from bot.rules import expression
from bot.rules.parts import LineKind, Part

#: Alternative numbers, ascending. A tuple, because a small frozenset is four times as big, and ``set.isdisjoint``
#: accepts both.
Group = tuple[int, ...]


class Alternatives(NamedTuple):
    """An OR, with the needs of each alternative. The index uses only the rarest need of each alternative."""

    alternatives: tuple[tuple[Need, ...], ...]


Need: TypeAlias = Group | Alternatives


class Distance(NamedTuple):
    """A condition: a word of each group, with at most ``words`` words between them."""

    left: Group
    right: Group
    words: int
    is_ordered: bool
    #: Whether the condition must be true; if not, it must be false.
    is_wanted: bool


class Needs(NamedTuple):
    """The conditions of a rule on the numbers of a text."""

    #: A text must have at least one number of each group.
    groups: tuple[Need, ...]
    #: Numbers that a text must not have. Unsure numbers among them exclude no text.
    forbidden: Group
    #: Whether the groups, ``forbidden`` and the distances alone decide the rule.
    is_whole: bool
    distances: tuple[Distance, ...]


def find_needs(parts: Iterable[Part], number: Callable[[expression.Leaf], int]) -> Needs:
    """Return the numbers that a text must have, and must not have, for these parts to match."""
    groups: list[Need] = []
    either: list[list[Need]] = []
    forbidden: set[int] = set()
    distances: list[Distance] = []
    is_whole = True
    for part in parts:
        is_simple = _is_simple(part.expression)
        if _is_distance(part.expression) and part.kind is not LineKind.ANY:
            distances.append(_make_distance(part.expression, number, is_wanted=part.kind is not LineKind.NONE))
        elif not is_simple:
            is_whole = False
        if part.kind is LineKind.NONE:
            if is_simple:
                forbidden.update(map(number, expression.leaves(part.expression)))
        elif part.kind is LineKind.ALL:
            groups += _required_needs(part.expression, number)
        else:
            either.append(_required_needs(part.expression, number))
    if either:
        groups.append(_join_needs(either))
    return Needs(tuple(dict.fromkeys(groups)), _make_group(forbidden), is_whole, tuple(distances))


def choose_groups(needs: Needs, weight: Callable[[int], float]) -> tuple[Group, ...]:
    """Return the groups. For each alternative of a choice, use the need that is rarest in texts, by ``weight``."""
    return tuple(dict.fromkeys([_choose_group(need, weight) for need in needs.groups]))


def _choose_group(need: Need, weight: Callable[[int], float]) -> Group:
    if not isinstance(need, Alternatives):
        return need
    best = [
        min([_choose_group(alternative, weight) for alternative in needs], key=lambda group: sum(map(weight, group)))
        for needs in need.alternatives
    ]
    return _make_group(chain(*best))


def _make_group(numbers: Iterable[int]) -> Group:
    return tuple(sorted(set(numbers)))


def _is_simple(tree: expression.Expression) -> bool:
    """Return whether the expression is a term or an OR of terms."""
    if isinstance(tree, expression.Any | expression.Named):
        return all(map(_is_simple, tree.parts))
    return isinstance(tree, expression.Words)


def _is_distance(tree: expression.Expression) -> TypeGuard[expression.Near]:
    return isinstance(tree, expression.Near) and _is_simple(tree.left) and _is_simple(tree.right)


def _make_distance(node: expression.Near, number: Callable[[expression.Leaf], int], *, is_wanted: bool) -> Distance:
    left, right = (_make_group(map(number, expression.leaves(side))) for side in (node.left, node.right))
    return Distance(left, right, node.words, node.is_ordered, is_wanted)


def _required_needs(tree: expression.Expression, number: Callable[[expression.Leaf], int]) -> list[Need]:
    """Return the needs that every matching text meets; empty if nothing has to match."""
    match tree:
        case expression.Not():
            return []
        case expression.All(parts):
            return [need for part in parts for need in _required_needs(part, number)]
        case expression.Near(left, right):
            return _required_needs(left, number) + _required_needs(right, number)
        case expression.Window(parts):
            return [(number(part),) for part in parts] if tree.field is None else [(number(tree),)]
        case expression.Any(parts) | expression.Named(_, parts):
            if _is_simple(tree):
                return [_make_group(map(number, expression.leaves(tree)))]
            alternatives = [_required_needs(part, number) for part in parts]
            return [_join_needs(alternatives)] if all(alternatives) else []
        case _:
            return [(number(tree),)]


def _join_needs(alternatives: list[list[Need]]) -> Need:
    if all(len(needs) == 1 and not isinstance(needs[0], Alternatives) for needs in alternatives):
        return _make_group(number for [group] in alternatives for number in group)
    return Alternatives(tuple(map(tuple, alternatives)))


#: A rule that would need more pairs is filed under its rarest group alone.
MAX_PAIRS = 64
#: Up to this many second numbers are kept in a tuple, which takes a third of the memory of a set. Nine of ten first
#: numbers have no more.
MAX_TUPLE_SIZE = 4
#: Maximum rules of one first number that are checked one by one, because a dictionary of their pairs is ten times as
#: big.
MAX_UNPAIRED_RULES = 8


class _OpenConditions(NamedTuple):
    """The conditions of a rule that the look-up of a pair does not check."""

    #: Groups under which the rule is not filed.
    groups: tuple[Group, ...]
    #: Whether the numbers alone cannot decide the rule.
    is_partial: bool
    #: All groups, if some number is unsure: the rule matches if the text has a sure number of each group. Empty if that
    #: does not decide the rule.
    doubtful: tuple[Group, ...]


class RuleIndex:
    """Rules filed under pairs of numbers that a text must both have."""

    def __init__(self, rules: Iterable[Needs], unsure: AbstractSet[int], weights: Sequence[int]) -> None:
        """``weights`` has, for each number, how often a text is likely to have it."""
        self._unsure = frozenset(unsure)
        #: By rule: the group of its first numbers.
        self._first: list[Group] = []
        #: By rule: the group of its second numbers; empty if the rule is filed under its first numbers alone.
        self._second: list[Group] = []
        #: By rule: the numbers that a text must not have.
        self._forbidden: list[Group] = []
        self._open: dict[int, _OpenConditions] = {}
        #: The distances of the rules that numbers and their positions decide, by rule.
        self.distances: dict[int, tuple[Distance, ...]] = {}
        #: By first number: the rules without a second number.
        self._singles: dict[int, tuple[int, ...]] = {}
        #: By first number: the rules with a second number.
        self._under: list[tuple[int, ...]] = [()] * len(weights)
        #: For a first number of many rules: second number -> rules filed under both numbers.
        self._pairs: dict[int, dict[int, tuple[int, ...]]] = {}
        #: By first number: the second numbers of its rules, to compare by ``set.isdisjoint``.
        self._seconds: list[AbstractSet[int] | Group] = [()] * len(weights)
        self._place_all(rules, weights.__getitem__)

    def _place_all(self, rules: Iterable[Needs], weight: Callable[[int], float]) -> None:
        shared: dict[Group, Group] = {}
        under: dict[int, list[int]] = {}
        for rule, needs in enumerate(rules):
            self._place(rule, needs, weight, shared)
            entry = (rule,)
            for first in self._first[rule]:
                if not self._second[rule]:
                    self._singles[first] = self._singles.get(first, ()) + entry
                elif self._under[first]:
                    under.setdefault(first, [*self._under[first]]).append(rule)
                else:
                    self._under[first] = entry
                    # Most first numbers have one rule, so share the group of that rule to save memory.
                    self._seconds[first] = self._second[rule]
        while under:
            first, rule_numbers = under.popitem()
            self._under[first] = tuple(rule_numbers)
            seconds = {*chain.from_iterable([self._second[rule] for rule in rule_numbers])}
            # A frozenset copied from a set has the smallest size; from any other source it is two to four times as big.
            self._seconds[first] = frozenset(seconds) if len(seconds) > MAX_TUPLE_SIZE else tuple(seconds)
            if len(rule_numbers) > MAX_UNPAIRED_RULES:
                self._pairs[first] = self._paired(rule_numbers)

    def _paired(self, rules: Iterable[int]) -> dict[int, tuple[int, ...]]:
        inner: dict[int, tuple[int, ...]] = {}
        for rule in rules:
            entry = (rule,)
            for second in self._second[rule]:
                inner[second] = inner[second] + entry if second in inner else entry
        return inner

    def _place(self, rule: int, needs: Needs, weight: Callable[[int], float], shared: dict[Group, Group]) -> None:
        groups = [shared.setdefault(group, group) for group in choose_groups(needs, weight)]
        ranked = sorted(groups, key=lambda group: sum(map(weight, group)))
        paired = ranked[:2] if len(ranked) > 1 and len(ranked[0]) * len(ranked[1]) <= MAX_PAIRS else ranked[:1]
        self._first.append(paired[0])
        self._second.append(paired[1] if len(paired) > 1 else ())
        sides = [group for distance in needs.distances for group in distance[:2]]
        is_sure = needs.is_whole and self._unsure.isdisjoint(chain(needs.forbidden, *ranked, *sides))
        if is_sure and sides:
            self.distances[rule] = tuple(
                distance._replace(
                    left=shared.setdefault(distance.left, distance.left),
                    right=shared.setdefault(distance.right, distance.right),
                )
                for distance in needs.distances
            )
        is_partial = not is_sure or bool(sides)
        if is_partial or len(paired) < len(ranked):
            is_decided = is_partial and needs.is_whole and not sides and self._unsure.isdisjoint(needs.forbidden)
            self._open[rule] = _OpenConditions(
                tuple(ranked[len(paired) :]), is_partial, tuple(ranked) if is_decided else ()
            )
        forbidden = needs.forbidden
        if not self._unsure.isdisjoint(forbidden):
            forbidden = tuple([number for number in forbidden if number not in self._unsure])
        self._forbidden.append(shared.setdefault(forbidden, forbidden))

    @property
    def partial(self) -> list[int]:
        """Return the rules that numbers and their positions do not decide."""
        return [rule for rule, conditions in self._open.items() if conditions.is_partial and rule not in self.distances]

    def several_groups(self) -> Iterator[tuple[int, tuple[Group, ...]]]:
        """Return the rules that need several groups, with their groups."""
        for rule, (first, second) in enumerate(zip(self._first, self._second, strict=True)):
            more_groups = self._open[rule].groups if rule in self._open else ()
            if second or more_groups:
                yield rule, (first, second, *more_groups) if second else (first, *more_groups)

    def candidates(self, numbers: set[int]) -> tuple[set[int], set[int]]:
        """Return the rules that certainly match a text with these numbers, and the rules that may match it."""
        is_disjoint = numbers.isdisjoint
        forbidden, open_, pairs, seconds = self._forbidden, self._open, self._pairs, self._seconds
        reached = [rule for first in self._singles.keys() & numbers for rule in self._singles[first]]
        for first in [first for first in numbers if not is_disjoint(seconds[first])]:
            rules = self._under[first]
            if len(rules) == 1:
                reached += rules
            elif inner := pairs.get(first):
                for second in numbers.intersection(seconds[first]):
                    reached += inner[second]
            else:
                reached += [rule for rule in rules if not is_disjoint(self._second[rule])]
        sure = {rule for rule in reached if is_disjoint(forbidden[rule])}
        partial: set[int] = set()
        if open_:
            certain: set[int] | None = None
            for rule in open_.keys() & sure:
                groups, is_partial, doubtful = open_[rule]
                if groups and any(map(is_disjoint, groups)):
                    sure.remove(rule)
                elif is_partial:
                    if doubtful and certain is None:
                        certain = numbers - self._unsure
                    if certain is None or not doubtful or any(map(certain.isdisjoint, doubtful)):
                        sure.remove(rule)
                        partial.add(rule)
        return sure, partial
