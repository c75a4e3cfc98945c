"""A fetcher that may ask the local origin, and the origin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from bot import model
from bot.fetch.client import HttpFetcher
from testbed.fakes import FakeClock
from testbed.servers.feeds import FeedServer

POLICY = model.FetchPolicy(allow_private=("127.0.0.0/8",), timeout=timedelta(seconds=5), max_bytes=1_000_000)
MakeFetcher = Callable[[model.FetchPolicy], HttpFetcher]


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as running:
        yield running


@pytest.fixture
async def make_fetcher() -> AsyncIterator[MakeFetcher]:
    made: list[HttpFetcher] = []

    def make(policy: model.FetchPolicy) -> HttpFetcher:
        made.append(HttpFetcher(policy, FakeClock()))
        return made[-1]

    yield make
    for fetcher in made:
        await fetcher.close()


@pytest.fixture
def fetcher(make_fetcher: MakeFetcher) -> HttpFetcher:
    return make_fetcher(POLICY)


def configured(*, url: str, **more: Any) -> model.Request:
    """Return a request for an address in the configuration."""
    return model.Request(url=url, **{"home": url, **more})
