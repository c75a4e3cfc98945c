"""Guard every connection: which network addresses may be connected to, checked where the connection is made.

Sits under the HTTP library as its network backend: every hop and every name goes through it, so redirects and DNS
answers that change between check and use (rebinding) are covered, while TLS still sees the name of the URL.
The library's own pool looks at every connection for every idle connection at each request (64 of them made a warm
round four times slower), and takes no network backend; its connections are used, its pool is not.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import urllib.request
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from bot.model import AddressRefused, Unreachable

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
Block = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

#: Carry an IPv4 address in their last 32 bits: IPv4-compatible (RFC 4291), IPv4-mapped, IPv4-translated (RFC 2765),
#: NAT64 by its well-known prefix (RFC 6052).
_EMBEDDED_LAST = tuple(
    ipaddress.IPv6Network(block) for block in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")
)
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_TEREDO = ipaddress.IPv6Network("2001::/32")
#: Public by registry, private by use: Azure's host agent, the deprecated site-local range, 6to4 relays.
_REFUSED = (
    ipaddress.ip_network("168.63.129.16/32"),
    ipaddress.ip_network("fec0::/10"),
    ipaddress.ip_network("192.88.99.0/24"),
    # Local NAT64 (RFC 8215) and protocol assignments: older Pythons call parts of them global.
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("192.0.0.0/24"),
    # Documentation (RFC 9637), which older Pythons call global.
    ipaddress.ip_network("3fff::/20"),
)
#: All global unicast addresses (RFC 4291 section 2.4); others are for local use or unassigned.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
#: Interface identifiers of ISATAP (RFC 5214 section 6.1), and their bit for unique addresses.
_ISATAP, _UNIQUE_BIT = 0x00005EFE, 0x02000000
#: The connect timeout for all but the last address of a name.
_FIRST_TRIES_SECONDS = 3.0
#: The resolver blocks; names that time out must not delay all others (the loop's pool has 6 threads on 2 cores).
_RESOLVER_THREADS = 32


class AddressRule:
    """Allows public addresses, and the blocks that the operator lists."""

    def __init__(self, allow_private: Iterable[str] = ()) -> None:
        self._allowed = tuple(ipaddress.ip_network(block, strict=False) for block in allow_private)

    def blocks_of(self, addresses: Iterable[str]) -> Sequence[str]:
        """Return the operator's blocks that contain any of the addresses.

        >>> AddressRule(["127.0.0.0/8", "10.0.0.0/8"]).blocks_of(["127.0.0.1", "192.0.2.1"])
        ('127.0.0.0/8',)
        """
        outer = [ipaddress.ip_address(address.partition("%")[0]) for address in addresses]
        reached = [*outer, *filter(None, map(_embedded, outer))]
        return tuple(str(block) for block in self._allowed if any(_is_in(address, [block]) for address in reached))

    def allows(self, address: str) -> bool:
        """Return whether this address, in any notation of the ipaddress module, may be connected to.

        >>> AddressRule().allows("::ffff:127.0.0.1"), AddressRule(["127.0.0.0/8"]).allows("127.0.0.1")
        (False, True)
        """
        outer = ipaddress.ip_address(address.partition("%")[0])
        # An IPv6 address that carries an IPv4 address reaches the latter.
        inner = _embedded(outer) or outer
        if _is_in(outer, self._allowed) or _is_in(inner, self._allowed):
            return True
        if isinstance(inner, ipaddress.IPv6Address) and inner not in _GLOBAL_UNICAST:
            return False
        return inner.is_global and not (inner.is_multicast or inner.is_reserved or _is_in(inner, _REFUSED))


def _is_in(address: Ip, blocks: Sequence[Block]) -> bool:
    return any(address.version == block.version and address in block for block in blocks)


def _embedded(address: Ip) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    number = int(address)
    if any(address in net for net in _EMBEDDED_LAST):
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if (number >> 32) & 0xFFFFFFFF & ~_UNIQUE_BIT == _ISATAP:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return ipaddress.IPv4Address((number >> 80) & 0xFFFFFFFF)
    if address in _TEREDO:
        return ipaddress.IPv4Address(~number & 0xFFFFFFFF)
    return None


def system_resolve(host: str, port: int) -> Sequence[str]:
    """Return the system's addresses of a host, best first. Blocking. Understands every notation of a literal."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(info[4][0]) for info in infos))


class GuardBackend(httpcore.AsyncNetworkBackend):
    """Resolves a host, refuses it unless every address is allowed, and connects to a checked address."""

    def __init__(
        self,
        rule: AddressRule,
        *,
        resolve: Resolve = system_resolve,
        threads: ThreadPoolExecutor | None = None,
        listed: AddressRule | None = None,
    ) -> None:
        self._rule = rule
        #: All blocks that the operator lists; ``rule`` opens some of them.
        self._listed = listed or rule
        self._resolve = resolve
        self._backend = httpcore.AnyIOBackend()
        self._threads = threads or ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="resolve")

    def narrowed(self, blocks: Sequence[str]) -> GuardBackend:
        """Return a guard that opens only these blocks of the operator."""
        return GuardBackend(AddressRule(blocks), resolve=self._resolve, threads=self._threads, listed=self._rule)

    async def blocks_of(self, host: str, port: int, seconds: float | None) -> Sequence[str]:
        """Return the operator's blocks of the host's addresses; none if it has no address."""
        try:
            return self._rule.blocks_of(await self.addresses(host, port, seconds))
        except (AddressRefused, Unreachable):
            return ()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the host that answers. Raises AddressRefused, httpcore.ConnectError."""
        addresses = await self.addresses(host, port, timeout)
        last = len(addresses) - 1
        for place, address in enumerate(addresses):
            within = timeout if place == last else min(timeout or _FIRST_TRIES_SECONDS, _FIRST_TRIES_SECONDS)
            try:
                return await self._backend.connect_tcp(address, port, within, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if place == last:
                    raise
        raise AssertionError  # ``addresses`` never returns an empty list

    async def connect_unix_socket(self, *args: object, **kwargs: object) -> httpcore.AsyncNetworkStream:
        """Refuse: raises AddressRefused."""
        raise AddressRefused("a socket file is never fetched from")

    async def sleep(self, seconds: float) -> None:
        """Sleep between two attempts of httpcore."""
        await asyncio.sleep(seconds)

    def close(self) -> None:
        """End the threads that resolve names."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def check_literal(self, host: str) -> None:
        """Refuse private names and literals without resolving them: a proxy resolves. Raises AddressRefused."""
        name = host.rstrip(".").lower()
        if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
            raise AddressRefused(f"{host} is a name of the local network: not fetched through the proxy")
        try:
            # AI_NUMERICHOST: every notation of a literal (decimal, hexadecimal, short), and never a query.
            infos = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
        except (socket.gaierror, UnicodeError):
            return
        self._check(host, [str(info[4][0]) for info in infos])

    def _check(self, host: str, addresses: Sequence[str]) -> None:
        refused = [address for address in dict.fromkeys(addresses) if not self._rule.allows(address)]
        if refused:
            leads = " is" if refused == [host] else f" leads to {', '.join(refused)},"
            if all(map(self._listed.allows, refused)):
                raise AddressRefused(
                    f"{host}{leads} a private or reserved address: not fetched;"
                    " fetch.allow_private opens it only for feeds whose own address in feeds.yaml is in the same block"
                )
            raise AddressRefused(
                f"{host}{leads} a private or reserved address: not fetched;"
                " list its block under fetch.allow_private in bot.yaml if it is yours"
            )

    async def addresses(self, host: str, port: int, seconds: float | None) -> Sequence[str]:
        """Return the addresses of a host, if all are allowed. Raises AddressRefused, Unreachable."""
        addresses: Sequence[str]
        try:
            addresses = (str(ipaddress.ip_address(host)),)
        except ValueError:
            addresses = await self._resolved(host, port, seconds)
        self._check(host, addresses)
        return addresses

    async def _resolved(self, host: str, port: int, seconds: float | None) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                addresses = await loop.run_in_executor(self._threads, self._resolve, host, port)
        except TimeoutError as error:
            raise Unreachable(f"{host}: the name service gave no answer; check this machine's DNS") from error
        except (socket.gaierror, UnicodeError) as error:
            raise Unreachable(f"{host}: no such host; check the spelling, or the feed has gone") from error
        if not addresses:
            raise Unreachable(f"{host}: the name has no address; check the spelling, or the feed has gone")
        return addresses


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

        Raises AddressRefused if a proxy would get a private literal.
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
