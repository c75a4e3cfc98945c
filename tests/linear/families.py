"""Texts that make a pattern work hard, made from the pattern itself.

For each repeat of it: what leads there, once and many times, what is repeated, and an end that does not fit; its
literals and its classes, repeated, alternating and unclosed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

#: Tried as members of a class; those that are in it stand for it.
_CANDIDATES = " \n\ta0A.,-<>/\"'=:;&#!?()[]{}|_%@*+~^$…“”«»é中\u00a0\x80\xe4"
_ENDS = ("", "!", "\n", "x", "<", " ")
_MANY = 8

Input = tuple[str, str, str]


def inputs(tree: Any) -> list[Input]:
    """Each as beginning, what is repeated, end."""
    collected: dict[Input, None] = {}
    for lead, bodies in _repeats(tree, ""):
        ends = [end for end in _ENDS if not end or all(not body or end[0] not in body for body in bodies)][:3]
        for body in bodies:
            for end in ends:
                collected[lead, body, end] = None
                collected["", lead + body, end] = None
        for first, second in pairwise(bodies):
            collected[lead, first + second, ends[-1]] = None
        collected["", lead, "!"] = None
    for letter in dict.fromkeys(_alphabet(tree)):
        collected["", letter, "!"] = None
        collected["", letter + " ", ""] = None
        collected["", letter + "a", ""] = None
    whole = _sample(tree)
    collected["", whole, ""] = None
    collected["", whole[:-1], "!"] = None
    return [collected_input for collected_input in collected if collected_input[1]]


def branches(pattern: re.Pattern[Any]) -> list[Any]:
    """The pattern's parsed alternatives: an alternation takes the time of all of them."""
    tree = _parser.parse(
        pattern.pattern, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, str) else pattern.flags
    )
    if len(tree) == 1 and tree[0][0] is sre.BRANCH:
        return list(tree[0][1][1])
    return [tree]


def _repeats(tree: Any, lead: str) -> Iterator[tuple[str, list[str]]]:
    for op, value in tree:
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            _, most, body = value
            if most >= _MANY:
                yield lead, _samples(body)
            yield from _repeats(body, lead)
        elif op is sre.SUBPATTERN:
            yield from _repeats(value[3], lead)
        elif op is sre.ATOMIC_GROUP:
            yield from _repeats(value, lead)
        elif op in (sre.ASSERT, sre.ASSERT_NOT):
            yield from _repeats(value[1], lead)
        elif op is sre.BRANCH:
            for branch in value[1]:
                yield from _repeats(branch, lead)
        lead += _sample([(op, value)])


def _sample(tree: Any) -> str:
    return "".join(_samples_of(op, value)[0] for op, value in tree)


def _samples(tree: Any) -> list[str]:
    """A few texts that fit, short ones."""
    if len(tree) == 1:
        return _samples_of(*tree[0])[:5]
    return [_sample(tree)]


def _samples_of(op: Any, value: Any) -> list[str]:
    if op is sre.LITERAL:
        return [chr(value)]
    if op is sre.NOT_LITERAL:
        return [letter for letter in _CANDIDATES if letter != chr(value)][:4]
    if op is sre.ANY:
        return ["a", " ", "<", "."]
    if op is sre.IN:
        return _members(value)
    if op is sre.BRANCH:
        return [_sample(branch) for branch in value[1]][:12] or [""]
    if op is sre.SUBPATTERN:
        return _samples(value[3])
    if op is sre.ATOMIC_GROUP:
        return _samples(value)
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        least, most, body = value
        times = max(least, 1 if most else 0)
        return [branch * min(times, 5) if least <= 5 else branch * least for branch in _samples(body)]
    return [""]


def _members(members: Any) -> list[str]:
    source = _parser.SubPattern(_parser.State())
    source.append((sre.IN, members))
    matcher = re._compiler.compile(source)  # type: ignore[attr-defined]
    fitting = [letter for letter in _CANDIDATES if matcher.match(letter)]
    literal = [chr(value) for op, value in members if op is sre.LITERAL]
    ranges = [chr(value[0]) for op, value in members if op is sre.RANGE]
    negated = bool(members) and members[0][0] is sre.NEGATE
    # One of each sort of character.
    chosen = [*fitting[:1], *(letter for letter in fitting[1:] if not letter.isalnum())][:3]
    chosen += [letter for letter in fitting if letter.isalnum()][:2]
    if not negated:
        chosen += (literal + ranges)[:2]
    return list(dict.fromkeys(chosen)) or ["a"]


def _alphabet(tree: Any) -> Iterator[str]:
    for op, value in tree:
        if op is sre.SUBPATTERN:
            yield from _alphabet(value[3])
        elif op is sre.ATOMIC_GROUP:
            yield from _alphabet(value)
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            yield from _alphabet(value[2])
        elif op in (sre.ASSERT, sre.ASSERT_NOT):
            yield from _alphabet(value[1])
        elif op is sre.BRANCH:
            for branch in value[1]:
                yield from _alphabet(branch)
        else:
            yield from _samples_of(op, value)[:3]
