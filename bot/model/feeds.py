"""A feed: its line in feeds.yaml, its state between polls, its subscription at a hub, and its parsed document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from bot.model import values
from bot.model.access import Access
from bot.model.values import Derived, Key


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
    #: The server responded with 410.
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed(Access):
    """One feed: its address, or a block with more about it."""

    OTHER_WORDS: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("address", "link", "feed", "rss", "href", "source", "uri"), "url"),
        **dict.fromkeys(("title", "outlet", "label"), "name"),
        **dict.fromkeys(("tag", "labels", "category", "categories", "group"), "tags"),
        **dict.fromkeys(("interval", "poll", "frequency", "refresh"), "every"),
        **dict.fromkeys(("publisher", "company"), "owner"),
        **dict.fromkeys(("type", "format"), "kind"),
    }

    #: The feed's identity, also after a redirect. Short forms and references are whole addresses once they are read.
    url: Annotated[
        values.Text,
        Key(
            "The feed's address (RSS, Atom, JSON Feed, news sitemap), or the short form of a known place; where it "
            "holds a secret, env:NAME or file:/path.",
            example="https://example.org/feed.xml",
        ),
    ]
    name: Annotated[
        values.Text | None, Key("The outlet's name in messages; without it, the feed's own title, with its host.")
    ] = None
    every: Annotated[
        values.Duration | None, Key("The shortest time between two polls; without it, bot.yaml's fetch.every.")
    ] = None
    at_least: Annotated[
        values.AtLeast | None, Key("The longest time between two polls; without it, bot.yaml's fetch.at_least.")
    ] = None
    backfill: Annotated[
        values.Duration | None, Key("How far back the first poll announces; without it, bot.yaml's fetch.backfill.")
    ] = None
    full_text: Annotated[
        FullText, Key("Fetch the article's page: never, when_needed (if the feed has only a teaser), always.")
    ] = FullText.NEVER
    tags: Annotated[values.Texts, Key("Tags by which rules select feeds.")] = ()
    owner: Annotated[
        values.Text | None,
        Key("The owner of the outlet: outlets of one owner count once. Without it, the domain of the address."),
    ] = None
    #: None is treated as false.
    aggregator: Annotated[
        bool | None,
        Key("true: its items are articles of other sites; each counts for the site that its link leads to."),
    ] = None
    expect: Annotated[
        values.Rhythm | None, Key("every 2 days: the operator is notified when the feed has been silent for longer.")
    ] = None
    kind: Annotated[
        values.Text | None,
        Key("The document's format; without it, the format is detected. A plug-in may add more."),
    ] = None
    #: Options of that kind as JSON, validated by its options model.
    options: Annotated[str, Derived()] = "{}"

    @property
    def access(self) -> Access | None:
        """Return what its requests carry, or None if they carry nothing."""
        access = Access(**{field.name: getattr(self, field.name) for field in fields(Access)})
        return access if access != Access() else None

    def without_access(self) -> Self:
        """Return the feed for a process that must not know its secrets."""
        nothing: dict[str, Any] = {field.name: field.default for field in fields(Access)}
        return replace(self, **nothing)


def feed_place(url: str) -> str:
    """Return the address without the parts that rarely distinguish feeds: scheme, www., case of the host, final slash.

    >>> feed_place("https://www.Example.org/feed/") == feed_place("http://example.org/feed")
    True
    """
    host, slash, path = url.partition("://")[2].partition("/")
    return f"//{host.casefold().removeprefix('www.')}{slash}{path}".rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """The state of one feed between polls."""

    url: str
    #: The feed's title at its first successful poll: a feed cannot take another outlet's name later.
    title: str | None = None
    #: Its title at the last successful poll, if it differs.
    new_title: str | None = None
    due_at: datetime
    #: The first response that was parsed; None: the next one is the baseline.
    baseline_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    #: SHA-256 of the last parsed body.
    body_hash: str | None = None
    #: Hashes of the last body's item ranges: an item with known bytes is not parsed again.
    item_hashes: tuple[str, ...] = ()
    #: The target of a repeated 301 or 308; None: not moved.
    moved_to: str | None = None
    #: The target of a permanent redirect that was not yet repeated often enough.
    moving_to: str | None = None
    moving_count: int = 0
    #: The learnt interval between polls; None: not learnt yet.
    interval: timedelta | None = None
    polled_at: datetime | None = None
    #: The last poll that gave a document or a 304.
    ok_at: datetime | None = None
    #: The last poll that gave a new article.
    new_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    #: When all items of its document were last identified, including those with known bytes.
    named_at: datetime | None = None
    #: The error of the last poll, for people; None: no error.
    error: str | None = None
    #: Not to be polled before this time, by the server's Retry-After.
    retry_after: datetime | None = None
    #: When the last response set a limit (429, 503, a sudden 403); used for the limit of the whole host.
    limited_at: datetime | None = None
    #: The server responded with 410: not polled again until feeds.yaml changes.
    gone: bool = False
    #: Health problems already reported to the operator, so that each is reported once.
    told: tuple[str, ...] = ()
    #: Remarks on the last document: bad bytes, cut document, guid churn.
    remarks: tuple[str, ...] = ()
    #: Arrival times of the last new articles (at most 50), newest last. Polling learns the interval from them.
    rhythm: tuple[datetime, ...] = ()
    #: Fresh until then, by Cache-Control or Expires.
    fresh_until: datetime | None = None
    #: Polling limits that the document asks for; see the parsed document below.
    ttl: timedelta | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    #: Items of the last document, including known ones.
    item_count: int = 0
    #: Since when a feed that had items has none; None: it has items, or never had any.
    empty_since: datetime | None = None
    #: Whether an entry with a date was seen, and the number of entries without a date since.
    has_dates: bool = False
    undated_count: int = 0
    #: Text that its items repeat, in the format of articles.boilerplate.
    boilerplate: str = ""
    #: The last day (UTC) on which it was read, and the number of items stored on that day (see polling/quota.py).
    day: date | None = None
    day_count: int = 0
    day_names: int = 0
    #: Items that the last poll postponed to the next day.
    left_count: int = 0
    #: Its last document took so long to parse that others had to wait.
    is_slow: bool = False
    #: Mails that could not be parsed on ``skipped_on``, the last such day (UTC).
    skipped_count: int = 0
    skipped_on: date | None = None
    #: Most of its items link to several other sites.
    links_elsewhere: bool = False
    #: The expiry of its server's certificate.
    certificate_until: datetime | None = None
    #: The WebSub hub and topic of the last document.
    hub: str | None = None
    topic: str | None = None
    #: When the hub or topic last changed.
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
        """The health in one or two words, for people."""
        words = {
            FeedHealth.GONE: "gone (410)",
            FeedHealth.FAILING: f"failing ({self.failures})",
            FeedHealth.NEW: "not read yet",
        }
        return words.get(self.health, "ok")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item as the source parsed it, not cleaned."""

    guid: str | None = None
    #: Absolute if the source could resolve it.
    link: str | None = None
    title: str | None = None
    #: HTML or text; the longer of summary and content.
    body: str | None = None
    author: str | None = None
    tags: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    language: str | None = None
    #: Parsed only for its identity: older than the backfill window, or its bytes are known.
    identity_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """One parsed feed document."""

    title: str | None = None
    link: str | None = None
    language: str | None = None
    entries: tuple[Entry, ...] = ()
    #: For people: “cut off after item 12”, “3 bytes are not UTF-8”.
    remarks: tuple[str, ...] = ()
    #: The minimum interval that the feed asks for (ttl, sy:updatePeriod).
    ttl: timedelta | None = None
    #: Hours (0 to 23, UTC) and weekdays (0 is Monday) in which the feed asks not to be polled.
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    item_hashes: tuple[str, ...] = ()
    #: The WebSub hub, and the document's address by which the hub identifies it.
    hub: str | None = None
    topic: str | None = None
    #: It has only the items since the last document, not the whole list.
    is_increment: bool = False
    #: It took so long to parse that other documents had to wait.
    was_slow: bool = False
    #: The number of mails that could not be parsed and are not tried again.
    skipped: int = 0
    #: The etag of the parsed part if the rest of the document is left for the next poll; None: all of it was parsed.
    read_to: str | None = None


def redirected_twins(feeds: Iterable[FeedState]) -> list[tuple[FeedState, ...]]:
    """Return groups of feeds that share an address because some of them have permanently moved there, in order."""
    by_place: dict[str, list[FeedState]] = {}
    for feed in feeds:
        by_place.setdefault(feed_place(feed.moved_to or feed.url), []).append(feed)
    return [tuple(twins) for twins in by_place.values() if len({feed_place(twin.url) for twin in twins}) > 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The state of one subscription."""

    #: The feed's address in feeds.yaml.
    feed: str
    hub: str
    #: The feed's address for the hub, as the feed names it.
    topic: str
    #: The secret end of the callback's address.
    token: str
    #: Signs what the hub sends.
    secret: str
    #: When to send the next request to the hub.
    next_at: datetime
    #: When the request that the hub has not yet verified was sent.
    asked_at: datetime | None = None
    #: The end of the lease; None: the hub has not confirmed one.
    until: datetime | None = None
    #: Consecutive failures.
    failures: int = 0
    #: The last error, for people; None: no error.
    error: str | None = None
    #: When the hub last pushed news that was not polled yet.
    pushed_at: datetime | None = None
