"""A feed: its line in feeds.yaml, its state between polls, and its parsed document."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

import msgspec
from msgspec.structs import replace

from bot import keys
from bot.keys import Derived, Key
from bot.model.access import Access


class FullText(StrEnum):
    """When an article's own page is fetched."""

    NEVER = "never"
    WHEN_NEEDED = "when_needed"
    ALWAYS = "always"


class FeedHealth(StrEnum):
    OK = "ok"
    #: No document has been parsed yet.
    NEW = "new"
    FAILING = "failing"
    #: The feed can be read, but has had nothing new for unusually long, or no items.
    SILENT = "silent"
    #: The server responded with 410.
    GONE = "gone"


#: The reported problems of a silent feed (``feeds.health``).
SILENCES = frozenset(("silent", "expected", "empty"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed(Access):
    """One feed, written as its address or as a block of keys."""

    ADVICE: ClassVar[Mapping[str, str]] = {
        "notify": "a rule chooses the channels; write feeds: with this feed's name in the rule",
        "user": "write auth: {basic: {user: NAME, password: env:NAME}}",
        "password": "write auth: {basic: {user: NAME, password: env:NAME}}",
        **dict.fromkeys(
            ("enabled", "disabled", "active", "paused"), "to stop polling a feed, write # before its line, or remove it"
        ),
        **dict.fromkeys(
            ("keywords", "keyword", "filter", "include", "exclude", "match", "query"),
            "what to look for belongs in a rule: rules/telecom.yaml",
        ),
        **dict.fromkeys(("priority", "weight"), "all feeds count alike; the severity of a rule is for its stories"),
    }
    OTHER_WORDS: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("address", "link", "feed", "rss", "href", "source", "uri"), "url"),
        **dict.fromkeys(("title", "outlet", "label"), "name"),
        **dict.fromkeys(("tag", "labels", "category", "categories", "group"), "tags"),
        **dict.fromkeys(("interval", "poll", "frequency", "refresh"), "every"),
        **dict.fromkeys(("publisher", "company"), "owner"),
        **dict.fromkeys(("type", "format"), "kind"),
    }

    #: The feed's identity, even after a redirect. Short forms and references become whole addresses during loading.
    url: Annotated[
        keys.Text,
        Key(
            "The feed's address (RSS, Atom, JSON Feed, news sitemap), or the short form of a known place. If the "
            "address holds a secret, write env:NAME or file:/path.",
            example="https://example.org/feed.xml",
        ),
    ]
    name: Annotated[
        keys.Text | None,
        Key("The outlet's name in messages. Without it, messages show the feed's own title and host."),
    ] = None
    every: Annotated[
        keys.Duration | None,
        Key("The shortest time between two polls. Default: fetch.every of bot.yaml, or 1 minute for a mailbox."),
    ] = None
    at_least: Annotated[
        keys.AtLeast | None, Key("The longest time between two polls. Default: fetch.at_least of bot.yaml.")
    ] = None
    backfill: Annotated[
        keys.Duration | None,
        Key("Maximum age of articles that the first poll announces. Default: fetch.backfill of bot.yaml."),
    ] = None
    full_text: Annotated[
        FullText, Key("Fetch the article's page: never, when_needed (if the feed has only a teaser), always.")
    ] = FullText.NEVER
    tags: Annotated[keys.Texts, Key("Tags by which rules select feeds.")] = ()
    owner: Annotated[
        keys.Text | None,
        Key("The owner of the outlet. Outlets of the same owner count once. Default: the domain of the address."),
    ] = None
    #: None (not set) counts as false.
    aggregator: Annotated[
        bool | None,
        Key("true: the feed lists articles of other sites. Each article counts for the site that it links to."),
    ] = None
    primary: Annotated[
        bool,
        Key(
            "true: the feed is a primary source, such as a regulator, a court or a company. Its articles are official: "
            "they lead the list of outlets, and the message says since when there is one."
        ),
    ] = False
    expect: Annotated[
        keys.Rhythm | None,
        Key("Notify the operator when the feed has published nothing for this long: every 2 days."),
    ] = None
    kind: Annotated[
        keys.Text | None,
        Key("The document's format. Without it, the format is detected. Plug-ins may add formats."),
    ] = None
    #: Options of the kind as JSON, validated by the kind's options model.
    options: Annotated[str, Derived()] = "{}"

    @property
    def access(self) -> Access | None:
        """Return the headers, login and other access settings of the feed's requests, or None if it has none."""
        access = Access(**{field.name: getattr(self, field.name) for field in fields(Access)})
        return access if access != Access() else None

    def without_access(self) -> Self:
        """Return the feed for a process that must not know its secrets."""
        nothing: dict[str, Any] = {field.name: field.default for field in fields(Access)}
        return dataclasses.replace(self, **nothing)


def feed_place(url: str) -> str:
    """Return the address without the parts that rarely distinguish feeds: scheme, www., case of the host, final slash.

    >>> feed_place("https://www.Example.org/feed/") == feed_place("http://example.org/feed")
    True
    """
    host, slash, path = url.partition("://")[2].partition("/")
    return f"//{host.casefold().removeprefix('www.')}{slash}{path}".rstrip("/")


class Validators(msgspec.Struct, frozen=True, kw_only=True):
    """Values that identify the last parsed document, so that an unchanged one is not sent or parsed again."""

    etag: str | None = None
    last_modified: str | None = None
    #: SHA-256 of the body.
    body_hash: str | None = None
    #: Hashes of the bytes of each item. An item with a known hash is not parsed again.
    item_hashes: tuple[str, ...] = ()

    def after_not_modified(self, *, etag: str | None, last_modified: str | None) -> Validators:
        """Return the validators after a 304, which may have new ones (RFC 9110 section 15.4.5)."""
        return replace(self, etag=etag or self.etag, last_modified=last_modified or self.last_modified)


class PublisherLimits(msgspec.Struct, frozen=True, kw_only=True):
    """When the publisher asks not to be polled; ``ParsedFeed`` describes all fields but the first."""

    #: Time at which the last response expires (Cache-Control or Expires), or None if unknown.
    fresh_until: datetime | None = None
    ttl: timedelta | None = None


#: Maximum arrival times that a rhythm remembers.
_MOST_ARRIVALS = 50


class Rhythm(msgspec.Struct, frozen=True, kw_only=True):
    """How the feed publishes."""

    #: Arrival times of the last new articles, newest last. Polling learns the interval from them.
    arrivals: tuple[datetime, ...] = ()
    #: The learnt interval between polls, or None if it is not learnt yet.
    interval: timedelta | None = None
    #: When a poll last found a new article.
    new_at: datetime | None = None
    #: Number of items in the last document, including known items.
    item_count: int = 0
    #: Since when the feed has had no items. None if it has items, or never had any.
    empty_since: datetime | None = None

    def after_document(
        self, arrivals: Iterable[datetime], *, has_news: bool, item_count: int, is_increment: bool, now: datetime
    ) -> Rhythm:
        """Return the rhythm after a document. An increment contains only the items since the last document."""
        # A feed that never had an item is new, not broken.
        empty_since = self.empty_since or (now if self.item_count else None)
        return Rhythm(
            arrivals=tuple(sorted((*self.arrivals, *arrivals)))[-_MOST_ARRIVALS:],
            interval=self.interval,
            new_at=now if has_news else self.new_at,
            item_count=item_count,
            empty_since=None if item_count or is_increment else empty_since,
        )


class DayUse(msgspec.Struct, frozen=True, kw_only=True):
    """The use of a feed's daily limit on the last day (UTC) on which one of its documents was stored."""

    day: date | None = None
    #: The number of stored items; a long item counts as several (``max_items_per_day``).
    stored: int = 0
    #: Number of items that the last poll postponed to the next day.
    postponed: int = 0
    #: Number of mails that could not be parsed.
    unreadable: int = 0

    def on(self, day: date) -> DayUse:
        """Return the use of this day, which is nothing yet on a new day."""
        return self if day == self.day else DayUse(day=day)

    def after_document(self, unreadable: int, *, day: date) -> DayUse:
        """Return the use of this day after a document, of which ``unreadable`` mails could not be parsed."""
        today = self.on(day)
        return replace(today, unreadable=today.unreadable + unreadable)


class FeedState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one feed between polls."""

    url: str
    #: The feed's title at its first successful poll. It is kept, so that a feed cannot adopt another name later.
    title: str | None = None
    #: The feed's title at the last successful poll, if it differs from ``title``.
    new_title: str | None = None
    due_at: datetime
    #: When the first response was parsed. None means that the next response is the baseline.
    baseline_at: datetime | None = None
    validators: Validators = Validators()
    #: The target of a repeated 301 or 308, or None if the feed has not moved.
    moved_to: str | None = None
    #: The target of a permanent redirect that has not yet been repeated often enough.
    moving_to: str | None = None
    moving_count: int = 0
    polled_at: datetime | None = None
    #: When a poll last returned a document or a 304.
    ok_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    #: When all items of the feed's document were last identified, including those with known bytes.
    named_at: datetime | None = None
    #: The error of the last poll, for people, or None.
    error: str | None = None
    #: The earliest time of the next poll, from the server's Retry-After.
    retry_after: datetime | None = None
    #: When a response last limited the requests (429, 503, a sudden 403). The limit of the whole host uses this.
    limited_at: datetime | None = None
    #: True if the server responded with 410. The feed is not polled again until feeds.yaml changes.
    gone: bool = False
    #: Health problems already reported to the operator, so that each is reported once.
    reported: tuple[str, ...] = ()
    #: Remarks on the last document, such as invalid bytes, a cut document or changing guids.
    remarks: tuple[str, ...] = ()
    rhythm: Rhythm = Rhythm()
    publisher_limits: PublisherLimits = PublisherLimits()
    today: DayUse = DayUse()
    #: Hashes of sentences, each with its number of items, in the format of ``feeds.cleaning.learn_boilerplate``.
    boilerplate: str = ""
    #: Whether most of the feed's items link to several other sites.
    links_elsewhere: bool = False

    @property
    def health(self) -> FeedHealth:
        """The feed's health after its last poll."""
        if self.gone:
            return FeedHealth.GONE
        if self.failures:
            return FeedHealth.FAILING
        if self.baseline_at is None:
            return FeedHealth.NEW
        return FeedHealth.OK if SILENCES.isdisjoint(self.reported) else FeedHealth.SILENT

    @property
    def health_text(self) -> str:
        """The health in one or two words, for people."""
        words = {
            FeedHealth.GONE: "gone (410)",
            FeedHealth.FAILING: f"failing ({self.failures})",
            FeedHealth.NEW: "not read yet",
        }
        return words.get(self.health, self.health.value)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One item as the source parsed it, before cleaning."""

    guid: str | None = None
    #: Absolute if the source could resolve it.
    link: str | None = None
    title: str | None = None
    #: The longer of summary and content, as HTML or text.
    body: str | None = None
    author: str | None = None
    tags: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    language: str | None = None
    #: The address of the article's picture.
    picture: str | None = None
    #: The name and the address of the outlet, if the document lists articles of several (RSS: ``source``).
    outlet: str | None = None
    outlet_address: str | None = None
    #: Parsed only for its identity, because the item is older than the backfill window or its bytes are known.
    identity_only: bool = False


class FaultyItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item, or a mail, whose parsing or cleaning raised an unexpected error."""

    #: The parsed item, or None if it could not be parsed.
    entry: Entry | None = None
    #: Identifies an item that could not be parsed in its feed: its hash, or the mailbox's etag after the mail.
    hash: str = ""
    #: The type of the error and the place in our code.
    error: str


class ParsedFeed(msgspec.Struct, frozen=True, kw_only=True):
    """One parsed feed document."""

    title: str | None = None
    link: str | None = None
    language: str | None = None
    entries: tuple[Entry, ...] = ()
    #: Remarks for people, such as “cut off after item 12” or “3 bytes are not UTF-8”.
    remarks: tuple[str, ...] = ()
    #: The minimum interval that the feed asks for (ttl, sy:updatePeriod).
    ttl: timedelta | None = None
    #: Hashes of the items, without those at fault.
    item_hashes: tuple[str, ...] = ()
    #: Whether the document has only the items since the last document, not the whole list.
    is_increment: bool = False
    #: The number of mails that could not be parsed.
    skipped: int = 0
    #: The items or mails that could not be parsed or cleaned because of an unexpected error.
    faulty_items: tuple[FaultyItem, ...] = ()
    #: The etag of the parsed part if the rest is left for the next poll, or None if the whole document was parsed.
    read_to: str | None = None


def redirected_twins(feeds: Iterable[FeedState]) -> list[tuple[FeedState, ...]]:
    """Return the groups of feeds that share an address, because some of them have permanently moved to it."""
    by_place: dict[str, list[FeedState]] = {}
    for feed in feeds:
        by_place.setdefault(feed_place(feed.moved_to or feed.url), []).append(feed)
    return [tuple(twins) for twins in by_place.values() if len({feed_place(twin.url) for twin in twins}) > 1]
