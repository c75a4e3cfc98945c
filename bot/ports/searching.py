"""What a search asks of the store: conditions that every article it wants fulfils, and candidates, newest first.

The index only finds candidates; whether an article is one that is wanted, the rules say (bot/rules/search).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from bot import model


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Words that are side by side, with at most one other between two of them."""

    words: tuple[str, ...]
    #: The last word may go on.
    is_prefix: bool = False
    #: title, body or source; None: title or body.
    field: str | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Each of them, and none of the others."""

    parts: tuple[Condition, ...]
    others: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of them at least."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = Term | AllOf | AnyOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which articles are looked for."""

    #: None: nothing that an index could tell.
    condition: Condition | None = None
    #: One that matched.
    rule: str | None = None
    #: First seen at this time or later, and before that one.
    since: datetime | None = None
    until: datetime | None = None
    #: Only what came before the candidate of this number.
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An article that fulfils the conditions."""

    #: Counts up as articles come.
    number: int
    title: str
    text: str
    #: Makes all of it: most are dropped before.
    article: Callable[[], model.Article]


class Search(Protocol):
    """The archive by its words."""

    def candidates(self, wanted: Wanted, *, within: timedelta) -> Iterator[Candidate]:
        """The last to come first; streamed. Raises SearchTooLong when the database takes longer than ``within``."""
