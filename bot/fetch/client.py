"""Send one request, follow its redirects and return the response, within limits of time, bytes and hops.

Does not parse feeds; returns any status as a response. Sends the cookies of a feed's access settings, and keeps no
cookies from servers.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import re
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import msgspec
import structlog

import bot
from bot.durations import Clock
from bot.feeds.kit import packing
from bot.fetch import headers
from bot.fetch.access import Address, Keys, SecretOf, next_hop, no_secret, parse_address
from bot.fetch.guard import Guard, NameService, Resolve, system_resolve
from bot.fetch.slots import SMALL_BYTES, HostSlots, HostTurns
from bot.fetch.transport import Transports
from bot.model import visible
from bot.model.access import Access
from bot.model.errors import AddressRefused, FetchError, HostLimited, Unreachable
from bot.model.fetching import Request, Response
from bot.model.settings import FetchPolicy

if TYPE_CHECKING:
    from bot.fetch import mailbox


_log = structlog.get_logger(__name__)

MAX_HOPS = 5
ACCEPT_FEEDS = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml,"
    " application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
_PERMANENT = (301, 308)
_MAILBOXES = ("imaps://", "imap://")
_REDIRECTS = (301, 302, 303, 307, 308)
#: Maximum length of a validator; longer ones are not sent back.
_MAX_VALIDATOR = 1000
#: Time after which a feed is polled again for which no file was free.
FILES_FREE_AFTER = timedelta(seconds=10)


class _Course(msgspec.Struct):
    """The progress of a request."""

    at: Address
    #: The part of the timeout that is left.
    seconds_left: float
    #: Target of the leading permanent redirects, before any other redirect.
    permanent: Address | None = None
    #: Whether the leading permanent redirects have ended.
    is_run_over: bool = False
    has_moved: bool = False
    #: Blocks of ``fetch.allow_private`` that this request may use, or None before its first hop.
    blocks: Sequence[str] | None = None


class HttpFetcher:
    """Implements Fetcher."""

    def __init__(
        self,
        policy: FetchPolicy,
        clock: Clock,
        *,
        user_agent: str | None = None,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = system_resolve,
        secret_of: SecretOf = no_secret,
    ) -> None:
        self._clock = clock
        self._seconds = policy.timeout.total_seconds()
        self._limit_bytes = policy.max_bytes
        self._agent = user_agent or make_user_agent(policy)
        self._keys = Keys(secret_of)
        self._slots = HostSlots(per_host=policy.per_host, in_all=policy.concurrency)
        self._turns = HostTurns()
        self._guard = Guard(NameService(resolve), policy.allow_private)
        # Respects SSL_CERT_FILE and SSL_CERT_DIR, so that users can trust an intranet's own authority.
        self._tls = tls or httpx.create_ssl_context()
        self._has_blocks = bool(policy.allow_private)
        self._transports = Transports(
            self._guard, tls=self._tls, most_bytes=policy.max_bytes, use_proxy=policy.use_proxy
        )

    async def get(self, request: Request) -> Response:
        """Send a request, follow its redirects and return the response, whatever its status. Raises FetchError."""
        if request.url.startswith(_MAILBOXES):
            return await self._mails(request)
        course = _Course(at=parse_address(request.url), seconds_left=self._seconds)
        if request.pace:
            turn = self._turns.take(course.at.host, request.pace, now=self._clock.now())
            await self._clock.sleep(turn - self._clock.now())
        for _ in range(MAX_HOPS + 1):
            answer = await self._hop(request, course)
            if answer is not None:
                return answer
        raise AddressRefused(
            f"{visible.masked(request.url)}: more than {MAX_HOPS} redirects, the last to {course.at.url};"
            " open it in a browser and write the final address into feeds.yaml"
        )

    async def _blocks(self, request: Request, at: Address) -> Sequence[str]:
        """Return the blocks of ``fetch.allow_private`` that the request may use, because its home is in them."""
        if request.home is None or not self._has_blocks:
            return ()
        home = at if request.home == request.url else parse_address(request.home)
        return await self._guard.blocks_of(home.host, home.url.port or 443, self._seconds)

    async def close(self) -> None:
        """Close all connections."""
        await self._transports.close()
        self._guard.close()
        if "_mailboxes" in vars(self):
            await self._mailboxes.close()

    async def _mails(self, request: Request) -> Response:
        with _with_address(request.url):
            async with self._slots.slot(urlsplit(request.url).hostname or ""):
                if request.hold is not None:
                    await request.hold(self._limit_bytes)
                return await self._mailboxes.get(request, seconds=self._seconds, most_bytes=self._limit_bytes)

    @functools.cached_property
    def _mailboxes(self) -> mailbox.Mailboxes:
        # Import on first use, because few users have a mailbox.
        from bot.fetch.mailbox import Mailboxes

        return Mailboxes(self._keys, self._guard, self._clock, tls=self._tls)

    async def _hop(self, request: Request, course: _Course) -> Response | None:
        """Send one request. If the response is a redirect, change ``course`` and return None."""
        # Release the slot of one hop before the next, so that two hosts that redirect to each other cannot cause a
        # deadlock.
        async with self._slots.slot(course.at.host):
            loop = asyncio.get_running_loop()
            start = loop.time()
            try:
                async with asyncio.timeout(course.seconds_left) as deadline:
                    return await self._exchange(request, course, deadline)
            except TimeoutError as error:
                raise Unreachable(
                    f"{_place_of(request, course)}: no complete answer within {self._seconds:g} seconds;"
                    " it will be tried again; raise fetch.timeout in bot.yaml to give slow servers more time"
                ) from error
            except FetchError as error:
                raise type(error)(f"{_place_of(request, course)}: {error}") from error
            except (httpx.HTTPError, ValueError, OSError) as error:
                if isinstance(cause := _cause(error, OSError), OSError) and cause.errno in (errno.EMFILE, errno.ENFILE):
                    # This machine is at fault, so no feed is counted as failing.
                    until = self._clock.now() + FILES_FREE_AFTER
                    raise HostLimited("this process may open no more files", until) from error
                # The libraries raise ValueError (also UnicodeError) for an address or a header that they refuse.
                failure = describe_failure(error, course.at.host)
                raise Unreachable(f"{_place_of(request, course)}: {failure}") from error
            finally:
                course.seconds_left = max(0.0, course.seconds_left - (loop.time() - start))

    async def _exchange(self, request: Request, course: _Course, deadline: asyncio.Timeout) -> Response | None:
        response = await self._send(request, course)
        try:
            location = response.headers.get("location")
            if response.status_code in _REDIRECTS and location:
                _move(course, response.status_code, location)
                return None
            if 200 <= response.status_code < 300:
                body, is_whole = await packing.read_bounded(
                    _raw(response, _place_of(request, course)),
                    coding=response.headers.get("content-encoding", ""),
                    limit_bytes=self._limit_bytes,
                    hold=partial(_hold, request.hold, deadline),
                )
            else:
                body, is_whole = b"", True
            return self._answer(response, course, body, is_whole=is_whole)
        finally:
            await response.aclose()

    def _build(self, request: Request, course: _Course) -> httpx.Request:
        fields = {
            "User-Agent": self._agent,
            "Accept": request.accept or ACCEPT_FEEDS,
            # Only the codings that can be inflated within a limit.
            "Accept-Encoding": "gzip, deflate",
        }
        if request.etag:
            fields["If-None-Match"] = request.etag
        if request.last_modified:
            fields["If-Modified-Since"] = request.last_modified
        if authorization := course.at.authorization:
            fields["Authorization"] = authorization
        if access := _access_at(course.at, request):
            fields |= self._keys.fields(access)
        # With a stream, httpx adds no headers, which would copy all of them; aiohttp adds Host and Content-Length.
        return httpx.Request("GET", course.at.url, headers=fields, stream=httpx.ByteStream(b""))

    async def _send(self, request: Request, course: _Course) -> httpx.Response:
        if course.blocks is None:
            course.blocks = await self._blocks(request, course.at)
        sent = self._build(request, course)
        home_access = _access_at(course.at, request)
        tls = self._keys.tls(home_access) if home_access else None
        proxy = self._keys.proxy(request.access) if request.access else None
        transport = self._transports.of(sent.url, blocks=course.blocks, proxy=proxy, tls=tls)
        return await transport.handle_async_request(sent)

    def _answer(self, response: httpx.Response, course: _Course, body: bytes, *, is_whole: bool) -> Response:
        # Copy the headers, because httpx decodes all of them at each access.
        fields = dict(response.headers.items())
        now = self._clock.now()
        return Response(
            status=response.status_code,
            url=str(course.at.url),
            body=body,
            content_type=fields.get("content-type", "")[:200],
            # Drop the validators of an incomplete body, so that the next request is unconditional.
            etag=_validator(fields.get("etag")) if is_whole else None,
            last_modified=_validator(fields.get("last-modified")) if is_whole else None,
            fresh_until=headers.fresh_until(fields, now=now) if is_whole else None,
            retry_after=headers.retry_after(fields.get("retry-after"), now=now) or headers.limit_end(fields, now=now),
            permanent_url=course.permanent.whole if course.permanent else None,
            is_private=bool(course.blocks),
        )


def make_user_agent(policy: FetchPolicy) -> str:
    """Return the User-Agent with our name and a contact (RFC 9110 section 10.1.5).

    >>> make_user_agent(FetchPolicy(contact="ops@example.org")).partition(" ")[2]
    '(feed reader; +ops@example.org)'
    """
    contact = re.sub(r"[^\x21-\x7e]+|[()]", "", policy.contact or "")
    return f"wirewatch/{bot.__version__} (feed reader{'; +' + contact if contact else ''})"


@contextmanager
def _with_address(url: str) -> Iterator[None]:
    """Put the address before the message of each FetchError. Raise any other error of a library as one."""
    try:
        yield
    except FetchError as error:
        raise type(error)(f"{visible.masked(url)}: {error}") from error
    except (ValueError, OSError) as error:
        raise Unreachable(f"{visible.masked(url)}: the request failed ({type(error).__name__})") from error


async def _hold(hold: Callable[[int], Awaitable[None]] | None, deadline: asyncio.Timeout, size_bytes: int) -> None:
    """Wait until the body may be held in memory. The wait does not count towards the timeout."""
    if hold is None or size_bytes <= SMALL_BYTES:
        return
    until, start = deadline.when(), asyncio.get_running_loop().time()
    deadline.reschedule(None)
    await hold(size_bytes)
    if until is not None:
        deadline.reschedule(until + asyncio.get_running_loop().time() - start)


def _place_of(request: Request, course: _Course) -> str:
    """Return the address for an error message."""
    where = visible.masked(request.url)
    return f"{where} (now at {course.at.url})" if course.has_moved else where


def _access_at(at: Address, request: Request) -> Access | None:
    """Return the request's access if ``at`` has the origin of its home, else None (after a redirect or move)."""
    if request.access is None or request.home is None:
        return None
    return request.access if parse_address(request.home).origin == at.origin else None


def _move(course: _Course, status: int, location: str) -> None:
    target = next_hop(course.at, location)
    # Follow a permanent redirect from https to http, but do not store it.
    is_downgrade = course.at.url.scheme == "https" and target.url.scheme == "http"
    if status in _PERMANENT and not course.is_run_over and not is_downgrade:
        course.permanent = target
    else:
        course.is_run_over = True
    course.at = target
    course.has_moved = True


def _validator(value: str | None) -> str | None:
    """Return a validator if it can be sent back: aiohttp refuses control characters in a header."""
    return value if value and len(value) <= _MAX_VALIDATOR and value.isascii() and value.isprintable() else None


async def _raw(response: httpx.Response, place: str) -> AsyncGenerator[bytes, None]:
    """Yield the bytes as received, not inflated. Raises ConnectionError if the body ends too early or is damaged."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    try:
        async for chunk in response.stream:
            yield chunk
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.DecodingError) as error:
        _log.info("response ends early; only its received part is read", url=place, reason=str(error))
        raise ConnectionError from error


#: OpenSSL's X509 verification codes (openssl/x509_vfy.h).
_CERTIFICATE = {
    9: "its certificate is not yet valid; check this machine's clock",
    10: "its certificate has expired; inform the publisher",
    18: "its certificate is self-signed; trust it with SSL_CERT_FILE if it is yours",
    19: "its certificate comes from an authority that is not trusted here; trust it with SSL_CERT_FILE if it is yours",
    20: "its certificate comes from an authority that is not trusted here, or the server does not send the"
    " intermediate certificates; inform the publisher, or trust it with SSL_CERT_FILE if it is yours",
    62: "its certificate is for another name; correct the host in feeds.yaml, or inform the publisher",
    64: "its certificate is for another name; correct the host in feeds.yaml, or inform the publisher",
}


def describe_failure(error: Exception, host: str) -> str:
    """Describe ``error`` in one line, without any text from the server."""
    cause = _cause(error, ssl.SSLCertVerificationError)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"{host}: {_CERTIFICATE.get(cause.verify_code, f'its certificate is refused ({cause.verify_message})')}"
    if _cause(error, ssl.SSLError) is not None:
        return f"{host}: the TLS handshake failed; the server may support http instead of https"
    if isinstance(error, (httpx.ConnectTimeout, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout)):
        return f"{host} did not answer in time; it will be tried again"
    if isinstance(error, httpx.ConnectError):
        refused = _cause(error, ConnectionRefusedError) is not None or "refused" in str(error).lower()
        what = "refuses the connection" if refused else "cannot be reached"
        return f"{host} {what}; it will be tried again"
    if isinstance(error, httpx.ProxyError):
        return "the proxy of the environment refuses the request; check HTTP_PROXY and HTTPS_PROXY"
    if flaw := _cause(error, httpx.DecodingError):
        return f"{host} sends a body with a flaw in its chunks ({flaw}); inform the publisher"
    if isinstance(error, (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, ConnectionError)):
        return f"{host} closed the connection early, or does not use HTTP; it will be tried again"
    return f"{host}: the request failed ({type(error).__name__}); it will be tried again"


def _cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """Return the first exception of ``kind`` in the chain of causes."""
    depth = 0
    while error is not None and depth < 10:
        if isinstance(error, kind):
            return error
        error = error.__cause__ or error.__context__
        depth += 1
    return None
