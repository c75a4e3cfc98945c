"""The HTTP library's transports: one that dials through the guard, and one a proxy of the environment.

The only file that reaches a private name of httpx (it has no argument for a network backend): hence ``httpx<0.29``.
"""

from __future__ import annotations

import ssl
import urllib.request

import httpcore
import httpx

from bot.fetch.guard import GuardBackend

#: Idle connections are kept this long: a feed is asked again in minutes, its neighbour on the host in seconds.
_KEEP_ALIVE_SECONDS = 10.0


class GuardedTransport(httpx.AsyncHTTPTransport):
    """Every connection goes through the guard; the environment is not read."""

    def __init__(self, backend: GuardBackend, *, tls: ssl.SSLContext, connections: int) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            network_backend=backend,
        )


class Transports:
    """Chooses the transport of a request."""

    def __init__(self, backend: GuardBackend, *, tls: ssl.SSLContext, connections: int, use_proxy: bool) -> None:
        self._backend = backend
        self._guarded = GuardedTransport(backend, tls=tls, connections=connections)
        self._limits = httpx.Limits(max_connections=connections, keepalive_expiry=_KEEP_ALIVE_SECONDS)
        self._tls = tls
        self._proxies = urllib.request.getproxies() if use_proxy else {}
        self._proxied: dict[str, httpx.AsyncHTTPTransport] = {}

    def of(self, url: httpx.URL) -> httpx.AsyncHTTPTransport:
        """Raises Refused where a proxy would be asked for a literal private address."""
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        if not proxy or urllib.request.proxy_bypass(url.host):
            return self._guarded
        # The proxy resolves names, so it must guard its own network; a literal needs no resolving.
        self._backend.check_literal(url.host)
        if proxy not in self._proxied:
            self._proxied[proxy] = httpx.AsyncHTTPTransport(
                verify=self._tls,
                trust_env=False,
                limits=self._limits,
                proxy=proxy if "://" in proxy else f"http://{proxy}",
            )
        return self._proxied[proxy]

    async def close(self) -> None:
        self._backend.close()
        await self._guarded.aclose()
        for transport in self._proxied.values():
            await transport.aclose()
