"""The meaning of a query or a list, as one tree of frozen values.

Expression = Words | Regex | Window | Value       the terms
           | Named                                a set, written $name
           | Near | Not | All | Any               the operators
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import TypeAlias

from bot.rules import patterns

#: The fields of a term without a field.
TEXT_FIELDS = ("title", "body")
#: Fields that are searched for words.
WORD_FIELDS = ("title", "body", "url", "author", "tag", "source")
FIELDS = ("title", "body", "url", "site", "author", "tag", "lang", "source")


@dataclass(frozen=True, slots=True)
class Words:
    """A word or a phrase."""

    #: The normal text as written, without its quotes or braces.
    text: str
    is_exact: bool = False
    #: None: title and body.
    field: str | None = None
    pattern: patterns.Pattern = dataclasses.field(kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Regex:
    """``/source/``, or ``/source/i``."""

    source: str
    ignores_case: bool = False
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """``"a b c"~n``: all words in any order, with at most ``words`` other words inside."""

    parts: tuple[Words, ...]
    words: int
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """``site:`` and ``lang:``, which are compared as a whole."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Named:
    """A set by its name: any of its terms."""

    name: str
    parts: tuple[Expression, ...]
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """Both sides in one field, with at most ``words`` words between."""

    left: Expression
    right: Expression
    words: int
    is_ordered: bool = False
    #: The fields in which it can be true; computed once, since every article needs them.
    fields: tuple[str, ...] = dataclasses.field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", _in_order(fields_of(self.left) & fields_of(self.right)))


@dataclass(frozen=True, slots=True)
class Not:
    """True where its part is not."""

    part: Expression


@dataclass(frozen=True, slots=True)
class All:
    """AND of at least two."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """OR of at least two."""

    parts: tuple[Expression, ...]


Leaf: TypeAlias = Words | Regex | Window | Value
_LEAVES = (Words, Regex, Window, Value)
_SEVERAL = (Any, All, Named)
Expression: TypeAlias = Leaf | Named | Near | Not | All | Any


def words(text: str, *, is_exact: bool = False, field: str | None = None) -> Words:
    """Make the term of a normal text. Raises QueryError."""
    return Words(text, is_exact, field, pattern=patterns.read_pattern(text, is_exact=is_exact))


def children(expression: Expression) -> tuple[Expression, ...]:
    """Return the parts directly below; empty for a leaf."""
    # isinstance is several times faster than a class pattern, and this runs for every rule.
    if isinstance(expression, _SEVERAL):
        return expression.parts
    if isinstance(expression, Near):
        return (expression.left, expression.right)
    return (expression.part,) if isinstance(expression, Not) else ()


def leaves(expression: Expression) -> list[Leaf]:
    """Return the terms in order, with those of sets and exclusions."""
    terms: list[Leaf] = []
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _LEAVES):
            terms.append(node)
        else:
            waiting.extend(reversed(children(node)))
    return terms


def needs_something(expression: Expression) -> bool:
    """Return whether it can be true only where some term matches."""
    match expression:
        case Not():
            return False
        case All(parts):
            return any(needs_something(part) for part in parts)
        case Any(parts):
            return all(needs_something(part) for part in parts)
        case _:
            return True


def fields_of(part: Expression) -> frozenset[str]:
    """Return the fields in which a part under NEAR can match."""
    match part:
        case Near():
            return frozenset(part.fields)
        case Any(parts) | Named(_, parts):
            return frozenset[str]().union(*map(fields_of, parts))
        case _:
            field = getattr(part, "field", None)
            return frozenset(TEXT_FIELDS if field is None else (field,))


@functools.cache
def _in_order(fields: frozenset[str]) -> tuple[str, ...]:
    """Return the fields in their fixed order; cached so that equal tuples are one object."""
    return tuple(field for field in WORD_FIELDS if field in fields)
