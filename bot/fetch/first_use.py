"""The HTTP client that is made when something is fetched: a pass in which no feed is due imports none of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from bot import ports

if TYPE_CHECKING:
    from bot.fetch.client import HttpFetcher


class FetcherAtFirstUse:
    """Implements ports.Fetcher and ports.Bell by what ``make`` gives."""

    def __init__(self, make: Callable[[], HttpFetcher]) -> None:
        self._make = make

    @functools.cached_property
    def _fetcher(self) -> HttpFetcher:
        return self._make()

    def get(self, request: ports.Request) -> Coroutine[Any, Any, ports.Answer]:
        """As HttpFetcher."""
        return self._fetcher.get(request)

    def wait(self, request: ports.Request) -> Coroutine[Any, Any, bool]:
        """As HttpFetcher."""
        return self._fetcher.wait(request)

    async def close(self) -> None:
        """Close the connections, if any were made."""
        if "_fetcher" in vars(self):
            await self._fetcher.close()
