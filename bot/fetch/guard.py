"""Guard every connection: check the network address directly before connecting to it.

The guard is the network backend of the HTTP library, so every hop and every name goes through it. This also covers
redirects, and DNS answers that change between check and use (rebinding). TLS still checks the URL's host name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpcore
import httpx

from bot.model.errors import AddressRefused, Unreachable

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
Block = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

#: Blocks of addresses whose last 32 bits are an IPv4 address: IPv4-compatible (RFC 4291), IPv4-mapped, IPv4-translated
#: (RFC 2765), and NAT64 with its well-known prefix (RFC 6052).
_EMBEDDED_LAST = tuple(
    ipaddress.IPv6Network(block) for block in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")
)
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_TEREDO = ipaddress.IPv6Network("2001::/32")
#: Addresses that are registered as public but used privately: Azure's host agent, site-local addresses, 6to4 relays.
_REFUSED = (
    ipaddress.ip_network("168.63.129.16/32"),
    ipaddress.ip_network("fec0::/10"),
    ipaddress.ip_network("192.88.99.0/24"),
    # Local NAT64 (RFC 8215) and protocol assignments, parts of which older Pythons call global.
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("192.0.0.0/24"),
    # Documentation (RFC 9637), which older Pythons call global.
    ipaddress.ip_network("3fff::/20"),
)
#: All global unicast addresses (RFC 4291 section 2.4); others are for local use or unassigned.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
#: Interface identifier of ISATAP (RFC 5214 section 6.1), and its bit for globally unique addresses.
_ISATAP, _UNIQUE_BIT = 0x00005EFE, 0x02000000
#: The connect timeout for all but the last address of a name.
_FIRST_TRIES_SECONDS = 3.0
#: Own threads for the blocking resolver, so that names that time out do not delay all other names. (The event loop's
#: pool has only 6 threads on 2 cores.)
_RESOLVER_THREADS = 32


class AddressRule:
    """Allows public addresses and the listed private blocks."""

    def __init__(self, allow_private: Iterable[str] = ()) -> None:
        self._allowed = tuple(ipaddress.ip_network(block, strict=False) for block in allow_private)

    def blocks_of(self, addresses: Iterable[str]) -> Sequence[str]:
        """Return the listed blocks that contain any of the addresses.

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
        # If an IPv6 address contains an IPv4 address, the connection reaches the IPv4 address.
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
    """Resolve a host with the system's resolver, best address first. Accepts every notation of a literal. Blocking."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(info[4][0]) for info in infos))


class GuardBackend(httpcore.AsyncNetworkBackend):
    """Resolves a host, refuses it unless all its addresses are allowed, and connects to a checked address."""

    def __init__(
        self,
        rule: AddressRule,
        *,
        resolve: Resolve = system_resolve,
        threads: ThreadPoolExecutor | None = None,
        listed: AddressRule | None = None,
    ) -> None:
        self._rule = rule
        #: All blocks in ``fetch.allow_private``; ``rule`` allows some of them.
        self._listed = listed or rule
        self._resolve = resolve
        self._backend = httpcore.AnyIOBackend()
        self._threads = threads or ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="resolve")

    def narrowed(self, blocks: Sequence[str]) -> GuardBackend:
        """Return a guard that allows only these private blocks."""
        return GuardBackend(AddressRule(blocks), resolve=self._resolve, threads=self._threads, listed=self._rule)

    async def blocks_of(self, host: str, port: int, seconds: float | None) -> Sequence[str]:
        """Return the allowed private blocks that contain the host's addresses; empty if it has no address."""
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
        """Raise AddressRefused."""
        raise AddressRefused("nothing is fetched from socket files")

    async def sleep(self, seconds: float) -> None:
        """Sleep between two attempts of httpcore."""
        await asyncio.sleep(seconds)

    def close(self) -> None:
        """Stop the threads that resolve names."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def check_literal(self, host: str) -> None:
        """Refuse private names and literals, without resolving names, which a proxy does. Raises AddressRefused."""
        name = host.rstrip(".").lower()
        if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
            raise AddressRefused(f"{host} is a name of the local network: not fetched through the proxy")
        try:
            # AI_NUMERICHOST parses every notation of a literal (decimal, hexadecimal, short) and never sends a query.
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
            raise Unreachable(f"{host}: no such host; check the spelling; the feed may no longer exist") from error
        if not addresses:
            raise Unreachable(f"{host}: the name has no address; check the spelling; the feed may no longer exist")
        return addresses


#: Requests to a host often follow within seconds, but polls of a feed only after minutes.
_KEEP_ALIVE_SECONDS = 10.0
#: Maximum idle connections.
_MOST_IDLE = 64
_Connection = httpcore.AsyncConnectionInterface


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport with a pool that connects through the guard, because httpx has no option for that."""

    def __init__(self, guard: GuardBackend, *, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._pool = _Pool(ssl_context=tls, keepalive_expiry=_KEEP_ALIVE_SECONDS, network_backend=guard)


class _Pool(httpcore.AsyncConnectionPool):
    """Keeps idle connections for the next request to their origin; ``slots.py`` limits the requests.

    httpcore's own pool examines all its connections twice per request: 64 of them triple the work of a request.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        #: (origin, idle connection), the last used at the end.
        self._idle: list[tuple[str, _Connection]] = []

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request over an idle connection or a new one. Raises httpcore's exceptions."""
        origin = str(request.url.origin)
        connection = await self._take(origin) or self.create_connection(request.url.origin)
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            await connection.aclose()
            raise
        response.stream = _Stream(response.stream, partial(self._keep, origin, connection))
        return response

    async def _take(self, origin: str) -> _Connection | None:
        while kept := next((kept for kept in reversed(self._idle) if kept[0] == origin), None):
            self._idle.remove(kept)
            if not kept[1].has_expired():
                return kept[1]
            await kept[1].aclose()
        return None

    async def _keep(self, origin: str, connection: _Connection) -> None:
        if connection.is_idle():
            self._idle.append((origin, connection))
        else:
            await connection.aclose()
        while self._idle and (len(self._idle) > _MOST_IDLE or self._idle[0][1].has_expired()):
            await self._idle.pop(0)[1].aclose()

    async def aclose(self) -> None:
        """Close the idle connections."""
        while self._idle:
            await self._idle.pop()[1].aclose()


class _Stream(httpx.AsyncByteStream):
    """The body of a response. Closing it releases the connection."""

    def __init__(self, body: Any, release: Callable[[], Awaitable[None]]) -> None:
        self._body = body
        self._release = release

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._body)

    async def aclose(self) -> None:
        await self._body.aclose()
        await self._release()


#: Limits of httpcore's own pool, which connects to proxies; ``slots.py`` limits the requests.
_PROXY_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=16, keepalive_expiry=_KEEP_ALIVE_SECONDS)


class Transports:
    """The transports of a client. Each is made at its first request."""

    def __init__(self, guard: GuardBackend, *, tls: ssl.SSLContext, use_proxy: bool) -> None:
        self._guard = guard
        self._tls = tls
        self._proxies = urllib.request.getproxies() if use_proxy else {}
        #: (allowed private blocks, proxy, TLS context) -> transport. So no request reuses a connection that it may not
        #: make, and no other feed reuses a connection with a client certificate.
        self._made: dict[tuple[Sequence[str], str | None, ssl.SSLContext], httpx.AsyncBaseTransport] = {}

    def of(
        self, url: httpx.URL, *, blocks: Sequence[str], proxy: str | None, tls: ssl.SSLContext | None
    ) -> httpx.AsyncBaseTransport:
        """Return the transport for a request; ``proxy`` and ``tls`` are the feed's own, or None.

        Raises AddressRefused if the request would send a private literal to a proxy.
        """
        key = (blocks, proxy or self._of_environment(url), tls or self._tls)
        _, proxy, tls = key
        if proxy is not None:
            # The proxy resolves names, so it must guard its own network. A literal can be checked here.
            self._guard.narrowed(blocks).check_literal(url.host)
        if key not in self._made:
            self._made[key] = (
                GuardedTransport(self._guard.narrowed(blocks), tls=tls)
                if proxy is None
                else httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=_PROXY_LIMITS, proxy=proxy)
            )
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
