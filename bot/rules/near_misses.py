"""Make looser versions of a rule, each without the one thing that may keep it from matching.

A looser version is a rule like any other, so the index finds near misses as fast as matches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.language import tokens
from bot.rules import expression
from bot.rules.errors import QueryError
from bot.rules.evaluation import CompiledRule
from bot.rules.reading import Kind, Part, Reading

#: Only the first lines of a rule get a version without the line.
MAX_LINES = 20
#: Maximum length of a label; a longer one is a part of a query.
MAX_LABEL = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Looser:
    """A rule except for one thing."""

    #: “no demand”, “excluded”, “written differently or too far apart”.
    what: str
    compiled: CompiledRule


def looser(compiled: CompiledRule) -> tuple[Looser, ...]:
    """Return the looser versions, nearest first: wordings, then exclusions, then each required line."""
    versions = []
    parts = compiled.parts
    if (relaxed := tuple(map(_relaxed_part, parts))) != parts:
        versions.append(_looser(compiled, "written differently or too far apart", relaxed))
    without_exclusions = tuple(part for part in parts if part.kind is not Kind.NONE)
    if len(without_exclusions) < len(parts):
        versions.append(_looser(compiled, "excluded", without_exclusions))
    versions.extend(
        _looser(compiled, what, tuple(part for part in parts if part not in left_out))
        for what, left_out in _lines(parts)
    )
    return tuple(versions)


def _looser(compiled: CompiledRule, what: str, parts: tuple[Part, ...]) -> Looser:
    # Without the list of its capitals a shouting title does not make it weak: a weak match is a near miss.
    return Looser(what=what, compiled=replace(compiled, own=Reading(parts)))


def _lines(parts: tuple[Part, ...]) -> Iterator[tuple[str, tuple[Part, ...]]]:
    """Return what can be dropped, one thing at a time, so that something is still required."""
    required = [part for part in parts if part.kind is Kind.ALL]
    either = tuple(part for part in parts if part.kind is Kind.ANY)
    if len(required) + bool(either) < 2:
        return
    for part in required[:MAX_LINES]:
        remaining = [other for other in required if other is not part]
        if either or any(expression.needs_something(other.expression) for other in remaining):
            yield f"no {short(part.label)}", (part,)
    if either and any(expression.needs_something(part.expression) for part in required):
        yield f"none of {short(', '.join(part.label for part in either))}", either


def short(label: str) -> str:
    """Shorten a label to ``MAX_LABEL`` characters."""
    return label if len(label) <= MAX_LABEL else label[: MAX_LABEL - 1] + "…"


def _relaxed_part(part: Part) -> Part:
    return part if part.kind is Kind.NONE else replace(part, expression=_relaxed(part.expression))


def _relaxed(tree: expression.Expression) -> expression.Expression:
    """Return the expression without capitals, accents, distance and order."""
    match tree:
        case expression.Words():
            return _relaxed_words(tree)
        case expression.Window(parts):
            return expression.All(tuple(map(_relaxed_words, parts)))
        case expression.Near(left, right):
            return expression.All((_relaxed(left), _relaxed(right)))
        case expression.All(parts):
            return expression.All(tuple(map(_relaxed, parts)))
        case expression.Any(parts):
            return expression.Any(tuple(map(_relaxed, parts)))
        case expression.Named(name, parts, field):
            return expression.Named(name, tuple(map(_relaxed, parts)), field)
        case _:
            return tree


def _relaxed_words(leaf: expression.Words) -> expression.Words:
    plain = tokens.drop_accents(tokens.fold_case(leaf.text))
    if plain == leaf.text and not leaf.is_exact:
        return leaf
    try:
        relaxed = expression.words(plain, field=leaf.field)
    except QueryError:
        return leaf
    # “BlackBerry” already matches in any case.
    return leaf if relaxed.pattern == leaf.pattern else relaxed
