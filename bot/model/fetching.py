"""Requests, responses, and the protocols that fetch addresses and parse documents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from bot.model.access import Access
from bot.model.feeds import Feed, ParsedFeed


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request, with the validators of the last response."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    #: The Accept header. None means the header for feeds.
    accept: str | None = None
    #: Headers, login and so on, sent only to the origin of ``home``. The proxy also serves redirects to other origins.
    access: Access | None = None
    #: The configured address for which this request is made. A range of ``fetch.allow_private`` is open only if that
    #: address is a number in the range, or its host is listed and is in the range. If ``home`` is None, no range is
    #: open, and ``access`` is not sent.
    home: str | None = None
    #: The options of the feed's kind as JSON. Some kinds change the request according to them.
    options: str = "{}"
    #: The minimum time since the previous paced request to the same host.
    pace: timedelta = timedelta()
    #: Waits until memory has room for a body of the given number of bytes. None for rare requests, which do not wait.
    hold: Callable[[int], Awaitable[None]] | None = None


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A whole HTTP response, decompressed, with the headers that polling needs."""

    status: int
    #: The final address, after redirects.
    url: str
    body: bytes = b""
    content_type: str = ""
    etag: str | None = None
    last_modified: str | None = None
    #: Time at which the response expires (Cache-Control or Expires), or None if unknown.
    fresh_until: datetime | None = None
    #: The earliest time of the next request (Retry-After), or None.
    retry_after: datetime | None = None
    #: Target of the permanent redirects (301, 308) before any other redirect; None if no permanent one comes first.
    permanent_url: str | None = None
    #: Whether a range of ``fetch.allow_private`` was open for the request. If so, the response is only for feeds of
    #: that host.
    is_private: bool = False


class Fetcher(Protocol):
    """The HTTP client of feeds and pages."""

    async def get(self, request: Request) -> Response:
        """Send a request and follow redirects, within limits of time and size. Return the response with any status.

        Raises FetchError.
        """

    async def close(self) -> None:
        """Close the connections."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A document to parse."""

    content: bytes
    content_type: str
    #: The base of relative links.
    url: str
    #: Hashes of known items, which the source may skip.
    known_hashes: frozenset[str] = frozenset()
    #: Parse known items too, for their identity only, to find out which of them the feed still lists.
    names_known: bool = False
    #: For a baseline: parse items dated before this only for their identity. None means parse all items in full.
    identity_before: datetime | None = None
    #: When the document was fetched. If None (unknown), relative dates such as "3 days ago" are ignored.
    fetched: datetime | None = None


class Source(Protocol):
    """A parser for one kind of document: the class ``Source`` of a module with a ``KIND``.

    The constructor takes the feed's options if the kind has ``Options``, or else no arguments.
    """

    def recognises(self, body: Body) -> bool:
        """Return whether the document seems to be of this kind, judging by its first bytes."""

    def read(self, body: Body) -> ParsedFeed:
        """Parse the document. This blocks, so it is called outside the event loop. Raises ReadError."""


class PageText(msgspec.Struct, frozen=True, kw_only=True):
    """The main text of an article's page, and the https address of the picture that the page names, or empty."""

    text: str
    picture: str = ""


class PageReader(Protocol):
    """Extracts the text of an article's page."""

    async def text_of(self, url: str, feed: Feed) -> PageText | None:
        """Return the main text of an article's page, or None if it is not allowed, not reachable or has no text.

        The access settings of the feed apply to pages of its origin.
        """
