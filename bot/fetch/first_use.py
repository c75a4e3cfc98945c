"""Make the HTTP client on first use, so that a pass without due feeds does not import it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from bot.model.fetching import Request, Response

if TYPE_CHECKING:
    from bot.fetch.client import HttpFetcher


class FetcherAtFirstUse:
    """Implements Fetcher and PushClient with the client that ``make`` returns."""

    def __init__(self, make: Callable[[], HttpFetcher]) -> None:
        self._make = make

    @functools.cached_property
    def _fetcher(self) -> HttpFetcher:
        return self._make()

    def get(self, request: Request) -> Coroutine[Any, Any, Response]:
        """Call the client's ``get``."""
        return self._fetcher.get(request)

    def wait(self, request: Request) -> Coroutine[Any, Any, bool]:
        """Call the client's ``wait``."""
        return self._fetcher.wait(request)

    async def close(self) -> None:
        """Close the client's connections if the client was made."""
        if "_fetcher" in vars(self):
            await self._fetcher.close()
