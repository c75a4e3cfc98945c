"""Values that pass between the pipeline and the store: queued work, identities of stored articles, and searches."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import TypeAlias

import msgspec

from bot.model.encoders import Vector
from bot.model.rules import Match
from bot.model.stories import Article, ArticleId, Fact


class Arrival(msgspec.Struct, frozen=True, kw_only=True, tag="arrival"):
    """A matched article that is not yet in a story."""

    article: Article
    matches: tuple[Match, ...]
    is_baseline: bool
    #: Log id of the poll that found the article.
    poll: str = ""
    #: The vector of its meaning, or None if no encoder has made one.
    meaning: Vector | None = None


class Revision(msgspec.Struct, frozen=True, kw_only=True, tag="revision"):
    """A stored article whose text or title changed."""

    article: Article
    matches: tuple[Match, ...]
    #: Only material changes; empty if only a typo was corrected.
    corrections: tuple[Fact, ...]
    #: Log id of the poll that found the change.
    poll: str = ""
    #: Whether the headline changed, be it only in its wording.
    is_renamed: bool = False


#: An entry of the decision queue.
QueuedArticle: TypeAlias = Arrival | Revision


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """The id that one feed gives to an article."""

    feed: str
    #: The item's id: its guid, or else its link, or else a hash of its title.
    key: str
    article: ArticleId


class ArticleStub(msgspec.Struct, frozen=True, kw_only=True):
    """The identity of a stored article, enough to recognise an item as new, edited or already known."""

    id: ArticleId
    link: str
    title: str
    published: datetime | None
    fingerprint: str
    #: False if only identity, title, link and date are stored, because the article is older than the backfill window.
    has_text: bool
    #: The article's source: only changes in this feed count as edits.
    feed: str


class IdentityQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A query for stored articles that may be the same as the entries of one document."""

    feed: str
    #: The feed's ids of the entries.
    keys: Sequence[str] = ()
    #: Links in any form, or the key that all forms of a link share.
    links: Sequence[str] = ()
    fingerprints: Sequence[str] = ()
    #: Case-folded titles.
    titles: Sequence[str] = ()


class KnownItems(msgspec.Struct, frozen=True, kw_only=True):
    """Stored articles that may be the same as the entries of one document."""

    #: Id in this feed -> article.
    by_key: Mapping[str, ArticleStub]
    #: Link as in the query -> articles of any feed with any form of that link, oldest first.
    by_link: Mapping[str, Sequence[ArticleStub]]
    #: Fingerprint -> articles of any feed, oldest first.
    by_fingerprint: Mapping[str, Sequence[ArticleStub]]
    #: Folded title -> articles of this feed.
    by_title: Mapping[str, Sequence[ArticleStub]]
    #: Ids of articles in ``by_link`` whose source is another feed, although this feed has carried them too.
    carried: Collection[ArticleId] = ()


class DayCount(msgspec.Struct, frozen=True, kw_only=True):
    """The number of articles that one feed had, or that one rule matched, on one day (UTC)."""

    #: The feed's address or the rule's name.
    name: str
    day: date
    count: int


class QueueHolder(msgspec.Struct, frozen=True, kw_only=True):
    """The process that made the last decisions, and the number of the last change to stories or alerts."""

    who: str
    change: int


class SearchTerm(msgspec.Struct, frozen=True, kw_only=True):
    """Words in this order, with at most one other word between two neighbours."""

    words: tuple[str, ...]
    #: Whether the last word is a prefix.
    is_prefix: bool = False
    #: The field to search: title, body or source. None means title or body.
    field: str | None = None


class AllOf(msgspec.Struct, frozen=True):
    """A condition for articles that match all of the parts, and none of the ``excluded``."""

    parts: tuple[SearchCondition, ...]
    excluded: tuple[SearchTerm, ...] = ()


class AnyOf(msgspec.Struct, frozen=True):
    """A condition for articles that match at least one of the parts."""

    parts: tuple[SearchCondition, ...]


SearchCondition: TypeAlias = SearchTerm | AllOf | AnyOf


class CandidateQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A search for articles."""

    #: None if the index can decide no part of the search.
    condition: SearchCondition | None = None
    #: The name of a rule that must have matched the article, or None.
    rule: str | None = None
    #: The article was first seen at or after ``since``, and before ``until``.
    since: datetime | None = None
    until: datetime | None = None
    #: If set, return only candidates with a lower number.
    before: int | None = None


class SearchCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """An article that matches the condition of a CandidateQuery."""

    #: A number that increases in the order in which articles arrived.
    number: int
    article: Article
