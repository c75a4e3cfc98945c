"""A search of the archive: a condition on the index, and the candidates that fulfil it, newest first.

The index finds candidates; the rule engine (bot/rules/search) decides which of them match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from bot.model.articles import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Words in a row, with at most one other word between two of them."""

    words: tuple[str, ...]
    #: The last word is a prefix.
    is_prefix: bool = False
    #: title, body or source; None: title or body.
    field: str | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of the parts, and none of the ``others``."""

    parts: tuple[Condition, ...]
    others: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the parts."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = Term | AllOf | AnyOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The articles to search for."""

    #: None: nothing that the index can decide.
    condition: Condition | None = None
    #: The name of a rule that matched.
    rule: str | None = None
    #: First seen at or after ``since``, and before ``until``.
    since: datetime | None = None
    until: datetime | None = None
    #: Only candidates with a lower number.
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An article that fulfils the condition."""

    #: Increases in the order in which articles came.
    number: int
    title: str
    text: str
    #: Builds the whole article; most candidates are dropped before that.
    article: Callable[[], Article]


class Search(Protocol):
    """The archive by its words."""

    def candidates(self, wanted: Wanted, *, within: timedelta) -> Iterator[Candidate]:
        """The last to come first; streamed. Raises SearchTooLong when the database takes longer than ``within``."""
