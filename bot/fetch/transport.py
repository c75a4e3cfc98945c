"""Send httpx's requests with aiohttp, which parses responses in C. Each request has its own connection.

HttpFetcher ─▸ Transports.of(request) ─▸ AiohttpTransport ─▸ aiohttp's session ─▸ guard ─▸ socket

Every connection goes through the guard: names in the resolver, literals before the request, and each address once more
when its socket is made. A connection is never used again, so no response can answer another request, and a
connection carries the bytes of one response only.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import urllib.request
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import aiohttp
import httpx
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError

from bot.feeds.kit import packing
from bot.fetch.guard import Guard

#: Maximum bytes of one header, and maximum headers. Real content security policies have 10 KB.
_MOST_HEADER_BYTES, _MOST_HEADERS = 65_536, 256
#: Maximum informational responses (RFC 9110 section 15.2) before the response itself.
_MOST_INFORMATIONAL = 20
#: Headers that aiohttp must not add; the client sets its own.
_NO_DEFAULTS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class AiohttpTransport(httpx.AsyncBaseTransport):
    """A transport of httpx. Its connections are guarded, unless they go to a proxy."""

    def __init__(self, guard: Guard, *, tls: ssl.SSLContext, most_bytes: int, proxy: str | None = None) -> None:
        self._guard = guard
        self._tls = tls
        self._most_bytes = most_bytes
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the response, whose body is not read yet.

        Raises httpx's exceptions, and ValueError for an address or a header that aiohttp refuses.
        """
        if self._session is None:
            self._session = self._open_session()
        self._guard.check_literal(request.url.raw_host.decode("ascii"), is_proxied=self._proxy is not None)
        try:
            response = await self._session.request(
                request.method,
                yarl.URL(str(request.url), encoded=True),
                headers=[(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw],
                data=request.read() or None,
                allow_redirects=False,
                proxy=self._proxy,
            )
        except (aiohttp.ClientError, ConnectionError) as error:
            # aiohttp's exception for a certificate lacks the reason that its cause has.
            raise _translate(error) from error.__cause__ or error
        assert isinstance(response, _Response)
        return httpx.Response(response.status, headers=list(response.raw_headers), stream=_Body(response))

    def _open_session(self) -> aiohttp.ClientSession:
        # The proxy's own address is the operator's choice, so the guard does not check it.
        guarded: dict[str, Any] = {}
        if self._proxy is None:
            guarded = {"resolver": _GuardedResolver(self._guard), "socket_factory": self._make_socket}
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=0, force_close=True, use_dns_cache=False, **guarded)
        # There is no public option for the class of connections; aiohttp's version is limited.
        connector._factory = partial(_Protocol, asyncio.get_running_loop(), self._most_bytes)  # type: ignore[assignment] # noqa: SLF001
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            response_class=_Response,
            # The client limits the whole request.
            timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
            # The client inflates, within a limit.
            auto_decompress=False,
            skip_auto_headers=_NO_DEFAULTS,
            max_line_size=_MOST_HEADER_BYTES,
            max_field_size=_MOST_HEADER_BYTES,
            max_headers=_MOST_HEADERS,
        )
        # aiohttp would send a request again after the server has closed the connection.
        session._retry_connection = False  # noqa: SLF001 -- there is no public option; aiohttp's version is limited
        return session

    def _make_socket(self, address: Any) -> socket.socket:
        """Return a socket for one address of a host: the last check before the connection."""
        family, kind, protocol, _, place = address
        self._guard.check(str(place[0]), [str(place[0])])
        new_socket = socket.socket(family, kind, protocol)
        new_socket.setblocking(False)
        return new_socket

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()


class _GuardedResolver(AbstractResolver):
    """Returns a name's addresses if all of them are allowed."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a host. Raises AddressRefused, Unreachable."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in await self._guard.addresses(host, port)
        ]

    async def close(self) -> None:
        """Do nothing; the client closes the guard."""


class _Protocol(ResponseHandler):
    """A connection. Counts the received bytes, and ends a response at its first flaw with the part that has come.

    Many informational responses end it too, because each costs processor time.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, most_bytes: int) -> None:
        super().__init__(loop)
        self._most_bytes = self._bytes_left = most_bytes
        self._awaits_head = True
        self._informational_count = 0
        self._body: aiohttp.StreamReader | None = None
        #: Why the body ended early, or None.
        self.flaw: Exception | None = None

    def data_received(self, data: bytes) -> None:
        """Parse received bytes: the head of a response apart from the rest, so that junk after the body harms neither.

        aiohttp's parser forgets a response that comes in the same bytes as an error.
        """
        if not data:
            # The parser continues with the bytes that it kept while reading was paused.
            self._parse(data)
        while self._awaits_head and self.transport is not None and (end := data.find(b"\r\n\r\n") + 4) > 3:
            self._parse(data[:end])
            data = data[end:]
        if not data or self.transport is None:
            return
        if not self._awaits_head:
            # Count all bytes after the head: also the sizes and extensions of chunks, and trailers.
            self._bytes_left -= len(data)
        if self._bytes_left < 0:
            self._end_body(packing.too_big(self._most_bytes))
        else:
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        super().data_received(data)
        error = self.exception()
        if isinstance(error, HttpProcessingError):
            self._end_body(httpx.DecodingError(error.message.partition("\n")[0].rstrip(": ")))

    def _end_body(self, flaw: Exception) -> None:
        """End the body, whose reader would otherwise wait for the rest."""
        if self._body is not None and not self._body.is_eof():
            self.flaw = flaw
            self._body.feed_eof()
            self.abort()

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Queue a response (its head and its body)."""
        message, self._body = data
        self._awaits_head = 100 <= message.code < 200
        self._informational_count += self._awaits_head
        if self._informational_count <= _MOST_INFORMATIONAL:
            super().feed_data(data, size)
        else:
            self.abort()
            self.set_exception(HttpProcessingError(message="too many informational responses"))


class _Response(aiohttp.ClientResponse):
    """A response that remembers its connection."""

    protocol: ResponseHandler | None = None

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """Read the head of the response."""
        self.protocol = connection.protocol
        return await super().start(connection)


class _Body(httpx.AsyncByteStream):
    """The body of a response as received: one piece for each chunk of HTTP or read of the socket."""

    def __init__(self, response: _Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content, protocol = self._response.content, self._response.protocol
        try:
            # Not iter_chunks(), which never ends for a response without a body (all of them share one empty stream).
            while not content.at_eof():
                piece, _ = await content.readchunk()
                yield piece
            if isinstance(protocol, _Protocol) and protocol.flaw is not None:
                raise protocol.flaw
        except (aiohttp.ClientError, ConnectionError) as error:
            raise _translate(error) from error

    async def aclose(self) -> None:
        """Close the connection."""
        self._response.close()


def _translate(error: Exception) -> httpx.TransportError:
    """Return httpx's exception for one of aiohttp's."""
    kind: type[httpx.TransportError] = httpx.TransportError
    if isinstance(error, (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError)):
        kind = httpx.ProxyError
    elif isinstance(error, aiohttp.ServerTimeoutError):
        kind = httpx.ReadTimeout
    elif isinstance(error, aiohttp.ClientConnectorError):
        kind = httpx.ConnectError
    elif isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, aiohttp.ClientResponseError)):
        kind = httpx.RemoteProtocolError
    elif isinstance(error, (aiohttp.ClientOSError, ConnectionError)):
        kind = httpx.ReadError
    return kind(str(error))


class Transports:
    """The transports of a client. Each is made at its first request."""

    def __init__(self, guard: Guard, *, tls: ssl.SSLContext, most_bytes: int, use_proxy: bool) -> None:
        self._guard = guard
        self._tls = tls
        self._most_bytes = most_bytes
        self._proxies = urllib.request.getproxies() if use_proxy else {}
        #: (allowed private blocks, proxy, TLS context) -> transport.
        self._made: dict[tuple[Sequence[str], str | None, ssl.SSLContext], AiohttpTransport] = {}

    def of(
        self, url: httpx.URL, *, blocks: Sequence[str], proxy: str | None, tls: ssl.SSLContext | None
    ) -> AiohttpTransport:
        """Return the transport for a request; ``proxy`` and ``tls`` are the feed's own, or None."""
        key = (blocks, proxy or self._of_environment(url), tls or self._tls)
        if key not in self._made:
            self._made[key] = AiohttpTransport(
                self._guard.narrowed(blocks), tls=key[2], most_bytes=self._most_bytes, proxy=key[1]
            )
        return self._made[key]

    def _of_environment(self, url: httpx.URL) -> str | None:
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        if not proxy or urllib.request.proxy_bypass(url.raw_host.decode("ascii")):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"

    async def close(self) -> None:
        """Close all connections."""
        for transport in self._made.values():
            await transport.aclose()
