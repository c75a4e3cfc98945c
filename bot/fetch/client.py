"""One request, its redirects, and the answer: bounded in time, bytes and hops.

Knows no feed; any status is an answer. No cookie that a server sets is kept; those of a feed's own access are sent.
"""

from __future__ import annotations

import asyncio
import functools
import re
import ssl
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

import bot
from bot import model, ports
from bot.fetch import addresses, bounds, failures, headers
from bot.fetch.access import Keys, SecretOf, no_secret
from bot.fetch.addresses import Address
from bot.fetch.hosts import HostSlots, HostTurns
from bot.fetch.room import SMALL_BYTES
from bot.fetch.ssrf import AddressRule, GuardBackend, Resolve, system_resolve
from bot.fetch.transport import Transports
from bot.model import visible

if TYPE_CHECKING:
    from bot.fetch import mailbox

MAX_HOPS = 5
ACCEPT_FEEDS = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml,"
    " application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
_PERMANENT = (301, 308)
_MAILBOXES = ("imaps://", "imap://")
_REDIRECTS = (301, 302, 303, 307, 308)
#: Those that keep the method (RFC 9110 section 15.4).
_REDIRECTS_OF_POST = (307, 308)
#: A refusal's small body is read to its end so that the connection can be used again; a larger one is not.
_DRAIN_BYTES = 65_536
#: A validator longer than this is not worth sending back.
_MAX_VALIDATOR = 1000


@dataclass(slots=True)
class _Course:
    """Where a request has come to."""

    at: Address
    #: Seconds left of the whole.
    left: float
    #: Target of the leading run of permanent redirects.
    permanent: Address | None = None
    is_run_over: bool = False
    has_moved: bool = False
    #: Of ``fetch.allow_private``, open on the whole way.
    blocks: Sequence[str] = ()


class HttpFetcher:
    """Implements ports.Fetcher."""

    def __init__(
        self,
        policy: model.FetchPolicy,
        clock: ports.Clock,
        *,
        user_agent: str | None = None,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = system_resolve,
        secret_of: SecretOf = no_secret,
    ) -> None:
        self._clock = clock
        self._seconds = policy.timeout.total_seconds()
        self._limit_bytes = policy.max_bytes
        self._agent = user_agent or agent_of(policy)
        self._keys = Keys(secret_of)
        self._slots = HostSlots(per_host=policy.per_host, in_all=policy.concurrency)
        self._turns = HostTurns()
        self._guard = GuardBackend(AddressRule(policy.allow_private), resolve=resolve)
        # Honours SSL_CERT_FILE and SSL_CERT_DIR, so that an intranet's own authority can be trusted.
        self._tls = tls or httpx.create_ssl_context()
        self._has_blocks = bool(policy.allow_private)
        self._make_transports = partial(
            Transports, tls=self._tls, connections=policy.concurrency, use_proxy=policy.use_proxy
        )
        #: By the blocks of ``fetch.allow_private`` that are open: no connection serves a request that may not make it.
        self._transports: dict[Sequence[str], Transports] = {}

    async def get(self, request: ports.Request) -> ports.Answer:
        """Follow redirects, bounded in time and bytes. Any status is an answer. Raises FetchError."""
        if request.url.startswith(_MAILBOXES):
            return await self._mails(request)
        course = _Course(at=addresses.parse(request.url), left=self._seconds, blocks=await self._blocks(request))
        if request.pace:
            turn = self._turns.take(course.at.host, request.pace, now=self._clock.now())
            await self._clock.sleep(turn - self._clock.now())
        for _ in range(MAX_HOPS + 1):
            answer = await self._hop(request, course)
            if answer is not None:
                return answer
        raise ports.Refused(
            f"{visible.masked(request.url)}: more than {MAX_HOPS} redirects, the last to {course.at.url};"
            " open it in a browser and write the address it ends at into feeds.yaml"
        )

    async def _blocks(self, request: ports.Request) -> Sequence[str]:
        """Return the blocks of ``fetch.allow_private`` that are open: those that the request's home is in."""
        if request.home is None or not self._has_blocks:
            return ()
        home = addresses.parse(request.home).url
        return await self._guard.blocks_of(home.host, home.port or 443, self._seconds)

    async def close(self) -> None:
        for transports in self._transports.values():
            await transports.close()
        self._guard.close()
        if "_mailboxes" in vars(self):
            await self._mailboxes.close()

    async def wait(self, request: ports.Request) -> bool:
        """Whether something came into a mailbox; False: not within some minutes. Raises FetchError."""
        with _shown(request.url):
            return await self._mailboxes.wait(request, seconds=self._seconds)

    async def _mails(self, request: ports.Request) -> ports.Answer:
        with _shown(request.url):
            async with self._slots.slot(urlsplit(request.url).hostname or ""):
                if request.share is not None:
                    await request.share.hold(self._limit_bytes)
                return await self._mailboxes.get(request, seconds=self._seconds, most_bytes=self._limit_bytes)

    @functools.cached_property
    def _mailboxes(self) -> mailbox.Mailboxes:
        # On first use, for the start-up of all who have no mailbox.
        from bot.fetch import mailbox

        return mailbox.Mailboxes(self._keys, self._guard, self._clock, tls=self._tls)

    async def _hop(self, request: ports.Request, course: _Course) -> ports.Answer | None:
        """Ask once; None: redirected, and the course moved on."""
        where = visible.masked(request.url)
        if course.has_moved:
            where = f"{where} (now at {course.at.url})"
        # The slot of the last hop is given back before the next is taken: two hosts that redirect to each
        # other cannot lock each other up.
        async with self._slots.slot(course.at.host):
            loop = asyncio.get_running_loop()
            begun = loop.time()
            try:
                async with asyncio.timeout(course.left) as deadline:
                    return await self._ask(request, course, deadline)
            except TimeoutError as error:
                raise ports.Unreachable(
                    f"{where}: no whole answer within {self._seconds:g} seconds;"
                    " it will be tried again, and fetch.timeout in bot.yaml gives slow servers more time"
                ) from error
            except httpx.HTTPError as error:
                raise ports.Unreachable(f"{where}: {failures.told(error, course.at.host)}") from error
            except ports.FetchError as error:
                raise type(error)(f"{where}: {error}") from error
            finally:
                course.left = max(0.0, course.left - (loop.time() - begun))

    async def _ask(self, request: ports.Request, course: _Course, deadline: asyncio.Timeout) -> ports.Answer | None:
        response = await self._send(self._built(request, course), request.access, course.blocks)
        try:
            location = response.headers.get("location")
            redirects = _REDIRECTS if request.form is None else _REDIRECTS_OF_POST
            if response.status_code in redirects and location:
                _move(course, response.status_code, location)
                return None
            if 200 <= response.status_code < 300:
                body, is_whole = await bounds.read_bounded(
                    _raw(response),
                    coding=response.headers.get("content-encoding", ""),
                    limit_bytes=self._limit_bytes,
                    hold=partial(_hold, request.share, deadline),
                )
            else:
                body, is_whole = b"", True
                await _drain(response)
            return self._answer(response, course, body, is_whole=is_whole)
        finally:
            await response.aclose()

    def _built(self, request: ports.Request, course: _Course) -> httpx.Request:
        fields = {
            "User-Agent": self._agent,
            "Accept": request.accept or ACCEPT_FEEDS,
            # Only what bounds.py can inflate within a limit.
            "Accept-Encoding": "gzip, deflate",
        }
        if request.etag:
            fields["If-None-Match"] = request.etag
        if request.last_modified:
            fields["If-Modified-Since"] = request.last_modified
        if authorization := course.at.authorization:
            fields["Authorization"] = authorization
        if request.access is not None and _is_home(request.access, course.at):
            fields |= self._keys.fields(request.access)
        seconds = {"connect": course.left, "read": course.left, "write": course.left, "pool": course.left}
        form = None if request.form is None else request.form.encode()
        if form is not None:
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        method = "GET" if form is None else "POST"
        return httpx.Request(method, course.at.url, headers=fields, content=form, extensions={"timeout": seconds})

    async def _send(self, request: httpx.Request, access: model.Access | None, blocks: Sequence[str]) -> httpx.Response:
        tls = self._keys.tls(access) if access is not None and _is_home(access, Address(request.url)) else None
        if blocks not in self._transports:
            self._transports[blocks] = self._make_transports(self._guard.narrowed(blocks))
        proxy = self._keys.proxy(access) if access else None
        transport = self._transports[blocks].of(request.url, proxy=proxy, tls=tls)
        try:
            return await transport.handle_async_request(request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # A kept connection may be closed by the server while we write to it; nothing was answered, and a
            # GET may be sent again (RFC 9110 section 9.2.2), as may all that we post: twice has the effect of once.
            return await transport.handle_async_request(request)

    def _answer(self, response: httpx.Response, course: _Course, body: bytes, *, is_whole: bool) -> ports.Answer:
        # Theirs decodes all of them for each that is asked for.
        found = dict(response.headers.items())
        now = self._clock.now()
        stream = response.extensions.get("network_stream")
        return ports.Answer(
            status=response.status_code,
            url=str(course.at.url),
            body=body,
            content_type=found.get("content-type", "")[:200],
            # Half a body must not be confirmed as the whole by its validators later.
            etag=_validator(found.get("etag")) if is_whole else None,
            last_modified=_validator(found.get("last-modified")) if is_whole else None,
            fresh_until=headers.fresh_until(found, now=now) if is_whole else None,
            retry_after=headers.retry_after(found.get("retry-after"), now=now) or headers.limit_end(found, now=now),
            permanent_url=course.permanent.whole if course.permanent else None,
            certificate_until=headers.certificate_end(stream.get_extra_info("ssl_object")) if stream else None,
            is_private=bool(course.blocks),
            links=headers.links(found.get("link"), str(course.at.url)),
        )


def agent_of(policy: model.FetchPolicy) -> str:
    """Who asks, and whom to write to (RFC 9110 section 10.1.5).

    >>> agent_of(model.FetchPolicy(contact="ops@example.org")).partition(" ")[2]
    '(feed reader; +ops@example.org)'
    """
    contact = re.sub(r"[^\x21-\x7e]+|[()]", "", policy.contact or "")
    return f"wirewatch/{bot.__version__} (feed reader{'; +' + contact if contact else ''})"


@contextmanager
def _shown(url: str) -> Iterator[None]:
    """Errors name the address."""
    try:
        yield
    except ports.FetchError as error:
        raise type(error)(f"{visible.masked(url)}: {error}") from error


async def _hold(share: ports.Share | None, deadline: asyncio.Timeout, size_bytes: int) -> None:
    """Waiting for room costs the server none of its time."""
    if share is None or size_bytes <= SMALL_BYTES:
        return
    until, begun = deadline.when(), asyncio.get_running_loop().time()
    deadline.reschedule(None)
    await share.hold(size_bytes)
    if until is not None:
        deadline.reschedule(until + asyncio.get_running_loop().time() - begun)


def _is_home(access: model.Access, at: Address) -> bool:
    """What was given for one origin is neither sent along a redirect to another nor to where the feed has moved."""
    return addresses.parse(access.home).origin == at.origin


def _move(course: _Course, status: int, location: str) -> None:
    target = addresses.next_hop(course.at, location)
    # A permanent move away from TLS is followed, never remembered.
    is_downgrade = course.at.url.scheme == "https" and target.url.scheme == "http"
    if status in _PERMANENT and not course.is_run_over and not is_downgrade:
        course.permanent = target
    else:
        course.is_run_over = True
    course.at = target
    course.has_moved = True


def _validator(value: str | None) -> str | None:
    return value if value and len(value) <= _MAX_VALIDATOR and value.isascii() else None


async def _raw(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """The bytes as they come, not inflated. Raises ConnectionError where the peer left in the middle."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    try:
        async for chunk in response.stream:
            yield chunk
    except (httpx.RemoteProtocolError, httpx.ReadError) as error:
        raise ConnectionError from error


async def _drain(response: httpx.Response) -> None:
    size = 0
    try:
        async with aclosing(_raw(response)) as chunks:
            async for chunk in chunks:
                size += len(chunk)
                if size > _DRAIN_BYTES:
                    return
    except ConnectionError:
        return
