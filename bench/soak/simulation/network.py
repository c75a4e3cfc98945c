"""Replace the network below the real HTTP client: each host answers after its own latency, in fake time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from random import Random

import httpx

from bench.soak.simulation import texts
from bench.soak.simulation.origin import Origin, Reply
from bench.soak.simulation.witness import Witness
from bench.soak.simulation.world import Trouble, World
from bot.durations import Clock
from bot.fetch.client import HttpFetcher
from bot.model.settings import FetchPolicy

#: Longer than any client waits.
_FOR_EVER = 3_600
_SPREAD = 0.4


class Network(httpx.AsyncBaseTransport):
    def __init__(self, world: World, witness: Witness) -> None:
        self._world = world
        self._witness = witness
        self._origin = Origin(world)
        self._rng = Random(2)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        parts = request.url.path.split("/")
        feed, is_moved = self._world.feeds[int(parts[2])], parts[-1] == "moved"
        loop = asyncio.get_running_loop()
        self._witness.asked(feed, loop.time())
        try:
            await asyncio.sleep(feed.host.latency * self._rng.lognormvariate(0, _SPREAD))
            reply = self._origin.answer(
                feed,
                loop.time(),
                is_moved=is_moved,
                etag=request.headers.get("if-none-match"),
                last_modified=request.headers.get("if-modified-since"),
            )
            if reply.trouble is Trouble.HANGS:
                await asyncio.sleep(_FOR_EVER)
        except asyncio.CancelledError:
            self._witness.broke_off(feed, loop.time())
            raise
        self._witness.answered(reply, loop.time())
        if reply.trouble is Trouble.REFUSES:
            raise httpx.ConnectError("Connection refused")
        return self._response(reply, loop.time())

    def _response(self, reply: Reply, moment: float) -> httpx.Response:
        body = b"" if reply.count is None else texts.document(self._world, reply.feed, moment)
        return httpx.Response(reply.status, headers=list(reply.headers), stream=httpx.ByteStream(body))


class _Everywhere:
    """Stands where the client chooses between a connection and a proxy."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def of(self, url: httpx.URL, *, blocks: Sequence[str], proxy: str | None, tls: ssl.SSLContext | None) -> Network:
        return self._network

    async def close(self) -> None:
        pass


def client(network: Network, policy: FetchPolicy, clock: Clock) -> HttpFetcher:
    """The real client with its limits, headers and redirects, over the simulated network."""
    fetcher = HttpFetcher(policy, clock)
    fetcher._transports = _Everywhere(network)  # type: ignore[assignment]  # only sockets
    return fetcher
