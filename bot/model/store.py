"""The protocols of the store (bot/storage implements them)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from bot.model.actions import Judgement, Ruling, Silence
from bot.model.alerts import Alert, Decision
from bot.model.archive import (
    Arrival,
    DayCount,
    IdentityQuery,
    KnownItems,
    Pending,
    QueuedWork,
    QueueHolder,
    Revision,
    Search,
    Sighting,
)
from bot.model.feeds import FeedHealth, FeedState, Subscription
from bot.model.language_models import Completions
from bot.model.ledger import LedgerRow
from bot.model.messages import Outgoing, SendState
from bot.model.rules import Match
from bot.model.stories import Article, ArticleId, SendId, Story, StoryId


class Articles(Protocol):
    """Articles, the feeds that carry them, their versions and matches."""

    def known(self, questions: Sequence[IdentityQuery]) -> Sequence[KnownItems]:
        """One answer a question, in their order. Asked together they cost a fraction."""

    def add(self, articles: Sequence[Article], *, has_text: bool = True) -> None:
        """New articles; an id that exists is left as it is."""

    def are_rivalled(self, articles: Sequence[Article], *, beside: Sequence[Article] = ()) -> bool:
        """Whether another worker has added an article of the same link or text within the last minutes.

        What was computed before about their identity may then be wrong. ``beside``: what was computed with them.
        """

    def forget_fresh(self, *, before: datetime) -> None:
        """Delete what guards new articles against being added twice at once; minutes are enough."""

    def see(self, sightings: Sequence[Sighting], *, at: datetime) -> None:
        """A feed carries an article (again or under a new id)."""

    def revise(self, article: Article) -> None:
        """Store a new version; the old one is kept in the versions table."""

    def correct_owners(self, owner_of: Callable[[str, str], str | None], *, since: datetime) -> int:
        """Rewrite the owners of articles in stories that moved since, where ``owner_of`` (feed, link) says another.

        Returns how many were another; None of ``owner_of``: the owner stays.
        """

    def add_matches(self, article: ArticleId, matches: Sequence[Match]) -> None:
        """Store that rules match the article; a rule that is stored already is left as it is."""

    def drop_matches(self, article: ArticleId, rules: Sequence[str]) -> None:
        """The article is not what these rules are about."""

    def get(self, ids: Sequence[ArticleId]) -> Mapping[ArticleId, Article]:
        """Id -> article; unknown ids are left out."""

    def find(self, link: str) -> Article | None:
        """By a canonical link, in any of its forms."""

    def matches(self, article: ArticleId) -> Sequence[Match]:
        """The matches of an article, by rule."""

    def archive(self, *, since: datetime) -> Iterator[Article]:
        """Articles with text, first seen since, oldest first; streamed."""

    def count(self, *, since: datetime | None = None) -> int:
        """How many articles were first seen since; None: of all times."""

    def last_of_feed(self, feed: str, *, since: datetime, most: int) -> Sequence[Article]:
        """Its articles with text that were first seen since, the newest first."""

    def new_by_day(self, *, since: datetime) -> Sequence[DayCount]:
        """Articles of each feed by the day on which they were first seen; days without any are left out."""

    def matched_by_day(self, *, since: datetime) -> Sequence[DayCount]:
        """The same of each rule: articles that it matched."""


class Judgements(Protocol):
    """What people said of stories, in the order in which they said it."""

    def add(self, judgements: Sequence[Judgement]) -> Sequence[Judgement]:
        """Gives those that are new: an id that exists is left as it is."""

    def of_story(self, story: StoryId, channel: str) -> Sequence[Judgement]:
        """The judgements of one story in one channel."""

    def since(self, when: datetime | None) -> Sequence[Judgement]:
        """The judgements at ``when`` or later; None: all."""


class Rulings(Protocol):
    """What people decided about stories, in the order in which they did."""

    def add(self, ruling: Ruling) -> bool:
        """False: one of this id is known."""

    def waiting(self) -> Sequence[Ruling]:
        """Those that are to be carried out."""

    def done(self, ids: Sequence[str], *, at: datetime) -> None:
        """They were carried out at ``at``."""

    def since(self, when: datetime | None) -> Sequence[Ruling]:
        """The rulings at ``when`` or later; None: all."""


class Silences(Protocol):
    """Silences, in the order in which they were made."""

    def add(self, silence: Silence) -> bool:
        """False: one of this id is known."""

    def save_end(self, silence: Silence) -> None:
        """Somebody ended it before its time; one that was ended already is left as it is."""

    def active(self, now: datetime) -> Sequence[Silence]:
        """Those that neither their time nor anybody has ended."""

    def all(self) -> Sequence[Silence]:
        """Those that have ended too."""


class Subscriptions(Protocol):
    """At most one a feed."""

    def want(self, subscription: Subscription) -> None:
        """Keep it, where the feed has none at that hub of that topic; one at another is replaced."""

    def drop(self, feed: str) -> None:
        """The feed names no hub any more."""

    def keep(self, feeds: Collection[str]) -> None:
        """Drop those of all other feeds."""

    def claim_due(self, *, now: datetime, limit: int, lease: timedelta) -> Sequence[Subscription]:
        """Those whose hubs are to be asked, which nobody else is given until the lease is over."""

    def by_token(self, token: str) -> Subscription | None:
        """None: there is none, or none any more."""

    def of_feed(self, feed: str) -> Subscription | None:
        """None: the feed names no hub."""

    def save(self, subscription: Subscription, *, asked: Subscription | None = None) -> None:
        """As it is now, all but the pushes; does nothing where it was dropped or replaced.

        ``asked``: as it was when its hub was asked; nothing is written where the hub has come back since.
        """

    def push(self, feed: str, *, at: datetime | None) -> None:
        """News came; None: the feed is due for it."""

    def waiting(self, *, now: datetime) -> tuple[Sequence[str], int]:
        """Feeds for which news came and that are not due for it yet; and how many hubs are to be asked."""

    def all(self) -> Sequence[Subscription]:
        """By feed."""


T = TypeVar("T")


class FeedStates(Protocol):
    """What is remembered of each feed, and who polls it now."""

    def sync(self, urls: Iterable[str], *, now: datetime) -> None:
        """The configured feeds: new ones are due now, others that are no longer listed are not claimed."""

    def claim_due(
        self, *, now: datetime, limit: int, token: str, lease: timedelta, everything: bool = False
    ) -> Sequence[FeedState]:
        """Due feeds, most overdue first, leased to ``token``.

        ``everything`` ignores due_at, but no lease, Retry-After or 410. Feeds of a host that is not to be asked yet
        are not claimed: they are due when it may be.
        """

    def hurry(self, url: str, *, at: datetime, now: datetime) -> bool:
        """Make one feed due ``at`` a time, unless it is due before. Return False while it is being polled."""

    def make_due(self, *, now: datetime) -> None:
        """Every listed feed may be claimed, whenever it was due; Retry-After and 410 stay."""

    def renew(self, token: str, *, until: datetime) -> None:
        """The leases of ``token`` last longer; those that were lost stay lost."""

    def count_due(self, *, now: datetime) -> int:
        """How many feeds ``claim_due`` could lease."""

    def save(self, states: Sequence[FeedState], *, token: str | None = None) -> Sequence[str]:
        """Write and release; gives the urls whose lease was lost, which are not written."""

    def get(self, url: str) -> FeedState | None:
        """The feed's state; None: it was never listed."""

    def all(self) -> Sequence[FeedState]:
        """Of the configured feeds, by url."""

    def page(self, *, health: Collection[FeedHealth], skip: int, most: int) -> Sequence[FeedState]:
        """Some of the configured feeds of these healths, by url in the database's own order."""

    def counts(self) -> Mapping[FeedHealth, int]:
        """How many configured feeds are of each health; a health that none has is left out."""

    def limited(self) -> Sequence[FeedState]:
        """Those whose last answer set a limit (Retry-After), by url."""

    def host_limits(self, *, now: datetime) -> Mapping[str, datetime]:
        """Hosts that are not to be asked before a time."""

    def limit_host(self, host: str, until: datetime) -> None:
        """The host is not to be asked before ``until``."""


class Stories(Protocol):
    """Stories with their members, decisions and alerts."""

    def open_since(self, since: datetime) -> Sequence[Story]:
        """Unmerged stories whose last article came since, with their members, oldest first."""

    def get(self, ids: Sequence[StoryId]) -> Mapping[StoryId, Story]:
        """Id -> story with its members; unknown ids are left out."""

    def beginning(self, start: str, *, most: int) -> Sequence[StoryId]:
        """Return at most ``most`` ids that begin so; of a merged story, the one that it became."""

    def of_article(self, article: ArticleId) -> Story | None:
        """The story that the article is in, with its members; None: it is in none."""

    def home_of(self, article: ArticleId) -> StoryId | None:
        """The id alone: a story may hold thousands of articles."""

    def save(self, *saved: Story) -> None:
        """Write the stories and their members (those that are already there are left)."""

    def take_out(self, story: StoryId, articles: Sequence[ArticleId]) -> None:
        """They are no longer members of the story, nor of those that were merged into it."""

    def newest(
        self,
        *,
        since: datetime,
        rule: str | None,
        skip: int,
        most: int,
        after: tuple[datetime, StoryId] | None = None,
    ) -> Sequence[Story]:
        """Some of the unmerged stories whose last article came since, the last to move first, with their members.

        ``rule``: only those with an article that it matched. ``after``: only those behind the story of this last_seen
        and id.
        """

    def count(self, *, since: datetime, rule: str | None = None) -> int:
        """How many ``newest`` has."""

    def count_by_rule(self, *, since: datetime) -> Mapping[str, int]:
        """The same of each rule; a rule without any is left out."""

    def since(self, when: datetime | None) -> Sequence[Story]:
        """Every story whose last_seen is not before, oldest first, merged ones too."""

    def decide(self, decisions: Sequence[Decision]) -> None:
        """Record."""

    def decisions(self, story: StoryId) -> Sequence[Decision]:
        """What was decided about the story, oldest first."""

    def silenced(self, *, since: datetime) -> Sequence[Decision]:
        """What silences kept back at ``since`` or later, oldest first."""

    def alerts(self, stories: Sequence[StoryId]) -> Sequence[Alert]:
        """The alerts of these stories, one for each channel."""

    def save_alert(self, *saved: Alert) -> None:
        """Write each alert over the one of its story and channel."""

    def held_until(self, now: datetime) -> Sequence[Alert]:
        """Held alerts whose time has come, and posted ones that are to remind; oldest first."""

    def posted_since(self, channel: str, when: datetime) -> Sequence[Alert]:
        """The channel's alerts that were first posted at ``when`` or later."""


class Outbox(Protocol):
    """Messages to send, and what became of them."""

    def add(self, rows: Sequence[Outgoing]) -> None:
        """An id that exists is left as it is; a pending edit of the same thread is replaced by a newer one."""

    def claim(self, channel: str, *, now: datetime, limit: int, token: str, lease: timedelta) -> Sequence[Outgoing]:
        """Sendable rows in order, at most one a thread and never past an unsent older one of its thread, except an
        untried reply that is due later. Rows whose lease ran out come back as UNKNOWN."""

    def save(self, row: Outgoing, *, token: str) -> bool:
        """Write the outcome and release; False: the lease was lost, nothing is written."""

    def get(self, ids: Sequence[SendId]) -> Mapping[SendId, Outgoing]:
        """Id -> row; unknown ids are left out."""

    def next_due(self, channels: Sequence[str], *, now: datetime) -> datetime | None:
        """When the next row can be sent; None: nothing waits."""

    def counts(self) -> Mapping[tuple[str, SendState], int]:
        """(channel, state) -> number of rows."""

    def unsent(self) -> Sequence[Outgoing]:
        """Pending, sending, unknown and parked rows, in order."""

    def of_story(self, story: StoryId) -> Sequence[Outgoing]:
        """The rows of a story, oldest first."""

    def park(self, channels: Sequence[str], reason: str, *, now: datetime) -> int:
        """Park all pending rows of these channels; the ledger tells each that was not parked for this reason before."""

    def unpark(self, channels: Sequence[str], *, now: datetime) -> int:
        """The channels are back: parked rows are pending again."""

    def drop(self, ids: Sequence[SendId], reason: str, *, now: datetime) -> int:
        """Give up rows that nobody has begun to send; the ledger tells each. Gives how many."""


class DecisionQueue(Protocol):
    """Matched articles that wait to be decided, by one process at a time on any number of machines."""

    def add(
        self,
        arrivals: Sequence[Arrival],
        revisions: Sequence[Revision],
        pending: Sequence[Pending] = (),
    ) -> None:
        """Put matched articles, revised ones and what is pending at the end."""

    def peek(self, *, limit: int) -> QueuedWork:
        """The oldest, which stay."""

    def remove(self, numbers: Sequence[int]) -> None:
        """They are decided."""

    def count(self) -> int:
        """How many entries wait."""

    def holder(self) -> QueueHolder:
        """What a decision is computed on: it holds as long as this does."""

    def take_over(self, who: str, *, seen: QueueHolder) -> QueueHolder | None:
        """Become the holder, in the transaction that writes what was decided on ``seen``.

        None: another has decided or changed something since; nothing that was computed may be written.
        """

    def note_change(self) -> None:
        """Stories or alerts are changed by somebody who does not decide, such as a reader who presses a button."""


class KeyValues(Protocol):
    """Small facts of the running bot: the last tick, the last reload, a channel's resolved id."""

    def get(self, key: str) -> str | None:
        """The value; None: nothing is kept under the key."""

    def put(self, key: str, value: str) -> None:
        """Keep the value, instead of one that was there."""

    def beginning(self, start: str) -> Mapping[str, str]:
        """Those whose keys begin so."""

    def drop(self, key: str) -> None:
        """Delete the key, if it is there."""


class Ledger(Protocol):
    """What happened, in rows that are written once."""

    def add(self, rows: Sequence[LedgerRow]) -> None:
        """Write facts of this transaction; decisions are rows by themselves."""

    def since(self, when: datetime) -> Iterator[LedgerRow]:
        """Yield rows from ``when`` on, oldest first. Raises StoreError for a damaged row."""


class Transaction(Protocol):
    """One transaction's view of the store. Synchronous: it runs on the store's own thread."""

    feeds: FeedStates
    articles: Articles
    stories: Stories
    outbox: Outbox
    judgements: Judgements
    rulings: Rulings
    silences: Silences
    decision_queue: DecisionQueue
    ledger: Ledger
    key_values: KeyValues
    search: Search
    completions: Completions
    subscriptions: Subscriptions

    def shift_waiting_times(self, *, by: timedelta, now: datetime) -> None:
        """Move what waits for a time: the clock shows ``now`` and was set back ``by``. Twice would move it twice."""


class Store(Protocol):
    """The database."""

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in one transaction, committed when it returns, rolled back when it raises.

        ``work`` may run again after a lost race, so it must have no effect outside. Raises StoreUnavailable.
        """

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Returns what ``work`` returns over one state of the store. Raises StoreUnavailable."""

    @property
    def outage_reason(self) -> str:
        """Why nothing can be written now; empty: nothing has failed since the last transaction that wrote."""

    async def free_dead_leases(self) -> None:
        """At start, by the one owner of a SQLite file: what a dead process had claimed is free, its sends UNKNOWN."""

    async def close(self) -> None:
        """Close all connections."""
