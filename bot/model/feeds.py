"""A feed, what is remembered of it, and what its document says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bot.model.access import Access


class FullText(StrEnum):
    """When the article's own page is read."""

    NEVER = "never"
    WHEN_NEEDED = "when_needed"
    ALWAYS = "always"


class FeedHealth(StrEnum):
    """A feed in one word."""

    OK = "ok"
    #: Not read yet.
    NEW = "new"
    FAILING = "failing"
    #: It said 410.
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One line of feeds.yaml."""

    #: The address as written in feeds.yaml: the feed's identity, also after a redirect.
    url: str
    #: The outlet's name; None: the feed's own title.
    name: str | None = None
    #: The shortest interval between two polls; None: bot.yaml's ``fetch.every``.
    every: timedelta | None = None
    #: The longest interval; None: bot.yaml's ``fetch.at_least``.
    at_least: timedelta | None = None
    #: How far back a first poll announces; None: bot.yaml's ``fetch.backfill``.
    backfill: timedelta | None = None
    full_text: FullText = FullText.NEVER
    tags: tuple[str, ...] = ()
    #: Who owns the outlet; None: the registrable domain of the feed's address.
    owner: str | None = None
    #: Its items are the articles of others: their links say whose. None: not said, taken for no.
    aggregator: bool | None = None
    #: Silence longer than this is reported to the operator.
    expect: timedelta | None = None
    #: How its document is parsed; None: as the document itself says.
    kind: str | None = None
    #: What the kind is told of this feed, as JSON that its options model has checked.
    options: str = "{}"
    #: What it is asked with beside its address; None: nothing.
    access: Access | None = None


def feed_place(url: str) -> str:
    """The address without what seldom makes another feed: scheme, www., capitals of the host, a slash at the end.

    >>> feed_place("https://www.Example.org/feed/") == feed_place("http://example.org/feed")
    True
    """
    host, slash, path = url.partition("://")[2].partition("/")
    return f"//{host.casefold().removeprefix('www.')}{slash}{path}".rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What is remembered of one feed between polls."""

    url: str
    #: The feed's own title at its first good reading: a feed cannot take another outlet's name later.
    title: str | None = None
    #: Its title at the last good reading, where that is another one.
    new_title: str | None = None
    due_at: datetime
    #: The first answer that parsed; None: the next one is the baseline.
    baseline_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    #: SHA-256 of the last body that was read.
    body_hash: str | None = None
    #: Hashes of the last body's item ranges: an item with known bytes is not parsed again.
    item_hashes: tuple[str, ...] = ()
    #: Where a repeated 301/308 leads; None: not moved.
    moved_to: str | None = None
    #: A permanent redirect seen, not yet often enough to be believed.
    moving_to: str | None = None
    moving_count: int = 0
    #: Now and then learnt interval between polls; None: not learnt yet.
    interval: timedelta | None = None
    polled_at: datetime | None = None
    #: The last poll that gave a reading or a 304.
    ok_at: datetime | None = None
    #: The last poll that gave an article not seen before.
    new_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    #: When each item of its document was last named, those with known bytes too.
    named_at: datetime | None = None
    #: What went wrong last, for people; None: nothing.
    error: str | None = None
    #: Not to be asked before, by the server's own word (Retry-After).
    retry_after: datetime | None = None
    #: When the last answer set a limit (429, 503, a sudden 403), for the limit of the whole host.
    limited_at: datetime | None = None
    #: 410: never asked again until feeds.yaml changes.
    gone: bool = False
    #: Health problems already reported to the operator, so that each is reported once.
    told: tuple[str, ...] = ()
    #: Remarks of the last reading: bad bytes, cut document, guid churn.
    remarks: tuple[str, ...] = ()
    #: Arrival times of the last new articles (at most 50), newest last: the feed's rhythm.
    rhythm: tuple[datetime, ...] = ()
    #: Fresh until then by the last answer's Cache-Control or Expires.
    fresh_until: datetime | None = None
    #: What the last reading asked for; see Reading.
    ttl: timedelta | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    #: Items of the last reading, known ones too.
    item_count: int = 0
    #: Since when a feed that had items has none; None: it has some, or never had.
    empty_since: datetime | None = None
    #: An entry with a date was seen; and how many without came since.
    has_dates: bool = False
    undated_count: int = 0
    #: What its items repeat, as articles.boilerplate writes it.
    boilerplate: str = ""
    #: The last day (UTC) on which it was read, and what was stored of it on that day: see polling/quota.py.
    day: date | None = None
    day_count: int = 0
    day_names: int = 0
    #: Items that were left for the next day at the last reading.
    left_count: int = 0
    #: Its last document took so long to read that others had to wait.
    is_slow: bool = False
    #: Mails that could not be read on ``skipped_on``, the last such day (UTC).
    skipped_count: int = 0
    skipped_on: date | None = None
    #: Most of its items link to several other sites.
    links_elsewhere: bool = False
    #: The end of its server's certificate.
    certificate_until: datetime | None = None
    #: As the last reading named them; None: none.
    hub: str | None = None
    topic: str | None = None
    #: When it last named another hub or topic than before.
    hub_changed_at: datetime | None = None

    @property
    def health(self) -> FeedHealth:
        """The feed's health after its last poll."""
        if self.gone:
            return FeedHealth.GONE
        if self.failures:
            return FeedHealth.FAILING
        return FeedHealth.NEW if self.baseline_at is None else FeedHealth.OK

    @property
    def health_told(self) -> str:
        """The health in one or two words for people."""
        match self.health:
            case FeedHealth.GONE:
                return "gone (410)"
            case FeedHealth.FAILING:
                return f"failing ({self.failures})"
            case FeedHealth.NEW:
                return "not read yet"
            case FeedHealth.OK:
                return "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item as a source read it: nothing decided, nothing cleaned."""

    guid: str | None = None
    #: Absolute where the source could make it so.
    link: str | None = None
    title: str | None = None
    #: HTML or text as given; the longest of summary and content.
    body: str | None = None
    author: str | None = None
    tags: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    language: str | None = None
    #: Read only for its identity: older than the backfill window, or its bytes are known.
    identity_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One feed document as a source read it."""

    title: str | None = None
    link: str | None = None
    language: str | None = None
    entries: tuple[Entry, ...] = ()
    #: For people: “cut off after item 12”, “3 bytes are not UTF-8”.
    remarks: tuple[str, ...] = ()
    #: Lower bound that the feed asks for (ttl, sy:updatePeriod).
    ttl: timedelta | None = None
    #: Hours (0 to 23, UTC) and weekdays (0 Monday) in which the feed asks not to be read.
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    item_hashes: tuple[str, ...] = ()
    #: The hub that tells of news (WebSub), and the document's own address, by which the hub knows it.
    hub: str | None = None
    topic: str | None = None
    #: It has only what came since the last one, not the whole list.
    is_increment: bool = False
    #: It took so long to read that other documents had to wait.
    was_slow: bool = False
    #: Mails that could not be read, and are not read again.
    skipped: int = 0
    #: The etag of what was read; the rest of the document is left for the next poll. None: all of it was read.
    read_to: str | None = None


def redirected_twins(feeds: Iterable[FeedState]) -> list[tuple[FeedState, ...]]:
    """Feeds that are one address since some of them have moved there for good, in order."""
    by_place: dict[str, list[FeedState]] = {}
    for feed in feeds:
        by_place.setdefault(feed_place(feed.moved_to or feed.url), []).append(feed)
    return [tuple(twins) for twins in by_place.values() if len({feed_place(twin.url) for twin in twins}) > 1]
