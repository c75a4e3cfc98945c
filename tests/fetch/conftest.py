"""A fetcher that may ask the local origin, and the origin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.fetch.client import HttpFetcher
from bot.fetch.parsing import ReaderProcesses
from bot.model.feeds import Feed
from bot.model.fetching import Body, Request
from bot.model.settings import FetchPolicy
from tests.feeds import documents
from tests.testbed.fakes import FakeClock
from tests.testbed.servers.feeds import FeedServer

POLICY = FetchPolicy(allow_private=("127.0.0.0/8", "*.test"), timeout=timedelta(seconds=5), max_bytes=1_000_000)
MakeFetcher = Callable[..., HttpFetcher]


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as running:
        yield running


@pytest.fixture
async def make_fetcher() -> AsyncIterator[MakeFetcher]:
    fetchers: list[HttpFetcher] = []

    def make(policy: FetchPolicy = POLICY, **more: Any) -> HttpFetcher:
        fetchers.append(HttpFetcher(policy, FakeClock(), **more))
        return fetchers[-1]

    yield make
    for fetcher in fetchers:
        await fetcher.close()


@pytest.fixture
async def readers() -> AsyncIterator[ReaderProcesses]:
    processes = ReaderProcesses(1, max_bytes=1_000_000)
    yield processes
    await processes.close()


async def read_title(readers: ReaderProcesses, title: str, *, text: str = "", url: str = documents.URL) -> str | None:
    """Parse a document of one item. Return the title of the item."""
    body = Body(content=documents.rss(documents.item(1, title=title, body=text)).encode(), content_type="", url=url)
    reading, _ = await readers.read(body, Feed(url=url))
    return reading.entries[0].title


@pytest.fixture
def fetcher(make_fetcher: MakeFetcher) -> HttpFetcher:
    return make_fetcher()


def to_localhost(host: str, port: int) -> Sequence[str]:
    """Resolve every name to this machine."""
    return ("127.0.0.1",)


def configured(*, url: str, **more: Any) -> Request:
    """Return a request for an address in the configuration."""
    return Request(url=url, **{"home": url, **more})
