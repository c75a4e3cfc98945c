"""Send a request over a guarded connection, or through a proxy.

The library's own pool looks at every connection for every idle connection at each request (64 of them made a warm
round four times slower), and accepts no network backend; its connections are used, its pool is not.
"""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager

import httpcore
import httpx

from bot.fetch.ssrf import GuardBackend

#: How long idle connections are kept: the next request to a feed comes in minutes, to its host in seconds.
_KEEP_ALIVE_SECONDS = 10.0
_Key = tuple[bytes, bytes, int | None]
#: The more specific exceptions come first.
_EXCEPTIONS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.ReadTimeout, httpx.ReadTimeout),
    (httpcore.WriteTimeout, httpx.WriteTimeout),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.ReadError, httpx.ReadError),
    (httpcore.WriteError, httpx.WriteError),
    (httpcore.LocalProtocolError, httpx.LocalProtocolError),
    (httpcore.RemoteProtocolError, httpx.RemoteProtocolError),
    (httpcore.TimeoutException, httpx.TimeoutException),
    (httpcore.NetworkError, httpx.NetworkError),
    (httpcore.ProtocolError, httpx.ProtocolError),
)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends every request through the guard, and keeps idle connections for the next request to their origin."""

    def __init__(self, backend: GuardBackend, *, tls: ssl.SSLContext, connections: int) -> None:
        self._backend = backend
        self._tls = tls
        self._most_idle = connections
        self._idle: dict[_Key, list[httpcore.AsyncHTTPConnection]] = {}
        self._idle_count = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send over an idle connection of the origin, or a new one. Raises httpx.TransportError."""
        url = request.url
        key = (url.raw_scheme, url.raw_host, url.port)
        connection = await self._take(key) or self._new(key)
        assert isinstance(request.stream, AsyncIterable)
        inner = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            with _as_httpx():
                answer = await connection.handle_async_request(inner)
        except BaseException:
            await connection.aclose()
            raise
        assert isinstance(answer.stream, AsyncIterable)
        stream = _Stream(answer, connection, key, self)
        return httpx.Response(answer.status, headers=answer.headers, stream=stream, extensions=answer.extensions)

    async def give_back(self, key: _Key, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keep a connection for the next request to its host; the oldest idle ones are closed."""
        if not connection.is_idle():
            await connection.aclose()
            return
        self._idle.setdefault(key, []).append(connection)
        self._idle_count += 1
        while self._idle_count > self._most_idle:
            oldest = self._pop(next(iter(self._idle)))
            await oldest.aclose()

    async def aclose(self) -> None:
        """Close all idle connections."""
        for connections in self._idle.values():
            for connection in connections:
                await connection.aclose()
        self._idle.clear()
        self._idle_count = 0

    def _new(self, key: _Key) -> httpcore.AsyncHTTPConnection:
        scheme, host, port = key
        return httpcore.AsyncHTTPConnection(
            origin=httpcore.Origin(scheme, host, port or (443 if scheme == b"https" else 80)),
            ssl_context=self._tls,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            network_backend=self._backend,
        )

    async def _take(self, key: _Key) -> httpcore.AsyncHTTPConnection | None:
        while key in self._idle:
            connection = self._pop(key)
            if not connection.is_closed() and not connection.has_expired():
                return connection
            await connection.aclose()
        return None

    def _pop(self, key: _Key) -> httpcore.AsyncHTTPConnection:
        connections = self._idle[key]
        connection = connections.pop()
        self._idle_count -= 1
        if not connections:
            del self._idle[key]
        return connection


class _Stream(httpx.AsyncByteStream):
    """The body of a response; closing it returns the connection."""

    def __init__(
        self, answer: httpcore.Response, connection: httpcore.AsyncHTTPConnection, key: _Key, home: GuardedTransport
    ) -> None:
        self._answer = answer
        self._connection = connection
        self._key = key
        self._home = home

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._answer.stream, AsyncIterable)
        with _as_httpx():
            async for chunk in self._answer.stream:
                yield chunk

    async def aclose(self) -> None:
        await self._answer.aclose()
        await self._home.give_back(self._key, self._connection)


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Translate httpcore's exceptions into httpx's, as httpx's own transport does."""
    try:
        yield
    except Exception as error:
        for inner, outer in _EXCEPTIONS:
            if isinstance(error, inner):
                raise outer(str(error)) from error
        raise


class Transports:
    """Chooses the transport of a request."""

    def __init__(self, backend: GuardBackend, *, tls: ssl.SSLContext, connections: int, use_proxy: bool) -> None:
        self._backend = backend
        self._guarded = GuardedTransport(backend, tls=tls, connections=connections)
        self._limits = httpx.Limits(max_connections=connections, keepalive_expiry=_KEEP_ALIVE_SECONDS)
        self._tls = tls
        self._proxies = urllib.request.getproxies() if use_proxy else {}
        self._connections = connections
        #: By proxy and TLS context.
        self._others: dict[tuple[str | None, ssl.SSLContext], httpx.AsyncBaseTransport] = {}

    def of(
        self, url: httpx.URL, *, proxy: str | None = None, tls: ssl.SSLContext | None = None
    ) -> httpx.AsyncBaseTransport:
        """Return the transport for a request; ``proxy`` and ``tls`` are the feed's own.

        Raises Refused if a proxy would get a private literal.
        """
        proxy = proxy or self._of_environment(url)
        if proxy is None and tls is None:
            return self._guarded
        if proxy is not None:
            # The proxy resolves names, so it must guard its own network; a literal needs no resolving.
            self._backend.check_literal(url.host)
        key = (proxy, tls or self._tls)
        if key not in self._others:
            self._others[key] = self._make(*key)
        return self._others[key]

    def _of_environment(self, url: httpx.URL) -> str | None:
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        if not proxy or urllib.request.proxy_bypass(url.host):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"

    def _make(self, proxy: str | None, tls: ssl.SSLContext) -> httpx.AsyncBaseTransport:
        if proxy is None:
            # A separate one, so that no other feed gets a connection with a client certificate.
            return GuardedTransport(self._backend, tls=tls, connections=self._connections)
        return httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=self._limits, proxy=proxy)

    async def close(self) -> None:
        """Close all connections."""
        await self._guarded.aclose()
        for transport in self._others.values():
            await transport.aclose()
