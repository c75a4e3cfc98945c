"""What is kept, and the transaction that keeps it whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from bot import model
from bot.ports.archive import Articles
from bot.ports.language_models import Completions
from bot.ports.people import Judgements, Rulings, Silences
from bot.ports.pushes import Subscriptions
from bot.ports.searching import Search
from bot.ports.stored import Holder, Waiting

T = TypeVar("T")


class FeedStates(Protocol):
    """What is remembered of each feed, and who polls it now."""

    def sync(self, urls: Iterable[str], *, now: datetime) -> None:
        """The configured feeds: new ones are due now, others that are no longer listed are not claimed."""

    def claim_due(
        self, *, now: datetime, limit: int, token: str, lease: timedelta, everything: bool = False
    ) -> Sequence[model.FeedState]:
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

    def save(self, states: Sequence[model.FeedState], *, token: str | None = None) -> Sequence[str]:
        """Write and release; gives the urls whose lease was lost, which are not written."""

    def get(self, url: str) -> model.FeedState | None:
        """The feed's state; None: it was never listed."""

    def all(self) -> Sequence[model.FeedState]:
        """Of the configured feeds, by url."""

    def page(self, *, health: Collection[model.FeedHealth], skip: int, most: int) -> Sequence[model.FeedState]:
        """Some of the configured feeds of these healths, by url in the database's own order."""

    def counts(self) -> Mapping[model.FeedHealth, int]:
        """How many configured feeds are of each health; a health that none has is left out."""

    def limited(self) -> Sequence[model.FeedState]:
        """Those whose last answer set a limit (Retry-After), by url."""

    def host_limits(self, *, now: datetime) -> Mapping[str, datetime]:
        """Hosts that are not to be asked before a time."""

    def limit_host(self, host: str, until: datetime) -> None:
        """The host is not to be asked before ``until``."""


class Stories(Protocol):
    """Stories with their members, decisions and alerts."""

    def open_since(self, since: datetime) -> Sequence[model.Story]:
        """Unmerged stories whose last article came since, with their members, oldest first."""

    def get(self, ids: Sequence[model.StoryId]) -> Mapping[model.StoryId, model.Story]:
        """Id -> story with its members; unknown ids are left out."""

    def beginning(self, start: str, *, most: int) -> Sequence[model.StoryId]:
        """Return at most ``most`` ids that begin so; of a merged story, the one that it became."""

    def of_article(self, article: model.ArticleId) -> model.Story | None:
        """The story that the article is in, with its members; None: it is in none."""

    def home_of(self, article: model.ArticleId) -> model.StoryId | None:
        """The id alone: a story may hold thousands of articles."""

    def save(self, *saved: model.Story) -> None:
        """Write the stories and their members (those that are already there are left)."""

    def take_out(self, story: model.StoryId, articles: Sequence[model.ArticleId]) -> None:
        """They are no longer members of the story, nor of those that were merged into it."""

    def newest(
        self,
        *,
        since: datetime,
        rule: str | None,
        skip: int,
        most: int,
        after: tuple[datetime, model.StoryId] | None = None,
    ) -> Sequence[model.Story]:
        """Some of the unmerged stories whose last article came since, the last to move first, with their members.

        ``rule``: only those with an article that it matched. ``after``: only those behind the story of this last_seen
        and id.
        """

    def count(self, *, since: datetime, rule: str | None = None) -> int:
        """How many ``newest`` has."""

    def count_by_rule(self, *, since: datetime) -> Mapping[str, int]:
        """The same of each rule; a rule without any is left out."""

    def since(self, when: datetime | None) -> Sequence[model.Story]:
        """Every story whose last_seen is not before, oldest first, merged ones too."""

    def decide(self, decisions: Sequence[model.Decision]) -> None:
        """Record."""

    def decisions(self, story: model.StoryId) -> Sequence[model.Decision]:
        """What was decided about the story, oldest first."""

    def silenced(self, *, since: datetime) -> Sequence[model.Decision]:
        """What silences kept back at ``since`` or later, oldest first."""

    def alerts(self, stories: Sequence[model.StoryId]) -> Sequence[model.Alert]:
        """The alerts of these stories, one for each channel."""

    def save_alert(self, *saved: model.Alert) -> None:
        """Write each alert over the one of its story and channel."""

    def held_until(self, now: datetime) -> Sequence[model.Alert]:
        """Held alerts whose time has come, and posted ones that are to remind; oldest first."""

    def posted_since(self, channel: str, when: datetime) -> Sequence[model.Alert]:
        """The channel's alerts that were first posted at ``when`` or later."""


class Outbox(Protocol):
    """Messages to send, and what became of them."""

    def add(self, rows: Sequence[model.Outgoing]) -> None:
        """An id that exists is left as it is; a pending edit of the same thread is replaced by a newer one."""

    def claim(
        self, channel: str, *, now: datetime, limit: int, token: str, lease: timedelta
    ) -> Sequence[model.Outgoing]:
        """Sendable rows in order, at most one a thread and never past an unsent older one of its thread, except an
        untried reply that is due later. Rows whose lease ran out come back as UNKNOWN."""

    def save(self, row: model.Outgoing, *, token: str) -> bool:
        """Write the outcome and release; False: the lease was lost, nothing is written."""

    def get(self, ids: Sequence[model.SendId]) -> Mapping[model.SendId, model.Outgoing]:
        """Id -> row; unknown ids are left out."""

    def next_due(self, channels: Sequence[str], *, now: datetime) -> datetime | None:
        """When the next row can be sent; None: nothing waits."""

    def counts(self) -> Mapping[tuple[str, model.SendState], int]:
        """(channel, state) -> number of rows."""

    def unsent(self) -> Sequence[model.Outgoing]:
        """Pending, sending, unknown and parked rows, in order."""

    def of_story(self, story: model.StoryId) -> Sequence[model.Outgoing]:
        """The rows of a story, oldest first."""

    def park(self, channels: Sequence[str], reason: str, *, now: datetime) -> int:
        """Park all pending rows of these channels; the ledger tells each that was not parked for this reason before."""

    def unpark(self, channels: Sequence[str], *, now: datetime) -> int:
        """The channels are back: parked rows are pending again."""

    def drop(self, ids: Sequence[model.SendId], reason: str, *, now: datetime) -> int:
        """Give up rows that nobody has begun to send; the ledger tells each. Gives how many."""


class DecisionQueue(Protocol):
    """Matched articles that wait to be decided, by one process at a time on any number of machines."""

    def add(
        self,
        arrivals: Sequence[model.Arrival],
        revisions: Sequence[model.Revision],
        pending: Sequence[model.Pending] = (),
    ) -> None:
        """Put matched articles, revised ones and what is pending at the end."""

    def peek(self, *, limit: int) -> Waiting:
        """The oldest, which stay."""

    def remove(self, numbers: Sequence[int]) -> None:
        """They are decided."""

    def count(self) -> int:
        """How many entries wait."""

    def holder(self) -> Holder:
        """What a decision is computed on: it holds as long as this does."""

    def take_over(self, who: str, *, seen: Holder) -> Holder | None:
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

    def add(self, rows: Sequence[model.LedgerRow]) -> None:
        """Write facts of this transaction; decisions are rows by themselves."""

    def since(self, when: datetime) -> Iterator[model.LedgerRow]:
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
