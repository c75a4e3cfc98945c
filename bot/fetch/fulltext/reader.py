"""Fetch an article's page and extract its text: one page at a time for each host, as its robots.txt allows.

Knows no article; a page that cannot be fetched is not an error: it has no text.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import structlog

from bot import model, ports
from bot.fetch import robots
from bot.fetch.fulltext import extraction
from bot.fetch.room import Room

_log = structlog.get_logger(__name__)

#: Minimum time between two pages of one host.
PACE: Final = timedelta(seconds=1)
#: Maximum for the extraction of one page; the slowest of 131 test pages took 1.2 seconds.
_EXTRACTION_SECONDS: Final = 40
#: Maximum pages that wait for one host: at one per second the last waits a minute.
_MAX_WAITING: Final = 60
#: How long a page is cached, for other feeds and for a repeated poll.
_FRESH: Final = timedelta(hours=1)
_MAX_PAGES: Final = 256
#: Maximum of all cached pages; most have 5,000.
_MAX_CHARACTERS: Final = 5_000_000
_MAX_HOSTS: Final = 2_000
#: Maximum of all cached robots.txt; takes 50 MB.
_MAX_LINES: Final = 100_000
_ACCEPT: Final = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"


@dataclass(slots=True)
class _Host:
    #: Held while one page of the host is fetched.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    robots: robots.Robots | None = None
    #: The earliest next request: by pace, Crawl-delay or Retry-After.
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Page:
    text: str | None
    until: datetime
    #: Only feeds of this host may have the page; None for all feeds.
    home: str | None = None


class _NoText(Exception):
    """Says why a page has no text."""


class _Refused(_NoText):
    """This feed may not fetch the page; another one may."""


#: Extracts the main text of a page, or returns None if it has no article. Raises whatever its parser raises.
Extract = Callable[[ports.Answer], Awaitable[str | None]]


#: trafilatura is not safe for threads, so a process extracts one page at a time.
_extractor = ThreadPoolExecutor(1, thread_name_prefix="extract")


async def extract_here(page: ports.Answer) -> str | None:
    """Extract the main text in a thread of this process."""
    work = partial(extraction.main_text, page.body, url=page.url, content_type=page.content_type)
    return await asyncio.get_running_loop().run_in_executor(_extractor, work)


class TrafilaturaReader:
    """Implements ports.PageReader."""

    def __init__(
        self,
        fetcher: ports.Fetcher,
        clock: ports.Clock,
        *,
        pace: timedelta = PACE,
        extractions: int = 2,
        extract: Extract = extract_here,
    ) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._pace = pace
        self._extract = extract
        # One for each reader process: extraction keeps a processor busy.
        self._extractions = asyncio.Semaphore(extractions)
        # Not the polls' room: a poll that holds a share of it waits here for its pages.
        self._room = Room()
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        #: By address and access.
        self._pages: OrderedDict[tuple[str, model.Access | None], _Page] = OrderedDict()

    async def text_of(self, url: str, feed: model.Feed) -> str | None:
        """Return the main text of an article's page, or None if it is not allowed, not reachable or has no text.

        The access of the article's feed is used for pages of its origin.
        """
        name = _origin(url)
        if name is None:
            return None
        access = feed.access if feed.access is not None and _origin(feed.access.home) == name else None
        host = self._host(name)
        if host.waiting >= _MAX_WAITING:
            _log.debug("page not read", url=url, reason="too many pages of this host are waiting")
            return None
        host.waiting += 1
        request = ports.Request(url=url, accept=_ACCEPT, access=access, home=feed.url)
        try:
            async with host.turn:
                return await self._cached(request, host)
        finally:
            host.waiting -= 1

    async def _cached(self, request: ports.Request, host: _Host) -> str | None:
        key, home = (request.url, request.access), _origin(request.home or "")
        page = self._pages.get(key)
        if page is None or page.until <= self._clock.now() or page.home not in (None, home):
            try:
                text, is_private = await self._read(request, host)
                page = _Page(text, self._clock.now() + _FRESH, home if is_private else None)
            except _NoText as reason:
                _log.debug("page not read", url=request.url, reason=str(reason))
                if isinstance(reason, _Refused):
                    return None
                page = _Page(None, self._clock.now() + _FRESH)
            self._pages[key] = page
        self._pages.move_to_end(key)
        while len(self._pages) > _MAX_PAGES or sum(map(_length, self._pages.values())) > _MAX_CHARACTERS:
            self._pages.popitem(last=False)
        return page.text

    async def _read(self, request: ports.Request, host: _Host) -> tuple[str, bool]:
        """Return the text, and whether only feeds of the request's home may have it."""
        if not await self._may_read(request.url, request.home, host):
            if host.robots is not None and host.robots.is_refused:
                raise _Refused("this feed may not ask the host")
            raise _NoText("robots.txt does not allow it")
        wait = (host.next_at or self._clock.now()) - self._clock.now()
        if wait > robots.MAX_DELAY:
            raise _NoText("the host's Retry-After has not passed")
        if wait > timedelta():
            await self._clock.sleep(wait)
        with contextlib.closing(self._room.share()) as share:
            answer = await self._fetch(replace(request, share=share), host)
            return await self._extract_text(answer), answer.is_private

    async def _fetch(self, request: ports.Request, host: _Host) -> ports.Answer:
        try:
            answer = await self._fetcher.get(request)
        except ports.Refused as error:
            raise _Refused(str(error)) from error
        except ports.FetchError as error:
            raise _NoText(str(error)) from error
        finally:
            assert host.robots is not None
            host.next_at = self._clock.now() + max(self._pace, host.robots.delay)
        if answer.retry_after is not None:
            host.next_at = max(host.next_at, answer.retry_after)
        if answer.status != 200 or not _is_html(answer):
            raise _NoText(f"status {answer.status}, {answer.content_type or 'no content type'}")
        if not await self._may_end_at(answer.url, request):
            raise _NoText("robots.txt does not allow the page that it leads to")
        return answer

    async def _may_read(self, url: str, home: str | None, host: _Host) -> bool:
        now = self._clock.now()
        if host.robots is None or host.robots.until <= now:
            host.robots = await robots.ask(self._fetcher, url, home=home, now=now)
        return host.robots.allows(url)

    async def _may_end_at(self, end: str, request: ports.Request) -> bool:
        """Return whether robots.txt of the host that a redirect ends at allows the page; checked after the fetch."""
        name = _origin(end)
        if name is None:
            return False
        if name == _origin(request.url):
            host = self._host(name)
            return host.robots is None or host.robots.allows(end)
        return await self._may_read(end, request.home, self._host(name))

    async def _extract_text(self, answer: ports.Answer) -> str:
        async with self._extractions:
            try:
                async with asyncio.timeout(_EXTRACTION_SECONDS):
                    text = await self._extract(answer)
            except TimeoutError as error:
                raise _NoText(f"no text found within {_EXTRACTION_SECONDS} seconds") from error
            except Exception as error:
                # Whatever the parser raises is the page's fault.
                raise _NoText(f"not readable: {type(error).__name__}: {error}") from error
        if not text:
            raise _NoText("no article in it")
        return text

    def _host(self, name: str) -> _Host:
        host = self._hosts.setdefault(name, _Host())
        self._hosts.move_to_end(name)
        while len(self._hosts) > _MAX_HOSTS or sum(map(_lines, self._hosts.values())) > _MAX_LINES:
            idle = next((key for key, other in self._hosts.items() if not other.waiting and other is not host), None)
            if idle is None:
                break
            del self._hosts[idle]
        return host


def _length(page: _Page) -> int:
    return len(page.text or "")


def _lines(host: _Host) -> int:
    return host.robots.lines if host.robots is not None else 0


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


def _is_html(answer: ports.Answer) -> bool:
    kind = answer.content_type.partition(";")[0].strip().lower()
    if kind:
        return kind in ("text/html", "application/xhtml+xml", "application/xml", "text/xml")
    return answer.body.lstrip()[:1] == b"<"
