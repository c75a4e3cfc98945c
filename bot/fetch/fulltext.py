"""Fetch an article's own page and extract its main text, one page at a time for each host, if its robots.txt allows it.

    text_of(url) → cache → robots.txt → the host's turn → fetch → main text (by ``extract``) → cache

If a page cannot be fetched or contains no article, the result is None, not an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import msgspec
import protego
import structlog
from msgspec.structs import replace

from bot.durations import Clock
from bot.feeds.kit import markup
from bot.feeds.kit.fields import picture_address
from bot.fetch.protocol import MAX_TEXT_LENGTH
from bot.fetch.slots import MemoryRoom
from bot.model.access import Access
from bot.model.errors import AddressRefused, BodyTooBig, FetchError
from bot.model.feeds import Feed
from bot.model.fetching import Fetcher, PageText, Request, Response
from bot.patterns import LazyPattern

#: Longer pages are cut, because parsing takes longer and the article begins well before this size.
MAX_PAGE_BYTES = 3_000_000


#: Names under which a page gives the address of its picture (https://ogp.me/#structured).
_PICTURE_NAMES = ("og:image", "og:image:secure_url", "og:image:url")


def main_text(page: bytes, *, url: str | None = None, content_type: str = "") -> PageText | None:
    """Return the paragraphs of the article, without menus, captions and comments, or None if it has none.

    Raises any exception of the parser.
    """
    import trafilatura  # slow to import

    # trafilatura logs an error for each page without an article; the caller logs the failures that matter.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    if len(page) >= MAX_PAGE_BYTES:
        # Cut at a tag, not within a character, so that the encoding is recognised.
        page = page[: page.rfind(b"<", 0, MAX_PAGE_BYTES)]
    html = markup.decode_page(page, content_type).text
    tree = trafilatura.load_html(html)
    if tree is None:
        return None
    metadata = {
        meta.get("property") or meta.get("name"): meta.get("content") or "" for meta in tree.iterfind(".//meta")
    }
    pictures = (picture_address(metadata.get(name, "")) for name in _PICTURE_NAMES)
    picture = next(filter(None, pictures), "")
    text: str | None = trafilatura.extract(tree, url=url, include_comments=False, include_tables=True)
    paragraphs = (" ".join(line.split()) for line in (text or "").splitlines())
    text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)[:MAX_TEXT_LENGTH]
    return PageText(text=text, picture=picture) if text else None


#: Our name in robots.txt.
ROBOT = "wirewatch"
#: How long robots.txt is cached; at most a day (RFC 9309, 2.4).
_ROBOTS_FRESH = timedelta(hours=24)
#: How soon robots.txt is requested again after a failure, during which no page may be fetched (RFC 9309, 2.3.1.4).
_ROBOTS_FRESH_FAILURE = timedelta(minutes=30)
#: Part of robots.txt that is parsed; at least 500 kibibytes (RFC 9309, 2.5).
_MAX_ROBOTS_BYTES = 512 * 1024
#: Maximum length of an address, because thousands of rules may be compared with it. Articles' addresses are shorter.
_LONGEST_ADDRESS = 2_000
#: Beginning of a line that names a robot, in every spelling that Protego accepts.
_AGENT = LazyPattern(r"user[\s-]*agent[\s:]*", re.IGNORECASE)
#: Longest Crawl-delay that is obeyed; longer delays are shortened to it.
MAX_CRAWL_DELAY = timedelta(seconds=30)


class Robots(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one host, valid until ``until``."""

    until: datetime
    #: None if everything is allowed.
    rules: protego.Protego | None = None
    #: Number of lines in the file; each takes some 500 bytes of memory.
    lines: int = 0
    #: Whether robots.txt could not be fetched (server error, no answer).
    is_closed: bool = False
    #: Whether the feed that needs the page may not send requests to the host.
    is_refused: bool = False

    def allows(self, url: str) -> bool:
        """Return whether the address may be fetched."""
        if self.is_closed or len(url) > _LONGEST_ADDRESS:
            return False
        return self.rules is None or bool(self.rules.can_fetch(url, ROBOT))

    @property
    def delay(self) -> timedelta:
        """Return Crawl-delay, at most MAX_CRAWL_DELAY."""
        seconds = self.rules.crawl_delay(ROBOT) if self.rules is not None else None
        if seconds is None or not seconds > 0:
            return timedelta()
        return MAX_CRAWL_DELAY if seconds >= MAX_CRAWL_DELAY.total_seconds() else timedelta(seconds=seconds)


async def fetch_robots(fetcher: Fetcher, url: str, *, home: str | None = None, now: datetime) -> Robots:
    """Fetch the robots.txt of the host of ``url``; ``home`` is the ``home`` of the page's request."""
    parts = urlsplit(url)
    robots = f"{parts.scheme}://{parts.netloc}/robots.txt"
    request = Request(url=robots, accept="text/plain, */*;q=0.5", home=home)
    try:
        answer = await fetcher.get(request)
    except BodyTooBig:
        # Allow everything: the file is longer than RFC 9309 requires to be parsed, so it is not a list of rules.
        return Robots(until=now + _ROBOTS_FRESH)
    except AddressRefused:
        # Refuse only this feed, because another feed may be allowed to fetch the file.
        return Robots(until=now, is_closed=True, is_refused=True)
    except FetchError:
        return Robots(until=now + _ROBOTS_FRESH_FAILURE, is_closed=True)
    if 200 <= answer.status < 300:
        body = answer.body[:_MAX_ROBOTS_BYTES]
        rules = await asyncio.to_thread(_parse_robots, body)
        return Robots(until=now + _ROBOTS_FRESH, rules=rules, lines=body.count(b"\n") + body.count(b"\r"))
    if answer.status == 429 or answer.status >= 500:
        until = max(now + _ROBOTS_FRESH_FAILURE, answer.retry_after or now)
        return Robots(until=min(until, now + _ROBOTS_FRESH), is_closed=True)
    # “Unavailable” (4xx): any resource may be read (RFC 9309, 2.3.1.3).
    return Robots(until=now + _ROBOTS_FRESH)


def _parse_robots(content: bytes) -> protego.Protego:
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    return protego.Protego.parse("\n".join(map(_without_others, text.splitlines())))


def _without_others(line: str) -> str:
    """Replace another robot's name in a line, because Protego copies each rule for each name (100 KB became 1.3 GB).

    >>> _without_others("User-agent: Googlebot"), _without_others("user agent Wirewatch # us")
    ('User-agent: -', 'user agent Wirewatch # us')
    """
    agent = _AGENT.match(line := line.strip())
    if agent is None:
        return line
    name = line[agent.end() :].partition("#")[0].strip().lower()
    return line if name == "*" or (name and ROBOT.startswith(name.replace("*", ""))) else "User-agent: -"


_log = structlog.get_logger(__name__)

#: Minimum time between two pages of one host.
PACE: Final = timedelta(seconds=1)
#: Maximum time for the extraction of one page; the slowest of 131 test pages took 1.2 seconds.
_EXTRACTION_SECONDS: Final = 40
#: Maximum pages that wait for one host. At one page per second, the last page waits a minute.
_MAX_WAITING: Final = 60
#: How long a page is cached, for other feeds and for a repeated poll.
_FRESH: Final = timedelta(hours=1)
_MAX_PAGES: Final = 256
#: Maximum characters of all cached pages; most pages have 5,000.
_MAX_CHARACTERS: Final = 5_000_000
_MAX_HOSTS: Final = 2_000
#: Maximum lines of all cached robots.txt files; they take 50 MB.
_MAX_LINES: Final = 100_000
_ACCEPT: Final = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"


class _Host(msgspec.Struct):
    #: Held while one page of the host is fetched.
    turn: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)
    waiting: int = 0
    robots: Robots | None = None
    #: The earliest time of the next request, from pace, Crawl-delay or Retry-After.
    next_at: datetime | None = None


class _Page(msgspec.Struct, frozen=True):
    content: PageText | None
    until: datetime
    #: Origin whose feeds may use the page, or None if all feeds may use it.
    home: str | None = None


class _NoText(Exception):
    """Raised with the reason why a page has no text."""


class _Refused(_NoText):
    """Raised if this feed may not fetch the page, although another feed may."""


#: Extracts the main text of a page, or returns None if it has no article. Raises any exception of the parser.
Extract = Callable[[Response], Awaitable[PageText | None]]


#: A single thread, because trafilatura is not thread-safe.
_extractor = ThreadPoolExecutor(1, thread_name_prefix="extract")


async def extract_here(page: Response) -> PageText | None:
    """Extract the main text in a thread of this process."""
    work = partial(main_text, page.body, url=page.url, content_type=page.content_type)
    return await asyncio.get_running_loop().run_in_executor(_extractor, work)


class TrafilaturaReader:
    """Implements PageReader."""

    def __init__(
        self,
        fetcher: Fetcher,
        clock: Clock,
        *,
        pace: timedelta = PACE,
        extractions: int = 2,
        extract: Extract = extract_here,
    ) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._pace = pace
        self._extract = extract
        # One extraction per reader process, because extraction keeps a processor busy.
        self._extractions = asyncio.Semaphore(extractions)
        # Separate from the polls' room: a poll waits for its pages while it holds a share of that room.
        self._room = MemoryRoom()
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        #: (address, access) -> cached page.
        self._pages: OrderedDict[tuple[str, Access | None], _Page] = OrderedDict()

    async def text_of(self, url: str, feed: Feed) -> PageText | None:
        """Return the main text of an article's page, or None if it is not allowed, not reachable or has no text.

        Use the access of the article's feed if the page has the feed's origin.
        """
        name = _origin(url)
        if name is None:
            return None
        access = feed.access if _origin(feed.url) == name else None
        host = self._host(name)
        if host.waiting >= _MAX_WAITING:
            _log.debug("page not read", url=url, reason="too many pages of this host are waiting")
            return None
        host.waiting += 1
        request = Request(url=url, accept=_ACCEPT, access=access, home=feed.url)
        try:
            async with host.turn:
                return await self._cached(request, host)
        finally:
            host.waiting -= 1

    async def _cached(self, request: Request, host: _Host) -> PageText | None:
        key, home = (request.url, request.access), _origin(request.home or "")
        page = self._pages.get(key)
        if page is None or page.until <= self._clock.now() or page.home not in (None, home):
            try:
                text, is_private = await self._fetch_text(request, host)
                page = _Page(text, self._clock.now() + _FRESH, home if is_private else None)
            except _NoText as reason:
                _log.debug("page not read", url=request.url, reason=str(reason))
                if isinstance(reason, _Refused):
                    return None
                page = _Page(None, self._clock.now() + _FRESH)
            except Exception:  # noqa: BLE001 -- logged
                # A bug of ours must not stop the feed. The article keeps the feed's text.
                _log.critical("reading a page raised an unexpected error", url=request.url, exc_info=True)
                page = _Page(None, self._clock.now() + _FRESH)
            self._pages[key] = page
        self._pages.move_to_end(key)
        while len(self._pages) > _MAX_PAGES or self._characters() > _MAX_CHARACTERS:
            self._pages.popitem(last=False)
        return page.content

    async def _fetch_text(self, request: Request, host: _Host) -> tuple[PageText, bool]:
        """Return the text, and whether only feeds of the request's home may use it."""
        if not await self._may_read(request.url, request.home, host):
            if host.robots is not None and host.robots.is_refused:
                raise _Refused("this feed may not send requests to the host")
            raise _NoText("robots.txt does not allow the page")
        wait = (host.next_at or self._clock.now()) - self._clock.now()
        if wait > MAX_CRAWL_DELAY:
            raise _NoText("the host's Retry-After has not passed")
        if wait > timedelta():
            await self._clock.sleep(wait)
        with contextlib.closing(self._room.share()) as share:
            answer = await self._fetch(replace(request, hold=share.hold), host)
            return await self._extract_text(answer), answer.is_private

    async def _fetch(self, request: Request, host: _Host) -> Response:
        try:
            answer = await self._fetcher.get(request)
        except AddressRefused as error:
            raise _Refused(str(error)) from error
        except FetchError as error:
            raise _NoText(str(error)) from error
        finally:
            assert host.robots is not None
            host.next_at = self._clock.now() + max(self._pace, host.robots.delay)
        if answer.retry_after is not None:
            host.next_at = max(host.next_at, answer.retry_after)
        if answer.status != 200 or not _is_html(answer):
            raise _NoText(f"status {answer.status}, {answer.content_type or 'no content type'}")
        if not await self._may_end_at(answer.url, request):
            raise _NoText("robots.txt does not allow the page to which it redirects")
        return answer

    async def _may_read(self, url: str, home: str | None, host: _Host) -> bool:
        now = self._clock.now()
        if host.robots is None or host.robots.until <= now:
            host.robots = await fetch_robots(self._fetcher, url, home=home, now=now)
        return host.robots.allows(url)

    async def _may_end_at(self, end: str, request: Request) -> bool:
        """Return whether robots.txt at the end of a redirect allows the page. Checked after the fetch."""
        name = _origin(end)
        if name is None:
            return False
        if name == _origin(request.url):
            host = self._host(name)
            return host.robots is None or host.robots.allows(end)
        return await self._may_read(end, request.home, self._host(name))

    async def _extract_text(self, answer: Response) -> PageText:
        async with self._extractions:
            try:
                async with asyncio.timeout(_EXTRACTION_SECONDS):
                    text = await self._extract(answer)
            except TimeoutError as error:
                raise _NoText(f"no text found within {_EXTRACTION_SECONDS} seconds") from error
            except Exception as error:
                # Any error of the parser is the page's fault.
                raise _NoText(f"not readable: {type(error).__name__}: {error}") from error
        if text is None:
            raise _NoText("the page contains no article")
        return text

    def _host(self, name: str) -> _Host:
        host = self._hosts.setdefault(name, _Host())
        self._hosts.move_to_end(name)
        while len(self._hosts) > _MAX_HOSTS or self._robots_lines() > _MAX_LINES:
            idle = next((key for key, other in self._hosts.items() if not other.waiting and other is not host), None)
            if idle is None:
                break
            del self._hosts[idle]
        return host

    def _characters(self) -> int:
        return sum(len(page.content.text) for page in self._pages.values() if page.content)

    def _robots_lines(self) -> int:
        return sum(host.robots.lines for host in self._hosts.values() if host.robots is not None)


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


def _is_html(answer: Response) -> bool:
    kind = answer.content_type.partition(";")[0].strip().lower()
    if kind:
        return kind in ("text/html", "application/xhtml+xml", "application/xml", "text/xml")
    return answer.body.lstrip()[:1] == b"<"
