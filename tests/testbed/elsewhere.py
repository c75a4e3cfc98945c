"""The real client, whose requests to hosts of the world end at a local server: by the host's name as first step."""

from __future__ import annotations

from msgspec.structs import replace

from bot.model.fetching import Fetcher, Request, Response
from tests.testbed.servers.feeds import FeedServer


class Elsewhere:
    """A ports.Fetcher that requests ``https://t.me/s/x`` as ``/t.me/s/x`` from ``server``."""

    def __init__(self, fetcher: Fetcher, server: FeedServer) -> None:
        self._fetcher = fetcher
        self._server = server

    async def get(self, request: Request) -> Response:
        url = self._server.url("/" + request.url.partition("://")[2])
        answer = await self._fetcher.get(replace(request, url=url, home=url))
        return replace(answer, url=answer.url.replace(self._server.url("/"), "https://"))

    async def close(self) -> None:
        await self._fetcher.close()
