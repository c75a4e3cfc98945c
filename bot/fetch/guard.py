"""Guard every connection: check the network address directly before connecting to it.

The transport resolves every name with the guard and connects to the checked addresses. This also covers redirects, and
DNS answers that change between check and use (rebinding). TLS still checks the URL's host name.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

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
    # Local NAT64 (RFC 8215) and protocol assignments; older Pythons call parts of them global.
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("192.0.0.0/24"),
    # Documentation (RFC 9637), which older Pythons call global.
    ipaddress.ip_network("3fff::/20"),
)
#: All global unicast addresses (RFC 4291 section 2.4); others are for local use or unassigned.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
#: Interface identifier of ISATAP (RFC 5214 section 6.1), and its bit for globally unique addresses.
_ISATAP, _UNIQUE_BIT = 0x00005EFE, 0x02000000
#: Own threads for the blocking resolver, so that names that time out do not delay all other names. (The event loop's
#: pool has only 6 threads on 2 cores.)
_RESOLVER_THREADS = 32
#: How long the addresses of a name are remembered, and of how many names. A lookup costs as much as a tenth of a poll,
#: and two are made for a feed whose host is listed. Remembered addresses are checked like new ones.
_REMEMBERED_SECONDS, _REMEMBERED_NAMES = 10.0, 10_000
#: Verdicts that a rule remembers, because each request asks up to four times about the same address.
_REMEMBERED_VERDICTS = 4_096


class AddressRule:
    """Allows public addresses and the listed private blocks."""

    def __init__(self, allow_private: Iterable[str] = ()) -> None:
        self._allowed = tuple(ipaddress.ip_network(block, strict=False) for block in allow_private)
        remember = functools.lru_cache(_REMEMBERED_VERDICTS)
        self._verdict = remember(functools.partial(_allows, self._allowed))
        self._blocks = remember(functools.partial(_blocks_around, self._allowed))

    def blocks_of(self, addresses: Sequence[str]) -> Sequence[str]:
        """Return the listed blocks that contain the addresses, or none unless each address is in a block.

        >>> rule = AddressRule(["127.0.0.0/8", "10.0.0.0/8"])
        >>> rule.blocks_of(["127.0.0.1"]), rule.blocks_of(["127.0.0.1", "192.0.2.1"])
        (('127.0.0.0/8',), ())
        """
        return self._blocks(tuple(addresses))

    def allows(self, address: str) -> bool:
        """Return whether this address, in any notation of the ipaddress module, may be connected to.

        >>> AddressRule().allows("::ffff:127.0.0.1"), AddressRule(["127.0.0.0/8"]).allows("127.0.0.1")
        (False, True)
        """
        return self._verdict(address)


def _allows(allowed: Sequence[Block], address: str) -> bool:
    outer = ipaddress.ip_address(address.partition("%")[0])
    # If an IPv6 address contains an IPv4 address, the connection reaches the IPv4 address.
    inner = _embedded(outer) or outer
    if _is_in(outer, allowed) or _is_in(inner, allowed):
        return True
    if isinstance(inner, ipaddress.IPv6Address) and inner not in _GLOBAL_UNICAST:
        return False
    return inner.is_global and not (inner.is_multicast or inner.is_reserved or _is_in(inner, _REFUSED))


def _blocks_around(allowed: Sequence[Block], addresses: Sequence[str]) -> Sequence[str]:
    blocks: list[str] = []
    for address in addresses:
        outer = ipaddress.ip_address(address.partition("%")[0])
        reached = [outer, _embedded(outer) or outer]
        containing = [str(block) for block in allowed if any(_is_in(ip, [block]) for ip in reached)]
        if not containing:
            return ()
        blocks += containing
    return tuple(dict.fromkeys(blocks))


@functools.lru_cache(_REMEMBERED_VERDICTS)
def _literal(host: str) -> str | None:
    """Return the canonical form of an address, or None for a name."""
    if ":" not in host and not host[-1:].isdigit():
        return None
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


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


class NameService:
    """Asks the name service for addresses, once for all who wait for a name, and remembers them for a short time."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        #: (host, port) -> the lookup that runs.
        self._lookups: dict[tuple[str, int], asyncio.Future[Sequence[str]]] = {}
        #: (host, port) -> the loop's time at the lookup, and the addresses.
        self._remembered: dict[tuple[str, int], tuple[float, Sequence[str]]] = {}
        self._threads = ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="resolve")

    async def addresses(self, host: str, port: int, seconds: float | None) -> Sequence[str]:
        """Return the addresses of a host. They are not checked. Raises Unreachable."""
        loop = asyncio.get_running_loop()
        at, addresses = self._remembered.get((host, port), (0.0, ()))
        if addresses and loop.time() - at < _REMEMBERED_SECONDS:
            return addresses
        try:
            async with asyncio.timeout(seconds):
                # Shield the lookup, because others may wait for it too.
                addresses = await asyncio.shield(self._lookups.get((host, port)) or self._look_up(host, port))
        except TimeoutError as error:
            raise Unreachable(f"{host}: the name service gave no answer; check this machine's DNS") from error
        except (socket.gaierror, UnicodeError) as error:
            raise Unreachable(
                f"{host}: no such host; check the spelling and the network; the feed may be gone"
            ) from error
        if not addresses:
            raise Unreachable(f"{host}: the name has no address; check the spelling; the feed may be gone")
        return addresses

    def _look_up(self, host: str, port: int) -> asyncio.Future[Sequence[str]]:
        loop = asyncio.get_running_loop()

        def remember(lookup: asyncio.Future[Sequence[str]]) -> None:
            del self._lookups[host, port]
            if lookup.cancelled() or lookup.exception() is not None:
                return
            if len(self._remembered) >= _REMEMBERED_NAMES:
                self._remembered.clear()
            self._remembered[host, port] = (loop.time(), lookup.result())

        lookup = self._lookups[host, port] = loop.run_in_executor(self._threads, self._resolve, host, port)
        lookup.add_done_callback(remember)
        return lookup

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Guard:
    """Resolves hosts, and refuses a host unless all its addresses are allowed."""

    def __init__(
        self, names: NameService, allow_private: Sequence[str] = (), *, listed: AddressRule | None = None
    ) -> None:
        """``allow_private`` has blocks of addresses, and hosts in them: ``wiki.example``, ``*.intra.example``."""
        blocks = [entry for entry in allow_private if ":" in entry or entry.replace(".", "").replace("/", "").isdigit()]
        self._listed_names = frozenset(allow_private) - frozenset(blocks)
        self._suffixes = tuple(name[1:] for name in self._listed_names if name.startswith("*."))
        self._rule = rule = AddressRule(blocks)
        #: All blocks in ``fetch.allow_private``; ``rule`` allows some of them.
        self._listed = listed or rule
        self._names = names

    def narrowed(self, blocks: Sequence[str]) -> Guard:
        """Return a guard that allows only these private blocks."""
        return Guard(self._names, blocks, listed=self._rule)

    async def blocks_of(self, host: str, port: int, seconds: float | None) -> Sequence[str]:
        """Return the allowed private blocks that a feed at this host may use.

        The host is a literal in a block, or ``fetch.allow_private`` names it and all its addresses are in blocks. A
        name that is not listed opens nothing, because its owner chooses its addresses.
        """
        if literal := _literal(host):
            return self._rule.blocks_of((literal,))
        name = host.rstrip(".").lower()
        if name not in self._listed_names and not any(name.endswith(suffix) for suffix in self._suffixes):
            return ()
        try:
            return self._rule.blocks_of(await self.addresses(host, port, seconds))
        except (AddressRefused, Unreachable):
            return ()

    def close(self) -> None:
        """Stop the threads that resolve names."""
        self._names.close()

    def check_literal(self, host: str, *, is_proxied: bool) -> None:
        """Refuse private literals and, if the proxy resolves names, names of the local network. Raises AddressRefused.

        This does not resolve names.
        """
        name = host.rstrip(".").lower()
        if is_proxied and (name == "localhost" or name.endswith((".localhost", ".local", ".internal"))):
            raise AddressRefused(f"{host} is a name of the local network: not fetched through the proxy")
        # An IPv4 literal in any notation ends in a number (as the URL standard says); an IPv6 literal has colons.
        if ":" not in name and not name.rpartition(".")[2][:1].isdigit():
            return
        try:
            # AI_NUMERICHOST parses every notation of a literal (decimal, hexadecimal, short) and never sends a query.
            infos = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
        except (socket.gaierror, UnicodeError):
            return
        self.check(host, [str(info[4][0]) for info in infos])

    def check(self, host: str, addresses: Sequence[str]) -> None:
        """Refuse a host unless all of its addresses are allowed. Raises AddressRefused."""
        refused = [address for address in dict.fromkeys(addresses) if not self._rule.allows(address)]
        if refused:
            leads = " is" if refused == [host] else f" leads to {', '.join(refused)},"
            if all(map(self._listed.allows, refused)):
                raise AddressRefused(
                    f"{host}{leads} a private or reserved address: not fetched;"
                    " fetch.allow_private opens it only for feeds whose own address in feeds.yaml is a number in the"
                    " same block, or whose host is listed there too"
                )
            raise AddressRefused(
                f"{host}{leads} a private or reserved address: not fetched;"
                " list its block and its host under fetch.allow_private in bot.yaml if it is yours"
            )

    async def addresses(self, host: str, port: int, seconds: float | None = None) -> Sequence[str]:
        """Return the addresses of a host, if all are allowed. Raises AddressRefused, Unreachable."""
        literal = _literal(host)
        addresses = (literal,) if literal else await self._names.addresses(host, port, seconds)
        self.check(host, addresses)
        return addresses
