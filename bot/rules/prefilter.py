"""What of a rule can be decided on numbers alone: the groups of which each must be found, and what must not be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bot.rules import expression
from bot.rules.evaluation import CompiledRule, Kind

#: Numbers, ascending. A tuple: a small frozenset is four times as big, and ``set.isdisjoint`` takes either.
Group = tuple[int, ...]


class Needs(NamedTuple):
    """A rule over numbers."""

    #: Of each group at least one number must be found.
    groups: tuple[Group, ...]
    #: None of these may be found; exact only where the numbers are sure.
    forbidden: Group
    #: The groups and ``forbidden`` say all that the rule says.
    is_whole: bool


def needs_of(compiled: CompiledRule, number: Callable[[expression.Leaf], int], weight: Callable[[int], float]) -> Needs:
    """What must and must not be found for the rule to match; ``weight`` says how often a number is found."""
    groups: list[Group] = []
    either: set[int] = set()
    forbidden: set[int] = set()
    is_whole = True
    for part in compiled.parts:
        is_simple = _is_simple(part.expression)
        is_whole = is_whole and is_simple
        if part.kind is Kind.NONE:
            if is_simple:
                forbidden.update(map(number, expression.leaves(part.expression)))
            continue
        required = _required(part.expression, number, weight)
        if part.kind is Kind.ALL:
            groups += required
        else:
            either.update(_best(required, weight))
    if either:
        groups.append(_group(either))
    return Needs(tuple(dict.fromkeys(groups)), _group(forbidden), is_whole)


def _group(numbers: Iterable[int]) -> Group:
    return tuple(sorted(set(numbers)))


def _is_simple(tree: expression.Expression) -> bool:
    """A term, or any of several."""
    match tree:
        case expression.Words():
            return True
        case expression.Any(parts) | expression.Named(_, parts):
            return all(map(_is_simple, parts))
        case _:
            return False


def _required(
    tree: expression.Expression, number: Callable[[expression.Leaf], int], weight: Callable[[int], float]
) -> list[Group]:
    """Groups of which each is found wherever the expression is true; none where nothing has to be found."""
    match tree:
        case expression.Not():
            return []
        case expression.All(parts):
            return [group for part in parts for group in _required(part, number, weight)]
        case expression.Near(left, right):
            return _required(left, number, weight) + _required(right, number, weight)
        case expression.Window(parts):
            return [(number(part),) for part in parts] if tree.field is None else [(number(tree),)]
        case expression.Any(parts) | expression.Named(_, parts):
            if _is_simple(tree):
                return [_group(map(number, expression.leaves(tree)))]
            each = [_required(part, number, weight) for part in parts]
            return [_group(one for groups in each for one in _best(groups, weight))] if all(each) else []
        case _:
            return [(number(tree),)]


def _best(groups: list[Group], weight: Callable[[int], float]) -> Group:
    """The group that is found least often."""
    return min(groups, key=lambda group: sum(map(weight, group)))
