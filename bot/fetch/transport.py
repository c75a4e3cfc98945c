"""Send httpx's requests with aiohttp, which parses responses in C and keeps idle connections.

HttpFetcher ─▸ Transports.of(request) ─▸ AiohttpTransport ─▸ aiohttp's session ─▸ guard ─▸ socket

Every connection goes through the guard: names in the resolver, literals before the request, and each address once more
when its socket is made.
"""

from __future__ import annotations

import socket
import ssl
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any

import aiohttp
import httpx
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError

from bot.fetch.guard import Guard

#: Requests to a host often follow within seconds, but polls of a feed only after minutes.
_KEEP_ALIVE_SECONDS = 10.0
#: Maximum idle connections.
_MOST_IDLE = 64
#: Maximum bytes of one header, and maximum headers. Real content security policies have 10 KB.
_MOST_HEADER_BYTES, _MOST_HEADERS = 65_536, 256
#: Maximum informational responses (RFC 9110 section 15.2) before the response itself.
_MOST_INFORMATIONAL = 20
#: Headers that aiohttp must not add; the client sets its own.
_NO_DEFAULTS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
#: Whether the connection of this task's request has answered an earlier request.
_has_reused_connection: ContextVar[bool] = ContextVar("has_reused_connection", default=False)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """A transport of httpx. Its connections are guarded, unless they go to a proxy."""

    def __init__(self, guard: Guard, *, tls: ssl.SSLContext, proxy: str | None = None) -> None:
        self._guard = guard
        self._tls = tls
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the response, whose body is not read yet. Raises httpx's exceptions."""
        if self._session is None:
            self._session = self._open_session()
        self._guard.check_literal(request.url.host, is_proxied=self._proxy is not None)
        _has_reused_connection.set(False)
        try:
            return await self._send(self._session, request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # The server may close a kept connection while we write to it. Send the request again, which is allowed
            # because GET and our POSTs are idempotent (RFC 9110 section 9.2.2).
            if not _has_reused_connection.get():
                raise
        return await self._send(self._session, request)

    async def _send(self, session: aiohttp.ClientSession, request: httpx.Request) -> httpx.Response:
        try:
            response = await session.request(
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
        return httpx.Response(
            response.status,
            headers=list(response.raw_headers),
            stream=_Body(response),
            extensions={"ssl_object": response.ssl_object},
        )

    def _open_session(self) -> aiohttp.ClientSession:
        # The proxy's own address is the operator's choice, so the guard does not check it.
        guarded: dict[str, Any] = {}
        if self._proxy is None:
            guarded = {"resolver": _GuardedResolver(self._guard), "socket_factory": self._make_socket}
        connector = _Connector(
            ssl=self._tls, limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS, use_dns_cache=False, **guarded
        )
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
        # aiohttp would also repeat a request that failed on a new connection.
        session._retry_connection = False  # noqa: SLF001 -- there is no public option; aiohttp's version is limited
        return session

    def _make_socket(self, address: Any) -> socket.socket:
        """Return a socket for one address of a host: the last check before the connection."""
        family, kind, protocol, _, place = address
        self._guard.check(str(place[0]), [str(place[0])])
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

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


class _Connector(aiohttp.TCPConnector):
    """aiohttp's pool of connections, with a limit on idle ones. Never reuses one on which surplus bytes arrived."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(_Protocol, loop=self._loop)  # type: ignore[assignment]

    async def connect(
        self,
        req: ClientRequest,
        traces: Any,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 -- the signature is aiohttp's
    ) -> Connection:
        """Return an idle connection without unread bytes, or a new one."""
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            is_used = isinstance(protocol, _Protocol) and protocol.is_used
            if protocol is None or not protocol.should_close:
                _has_reused_connection.set(is_used)
                return connection
            # Bytes that arrived since the last response, or before any request, must not answer this request.
            connection.close()
            if not is_used:
                raise aiohttp.ServerDisconnectedError("bytes before the request")

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        super()._release(key, protocol, should_close=should_close)
        while sum(map(len, self._conns.values())) > _MOST_IDLE:
            oldest = next(iter(self._conns))
            idle, _ = self._conns[oldest].popleft()
            idle.close()
            if not self._conns[oldest]:
                del self._conns[oldest]


class _Protocol(ResponseHandler):
    """A connection. It is closed after many informational responses, because each costs processor time."""

    is_used = False
    _awaits_head = False
    _informational_count = 0

    def set_response_params(self, **params: Any) -> None:
        """Prepare for the response to a request."""
        self.is_used, self._awaits_head, self._informational_count = True, True, 0
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes: the head of a response apart from the rest, so that junk after the body harms neither.

        aiohttp's parser forgets a response that comes in the same bytes as an error.
        """
        if not data:
            # The parser continues with the bytes that it kept while reading was paused.
            super().data_received(data)
        while self._awaits_head and self.transport is not None and (end := data.find(b"\r\n\r\n") + 4) > 3:
            super().data_received(data[:end])
            data = data[end:]
        if data and self.transport is not None:
            super().data_received(data)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Queue a response (its head and its body)."""
        self._awaits_head = 100 <= data[0].code < 200
        self._informational_count += self._awaits_head
        if self._informational_count <= _MOST_INFORMATIONAL:
            super().feed_data(data, size)
        else:
            self.abort()
            self.set_exception(HttpProcessingError(message="too many informational responses"))


class _Response(aiohttp.ClientResponse):
    """A response that remembers its TLS connection."""

    ssl_object: object = None

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """Read the head of the response."""
        transport = connection.transport
        self.ssl_object = transport.get_extra_info("ssl_object") if transport is not None else None
        return await super().start(connection)


class _Body(httpx.AsyncByteStream):
    """The body of a response as received: one piece for each chunk of HTTP or read of the socket."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._response.content
        try:
            # Not iter_chunks(), which never ends for a response without a body (all of them share one empty stream).
            while not content.at_eof():
                piece, _ = await content.readchunk()
                yield piece
        except (aiohttp.ClientError, ConnectionError) as error:
            raise _translate(error) from error

    async def aclose(self) -> None:
        """Release the connection. aiohttp closes it if the body was not received completely."""
        self._response.release()


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

    def __init__(self, guard: Guard, *, tls: ssl.SSLContext, use_proxy: bool) -> None:
        self._guard = guard
        self._tls = tls
        self._proxies = urllib.request.getproxies() if use_proxy else {}
        #: (allowed private blocks, proxy, TLS context) -> transport. So no request reuses a connection that it may not
        #: make, and no other feed reuses a connection with a client certificate.
        self._made: dict[tuple[Sequence[str], str | None, ssl.SSLContext], AiohttpTransport] = {}

    def of(
        self, url: httpx.URL, *, blocks: Sequence[str], proxy: str | None, tls: ssl.SSLContext | None
    ) -> AiohttpTransport:
        """Return the transport for a request; ``proxy`` and ``tls`` are the feed's own, or None."""
        key = (blocks, proxy or self._of_environment(url), tls or self._tls)
        if key not in self._made:
            self._made[key] = AiohttpTransport(self._guard.narrowed(blocks), tls=key[2], proxy=key[1])
        return self._made[key]

    def _of_environment(self, url: httpx.URL) -> str | None:
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        if not proxy or urllib.request.proxy_bypass(url.host):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"

    async def close(self) -> None:
        """Close all connections."""
        for transport in self._made.values():
            await transport.aclose()
