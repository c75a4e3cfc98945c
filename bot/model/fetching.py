"""Fetching an address, and parsing what it returns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from bot.model.access import Access
from bot.model.feeds import Feed, ParsedFeed


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, with the validators of the last response."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    #: The Accept header; None: feeds.
    accept: str | None = None
    #: Headers, login and the like, sent to the origin of ``home`` only; the proxy also serves each hop of a redirect.
    access: Access | None = None
    #: The address in the configuration that this request serves. A block of ``fetch.allow_private`` is open only if the
    #: host of that address is in it. None: no block is open, and ``access`` is not sent.
    home: str | None = None
    #: A form (application/x-www-form-urlencoded) to send by POST; None: GET.
    form: str | None = None
    #: The options of the feed's kind as JSON; they change the request of some kinds.
    options: str = "{}"
    #: The minimum time between such requests to the host.
    pace: timedelta = timedelta()
    #: Waits until a body of so many bytes may be held in memory; None: do not wait, since such requests are few.
    hold: Callable[[int], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole HTTP response, decompressed, with the headers that polling needs."""

    status: int
    #: The final address, after redirects.
    url: str
    body: bytes = b""
    content_type: str = ""
    etag: str | None = None
    last_modified: str | None = None
    #: Fresh until then, by Cache-Control or Expires; None: unknown.
    fresh_until: datetime | None = None
    #: No request before this time, by Retry-After.
    retry_after: datetime | None = None
    #: Target of the leading run of 301 and 308 hops; None: the first hop was not permanent.
    permanent_url: str | None = None
    #: The expiry of the certificate; None: no TLS, or unknown.
    certificate_until: datetime | None = None
    #: Fetched with a block of ``fetch.allow_private`` open, so it is for the feeds of that host only.
    is_private: bool = False
    #: The links of the Link header with relation hub or self, by relation.
    links: Mapping[str, str] = field(default_factory=dict)


class Fetcher(Protocol):
    """The HTTP client of feeds and pages."""

    async def get(self, request: Request) -> Response:
        """Send a request and follow redirects, within limits of time and bytes. Any status is returned.

        Raises FetchError.
        """

    async def close(self) -> None:
        """Close the connections."""


@runtime_checkable
class PushClient(Protocol):
    """A client that servers can notify of news."""

    async def wait(self, request: Request) -> bool:
        """Wait some minutes for news; return whether there is any. Raises FetchError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A document to parse."""

    content: bytes
    content_type: str
    #: The base of relative links.
    url: str
    #: Hashes of known items, which the source may skip.
    known_hashes: frozenset[str] = frozenset()
    #: Parse known items too, for their identity only, to see which the feed still lists.
    names_known: bool = False
    #: For a baseline: parse items with an earlier date for their identity only; None: parse all.
    identity_before: datetime | None = None
    #: When it was fetched; None: unknown, so relative dates such as "3 days ago" are ignored.
    fetched: datetime | None = None


class Source(Protocol):
    """A parser for one kind of document: the class ``Source`` of a module with a ``KIND``.

    Constructed without arguments, or, if the kind has ``Options``, from the feed's options.
    """

    def recognises(self, body: Body) -> bool:
        """Return whether the document seems to be of this kind, from its first bytes."""

    def read(self, body: Body) -> ParsedFeed:
        """Parse the document. Blocking; called outside the event loop. Raises ReadError."""


class PageReader(Protocol):
    """Extracts the text of an article's page."""

    async def text_of(self, url: str, feed: Feed) -> str | None:
        """Return the main text of an article's page, or None if it is not allowed, not reachable or has no text.

        The access settings of the feed apply to pages of its origin.
        """


class LinkResolver(Protocol):
    """Resolves links that hide the publisher's address."""

    async def resolve(self, links: Sequence[str]) -> Mapping[str, str]:
        """Return link -> target for the links that can be resolved. Never raises."""
