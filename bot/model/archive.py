"""Values that pass between the pipeline and the store: queued work, identities of stored articles, and searches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from bot.model.language_models import Prompt
from bot.model.rules import Match
from bot.model.stories import Article, ArticleId, Edit, Fact, StoryId


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A matched article that is not yet in a story."""

    article: Article
    matches: tuple[Match, ...]
    is_baseline: bool
    #: Log id of the poll that found it.
    poll: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A stored article whose text or title changed."""

    article: Article
    matches: tuple[Match, ...]
    #: Material changes only; empty for a typo.
    edits: tuple[Edit, ...]
    #: Log id of the poll that found it.
    poll: str = ""
    #: For a live page, the version before: its additions are news, not corrections. None for an article.
    live_before: Article | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Facts or wording of an article in its story that wait for a language model's answer."""

    story: StoryId
    #: The prompt, built from the story as it was when the article came.
    prompt: Prompt
    #: The facts to post without an answer, and the facts from which the answer chooses.
    facts: tuple[Fact, ...] = ()
    offered: tuple[Fact, ...] = ()
    #: Key of another prompt; this prompt is sent only if that one gets no answer. Empty: send at once.
    unless: str = ""

    @property
    def key(self) -> str:
        """The key in the queue; differs from the article's id, since the article may be queued as well."""
        return f"{self.prompt.use} {self.prompt.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One feed's id of an article."""

    feed: str
    #: The item's id: guid, else link, else a hash of its title.
    key: str
    article: ArticleId


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleStub:
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
class IdentityQuery:
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
class KnownItems:
    """The stored articles that the entries of one document may be."""

    #: This feed's ids -> article.
    by_key: Mapping[str, ArticleStub]
    #: Link as in the query -> articles under any form of it, of any feed, oldest first.
    by_link: Mapping[str, Sequence[ArticleStub]]
    #: Fingerprint -> articles of any feed, oldest first.
    by_fingerprint: Mapping[str, Sequence[ArticleStub]]
    #: Folded title -> articles of this feed.
    by_title: Mapping[str, Sequence[ArticleStub]]
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
class QueuedWork:
    """The oldest entries of the decision queue."""

    #: Numbers of the rows, for ``remove``, and their keys: the article's id, or the key of a pending answer.
    numbers: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    revisions: tuple[Revision, ...] = ()
    pending: tuple[Pending, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueHolder:
    """The process that decided last, and the number of the last change that others made to stories or alerts."""

    who: str
    change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTerm:
    """Words in a row, with at most one other word between two of them."""

    words: tuple[str, ...]
    #: The last word is a prefix.
    is_prefix: bool = False
    #: title, body or source; None: title or body.
    field: str | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of the parts, and none of the ``others``."""

    parts: tuple[SearchCondition, ...]
    others: tuple[SearchTerm, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the parts."""

    parts: tuple[SearchCondition, ...]


SearchCondition: TypeAlias = SearchTerm | AllOf | AnyOf


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateQuery:
    """The articles to search for."""

    #: None: nothing that the index can decide.
    condition: SearchCondition | None = None
    #: The name of a rule that matched.
    rule: str | None = None
    #: First seen at or after ``since``, and before ``until``.
    since: datetime | None = None
    until: datetime | None = None
    #: Only candidates with a lower number.
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchCandidate:
    """An article that fulfils the condition."""

    #: Increases in the order in which articles came.
    number: int
    title: str
    text: str
    #: Builds the whole article; most candidates are dropped before that.
    article: Callable[[], Article]
