"""One page at a time for each host, with its leave, at its pace.

Knows no article; a page that cannot be had is no error but no text.
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

#: Between two pages of one host.
PACE: Final = timedelta(seconds=1)
#: Extraction of one page; the slowest of 131 test pages took 1.2 seconds.
_EXTRACTION_SECONDS: Final = 40
#: Pages that may wait for one host: at one a second the last waits a minute.
_MAX_WAITING: Final = 60
#: The same page asked for by several feeds, or again after a restart of a poll, is read once.
_FRESH: Final = timedelta(hours=1)
_MAX_PAGES: Final = 256
#: Of all remembered pages; most have 5,000.
_MAX_CHARACTERS: Final = 5_000_000
_MAX_HOSTS: Final = 2_000
#: Lines of all remembered robots.txt, in 50 MB.
_MAX_LINES: Final = 100_000
_ACCEPT: Final = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"


@dataclass(slots=True)
class _Host:
    #: Held while one page of the host is asked for.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    robots: robots.Robots | None = None
    #: Not to be asked before: pace, Crawl-delay or Retry-After.
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Page:
    text: str | None
    until: datetime
    #: The host of the feeds that may have it; None: all.
    home: str | None = None


class _Without(Exception):
    """Why a page gives no text."""


class _Refused(_Without):
    """This feed may not ask for the page; another one may."""


#: Takes the main text out of a page; None: it has no article. Raises what its parser raises.
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
        # Of reader processes, which extract one page each; parsing is work for the processor.
        self._extractions = asyncio.Semaphore(extractions)
        # Its own: a poll that holds room of the polls' waits for its pages.
        self._room = Room()
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        #: By address, and by the access that it was fetched with.
        self._pages: OrderedDict[tuple[str, model.Access | None], _Page] = OrderedDict()

    async def text_of(self, url: str, feed: model.Feed) -> str | None:
        """The main text of an article's page; None: not allowed, not reachable or no text.

        The access of the article's feed counts for pages of its own origin.
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
                return await self._remembered(request, host)
        finally:
            host.waiting -= 1

    async def _remembered(self, request: ports.Request, host: _Host) -> str | None:
        key, home = (request.url, request.access), _origin(request.home or "")
        page = self._pages.get(key)
        if page is None or page.until <= self._clock.now() or page.home not in (None, home):
            try:
                text, is_private = await self._read(request, host)
                page = _Page(text, self._clock.now() + _FRESH, home if is_private else None)
            except _Without as reason:
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
        """Return the text, and whether it is for feeds of the request's home alone."""
        if not await self._may_read(request.url, request.home, host):
            if host.robots is not None and host.robots.is_refused:
                raise _Refused("this feed may not ask the host")
            raise _Without("robots.txt does not allow it")
        wait = (host.next_at or self._clock.now()) - self._clock.now()
        if wait > robots.MAX_DELAY:
            raise _Without("the host's Retry-After has not passed")
        if wait > timedelta():
            await self._clock.sleep(wait)
        with contextlib.closing(self._room.share()) as share:
            answer = await self._asked(replace(request, share=share), host)
            return await self._extracted(answer), answer.is_private

    async def _asked(self, request: ports.Request, host: _Host) -> ports.Answer:
        try:
            answer = await self._fetcher.get(request)
        except ports.Refused as error:
            raise _Refused(str(error)) from error
        except ports.FetchError as error:
            raise _Without(str(error)) from error
        finally:
            assert host.robots is not None
            host.next_at = self._clock.now() + max(self._pace, host.robots.delay)
        if answer.retry_after is not None:
            host.next_at = max(host.next_at, answer.retry_after)
        if answer.status != 200 or not _is_html(answer):
            raise _Without(f"status {answer.status}, {answer.content_type or 'no content type'}")
        if not await self._may_end_at(answer.url, request):
            raise _Without("robots.txt does not allow the page that it leads to")
        return answer

    async def _may_read(self, url: str, home: str | None, host: _Host) -> bool:
        now = self._clock.now()
        if host.robots is None or host.robots.until <= now:
            host.robots = await robots.ask(self._fetcher, url, home=home, now=now)
        return host.robots.allows(url)

    async def _may_end_at(self, end: str, request: ports.Request) -> bool:
        """The host that a redirect ends at is heard too, though only after the fact."""
        name = _origin(end)
        if name is None:
            return False
        if name == _origin(request.url):
            host = self._host(name)
            return host.robots is None or host.robots.allows(end)
        return await self._may_read(end, request.home, self._host(name))

    async def _extracted(self, answer: ports.Answer) -> str:
        async with self._extractions:
            try:
                async with asyncio.timeout(_EXTRACTION_SECONDS):
                    text = await self._extract(answer)
            except TimeoutError as error:
                raise _Without(f"no text found within {_EXTRACTION_SECONDS} seconds") from error
            except Exception as error:
                # Whatever the parser raises on a page that it cannot take is the page's fault.
                raise _Without(f"not readable: {type(error).__name__}: {error}") from error
        if not text:
            raise _Without("no article in it")
        return text

    def _host(self, name: str) -> _Host:
        host = self._hosts.setdefault(name, _Host())
        self._hosts.move_to_end(name)
        while len(self._hosts) > _MAX_HOSTS or sum(map(_lines, self._hosts.values())) > _MAX_LINES:
            idle = next((other for other, it in self._hosts.items() if not it.waiting and it is not host), None)
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
