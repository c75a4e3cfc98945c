"""Asking an address and reading what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from bot import model


class Share(Protocol):
    """The part of the memory that one poll's bodies take."""

    async def hold(self, size_bytes: int) -> None:
        """Returns when a body of this size may be held."""

    def close(self) -> None:
        """Nothing is held any more; again does nothing."""


class Room(Protocol):
    """The memory that all bodies take together."""

    def share(self) -> Share:
        """Of one poll, to be closed when what it brought is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to fetch, and the validators of the last response."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    #: Wanted kinds, best first, as an Accept header's value; None: feeds.
    accept: str | None = None
    #: What goes with it to its own origin; None: nothing.
    access: model.Access | None = None
    #: The address in the configuration for which this is asked: a block of ``fetch.allow_private`` is open only where
    #: the host of that address is in it. None: no block is open.
    home: str | None = None
    #: A body of a form (application/x-www-form-urlencoded), to be sent by POST; None: GET.
    form: str | None = None
    #: The JSON of what the feed's kind is told: some kinds are asked differently for it.
    options: str = "{}"
    #: The host is asked by requests with a pace no more often than this.
    pace: timedelta = timedelta()
    #: What the answer's body counts towards; None: nothing waits, since few such requests are sent.
    share: Share | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole HTTP answer, unpacked, with what polling needs of its headers."""

    status: int
    #: Where the body came from, after redirects.
    url: str
    body: bytes = b""
    content_type: str = ""
    etag: str | None = None
    last_modified: str | None = None
    #: Fresh until then, by Cache-Control or Expires; None: not said.
    fresh_until: datetime | None = None
    #: Not to be asked before, by Retry-After.
    retry_after: datetime | None = None
    #: Target of the leading run of 301 and 308 hops; None: the first hop was not permanent.
    permanent_url: str | None = None
    #: The end of the certificate's validity; None: no TLS or not known.
    certificate_until: datetime | None = None
    #: It was asked where a block of ``fetch.allow_private`` was open, so it is for the feeds of that host alone.
    is_private: bool = False
    #: Of the Link header, by their relation: hub and self.
    links: Mapping[str, str] = field(default_factory=dict)


class Fetcher(Protocol):
    """The HTTP client of feeds and pages."""

    async def get(self, request: Request) -> Answer:
        """Follow redirects, bounded in time and bytes. Any status is an answer. Raises FetchError."""

    async def close(self) -> None:
        """Close the connections."""


@runtime_checkable
class Bell(Protocol):
    """A client that servers can tell of news."""

    async def wait(self, request: Request) -> bool:
        """Whether something came; False: not within some minutes. Raises FetchError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a source reads."""

    content: bytes
    content_type: str
    #: The base of relative links.
    url: str
    #: Items whose bytes hash to one of these are known and may be left out.
    known_hashes: frozenset[str] = frozenset()
    #: These are read too, for their identity only: so it is seen what the feed still lists.
    names_known: bool = False
    #: On a baseline: items dated before are read for their identity only; None: read all.
    identity_before: datetime | None = None
    #: When it was fetched; None: not known, and "3 days ago" is no date then.
    fetched: datetime | None = None


class Source(Protocol):
    """One kind of feed document: the class ``Source`` of a module that has a ``KIND``.

    Made without arguments, or of a kind with ``Options`` from those that its feed gives.
    """

    def recognises(self, body: Body) -> bool:
        """Cheap: a look at the first bytes."""

    def read(self, body: Body) -> model.Reading:
        """Blocking; called off the loop. Raises ReadError."""


class PageReader(Protocol):
    """Finds the text in an article's page."""

    async def text_of(self, url: str, feed: model.Feed) -> str | None:
        """The main text of an article's page; None: not allowed, not reachable or no text. Never raises for a page.

        The access of the article's feed counts for pages of its own origin.
        """


class LinkResolver(Protocol):
    """Finds the publisher's address behind a link that hides it."""

    async def resolve(self, links: Sequence[str]) -> Mapping[str, str]:
        """Link -> what it hides; one that cannot be resolved is not in it. Never raises."""
