"""Values that the store takes and returns, in addition to those of bot/model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.model.arrivals import Arrival, Pending, Revision
from bot.model.ids import ArticleId


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One feed's id of an article."""

    feed: str
    #: The item's id: guid, else link, else a hash of its title.
    key: str
    article: ArticleId


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """The identity of a stored article: enough to decide new, edited or churn."""

    id: ArticleId
    link: str
    title: str
    published: datetime | None
    fingerprint: str
    #: False: only identity, title, link and date are stored (older than the backfill window).
    has_text: bool
    #: The feed that is its source: only that feed's changes are edits. Empty: unknown, treated as the polled feed.
    feed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query for the stored articles that the entries of one document may be."""

    feed: str
    #: The feed's ids.
    keys: Sequence[str] = ()
    #: In any of their forms, or their common key.
    links: Sequence[str] = ()
    fingerprints: Sequence[str] = ()
    #: Case-folded.
    titles: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The stored articles that the entries of one document may be."""

    #: This feed's ids -> article.
    by_key: Mapping[str, Stub]
    #: Link as in the query -> articles under any form of it, of any feed, oldest first.
    by_link: Mapping[str, Sequence[Stub]]
    #: Fingerprint -> articles of any feed, oldest first.
    by_fingerprint: Mapping[str, Sequence[Stub]]
    #: Folded title -> articles of this feed.
    by_title: Mapping[str, Sequence[Stub]]
    #: Articles of ``by_link`` from other feeds that this feed has carried under some id.
    carried: Collection[ArticleId] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """The number of articles that one feed had, or one rule matched, on one day of UTC."""

    #: The feed's address or the rule's name.
    name: str
    day: date
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The oldest entries of the decision queue."""

    #: Numbers of the rows, for ``remove``, and their keys: the article's id, or the key of a pending answer.
    numbers: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    revisions: tuple[Revision, ...] = ()
    pending: tuple[Pending, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that decided last, and the number of the last change that others made to stories or alerts."""

    who: str
    change: int
