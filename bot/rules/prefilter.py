"""The part of a rule that numbers alone decide: groups that each need a number in the text, and forbidden numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import NamedTuple, TypeAlias, TypeGuard

from bot.rules import expression
from bot.rules.reading import Kind, Part

#: Numbers, ascending. A tuple, because a small frozenset is four times as big, and ``set.isdisjoint`` accepts both.
Group = tuple[int, ...]


class Choice(NamedTuple):
    """Alternatives: one need of each tuple is enough to find the rule, and these together make one group."""

    alternatives: tuple[tuple[Need, ...], ...]


Need: TypeAlias = Group | Choice


class Distance(NamedTuple):
    """A word of each group, with at most so many words between."""

    left: Group
    right: Group
    words: int
    is_ordered: bool
    #: False: it must not be so.
    is_wanted: bool


class Needs(NamedTuple):
    """A rule as conditions on numbers."""

    #: A text must have at least one number of each group.
    groups: tuple[Need, ...]
    #: A text must have none of these numbers; exact only for numbers that are sure.
    forbidden: Group
    #: The groups, ``forbidden`` and the distances decide the whole rule.
    is_whole: bool
    distances: tuple[Distance, ...]


def needs_of(parts: Iterable[Part], number: Callable[[expression.Leaf], int]) -> Needs:
    """Return what a text must have, and must not have, for these parts to match."""
    groups: list[Need] = []
    either: list[list[Need]] = []
    forbidden: set[int] = set()
    distances: list[Distance] = []
    is_whole = True
    for part in parts:
        is_simple = _is_simple(part.expression)
        if _is_distance(part.expression) and part.kind is not Kind.ANY:
            distances.append(_distance(part.expression, number, is_wanted=part.kind is not Kind.NONE))
        elif not is_simple:
            is_whole = False
        if part.kind is Kind.NONE:
            if is_simple:
                forbidden.update(map(number, expression.leaves(part.expression)))
        elif part.kind is Kind.ALL:
            groups += _required(part.expression, number)
        else:
            either.append(_required(part.expression, number))
    if either:
        groups.append(_either(either))
    return Needs(tuple(dict.fromkeys(groups)), _group(forbidden), is_whole, tuple(distances))


def chosen(needs: Needs, weight: Callable[[int], float]) -> tuple[Group, ...]:
    """Return the groups; where there is a choice, those that texts have least often, by ``weight``."""
    return tuple(dict.fromkeys([_chosen(need, weight) for need in needs.groups]))


def _chosen(need: Need, weight: Callable[[int], float]) -> Group:
    if not isinstance(need, Choice):
        return need
    best = [
        min([_chosen(alternative, weight) for alternative in needs], key=lambda group: sum(map(weight, group)))
        for needs in need.alternatives
    ]
    return _group(chain(*best))


def _group(numbers: Iterable[int]) -> Group:
    return tuple(sorted(set(numbers)))


def _is_simple(tree: expression.Expression) -> bool:
    """Return whether it is a term, or any of several terms."""
    if isinstance(tree, expression.Any | expression.Named):
        return all(map(_is_simple, tree.parts))
    return isinstance(tree, expression.Words)


def _is_distance(tree: expression.Expression) -> TypeGuard[expression.Near]:
    return isinstance(tree, expression.Near) and _is_simple(tree.left) and _is_simple(tree.right)


def _distance(near: expression.Near, number: Callable[[expression.Leaf], int], *, is_wanted: bool) -> Distance:
    left, right = (_group(map(number, expression.leaves(side))) for side in (near.left, near.right))
    return Distance(left, right, near.words, near.is_ordered, is_wanted)


def _required(tree: expression.Expression, number: Callable[[expression.Leaf], int]) -> list[Need]:
    """Return the needs that are met wherever the expression is true; empty if nothing has to match."""
    match tree:
        case expression.Not():
            return []
        case expression.All(parts):
            return [need for part in parts for need in _required(part, number)]
        case expression.Near(left, right):
            return _required(left, number) + _required(right, number)
        case expression.Window(parts):
            return [(number(part),) for part in parts] if tree.field is None else [(number(tree),)]
        case expression.Any(parts) | expression.Named(_, parts):
            if _is_simple(tree):
                return [_group(map(number, expression.leaves(tree)))]
            alternatives = [_required(part, number) for part in parts]
            return [_either(alternatives)] if all(alternatives) else []
        case _:
            return [(number(tree),)]


def _either(alternatives: list[list[Need]]) -> Need:
    if all(len(needs) == 1 and not isinstance(needs[0], Choice) for needs in alternatives):
        return _group(number for [group] in alternatives for number in group)
    return Choice(tuple(map(tuple, alternatives)))
