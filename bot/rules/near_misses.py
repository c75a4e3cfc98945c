"""What comes near a rule: looser versions of it, each true where one thing keeps the rule from matching.

A looser version is a rule like any other, so that the index finds near misses as fast as matches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.language import tokens
from bot.rules import expression
from bot.rules.errors import QueryError
from bot.rules.evaluation import CompiledRule
from bot.rules.reading import Kind, Part, Reading

#: A rule of more lines has a version for each of its first ones only.
MAX_LINES = 20
#: A longer label is a part of a query: its beginning says enough.
MAX_LABEL = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Looser:
    """A rule except for one thing."""

    #: “no demand”, “excluded”, “written differently or too far apart”.
    what: str
    compiled: CompiledRule


def looser(compiled: CompiledRule) -> tuple[Looser, ...]:
    """The nearest first: wordings, then exclusions, then each line that had to be found."""
    found = []
    parts = compiled.parts
    if (relaxed := tuple(map(_relaxed_part, parts))) != parts:
        found.append(_looser(compiled, "written differently or too far apart", relaxed))
    wanted = tuple(part for part in parts if part.kind is not Kind.NONE)
    if len(wanted) < len(parts):
        found.append(_looser(compiled, "excluded", wanted))
    found.extend(
        _looser(compiled, what, tuple(part for part in parts if part not in left_out))
        for what, left_out in _lines(parts)
    )
    return tuple(found)


def _looser(compiled: CompiledRule, what: str, parts: tuple[Part, ...]) -> Looser:
    # Without capitals of its own no title makes it weak: a weak find is a near miss.
    return Looser(what=what, compiled=replace(compiled, own=Reading(parts)))


def _lines(parts: tuple[Part, ...]) -> Iterator[tuple[str, tuple[Part, ...]]]:
    """What may be left out, one thing at a time, so that something is still needed."""
    needed = [part for part in parts if part.kind is Kind.ALL]
    either = tuple(part for part in parts if part.kind is Kind.ANY)
    if len(needed) + bool(either) < 2:
        return
    for part in needed[:MAX_LINES]:
        others = [other for other in needed if other is not part]
        if either or any(expression.needs_something(other.expression) for other in others):
            yield f"no {short(part.label)}", (part,)
    if either and any(expression.needs_something(part.expression) for part in needed):
        yield f"none of {short(', '.join(part.label for part in either))}", either


def short(label: str) -> str:
    """At most ``MAX_LABEL`` characters of it."""
    return label if len(label) <= MAX_LABEL else label[: MAX_LABEL - 1] + "…"


def _relaxed_part(part: Part) -> Part:
    return part if part.kind is Kind.NONE else replace(part, expression=_relaxed(part.expression))


def _relaxed(tree: expression.Expression) -> expression.Expression:
    """Without regard to capitals, accents, distance and order."""
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
    # “BlackBerry” is found in any case as it is.
    return leaf if relaxed.pattern == leaf.pattern else relaxed
