"""Values that the store takes and gives, beside those of bot/model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot import model


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One feed's own name for an article."""

    feed: str
    #: The item's id: guid, else link, else a hash of its title.
    key: str
    article: model.ArticleId


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """The identity of a stored article: enough to decide new, edited or churn."""

    id: model.ArticleId
    link: str
    title: str
    published: datetime | None
    fingerprint: str
    #: False: only identity, title, link and date are kept (older than the backfill window).
    has_text: bool
    #: The feed that speaks for it: its changes alone are edits. Empty: not known, taken for the asking feed.
    feed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the store is asked about one reading's entries."""

    feed: str
    #: The feed's own ids.
    keys: Sequence[str] = ()
    #: In any of their forms, or the key that these share.
    links: Sequence[str] = ()
    fingerprints: Sequence[str] = ()
    #: Folded.
    titles: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store knows of one reading's entries."""

    #: This feed's ids -> article.
    by_key: Mapping[str, Stub]
    #: Link as it was asked for -> articles under any form of it, of any feed, the oldest first.
    by_link: Mapping[str, Sequence[Stub]]
    #: Fingerprint -> articles of any feed, the oldest first.
    by_fingerprint: Mapping[str, Sequence[Stub]]
    #: Folded title -> articles of this feed.
    by_title: Mapping[str, Sequence[Stub]]
    #: Of the articles by link, those of others that this feed has carried under some id.
    carried: Collection[model.ArticleId] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """How many articles one feed brought, or one rule matched, on one day of UTC."""

    #: The feed's address or the rule's name.
    name: str
    day: date
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The oldest of what waits to be decided."""

    #: Names of the rows, for ``remove``, and what each is of: the article's id, or the key of what is pending.
    numbers: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    arrivals: tuple[model.Arrival, ...] = ()
    revisions: tuple[model.Revision, ...] = ()
    pending: tuple[model.Pending, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who decided last, and which change of stories and alerts was the last that was made beside it."""

    who: str
    change: int
