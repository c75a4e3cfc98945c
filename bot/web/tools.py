"""The tools for assistants over HTTP: counted like other requests, then answered by the protocol's own server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from starlette.types import Receive, Scope, Send

from bot.web import callers, problems
from bot.web.callers import Rates

#: A tool may try a rule, or search.
_COST = 5


class Handler(Protocol):
    """Answers one request."""

    async def handle_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""


class ToolsOverHttp:
    """An ASGI application; answers while ``open``."""

    def __init__(self, running: Callable[[], AbstractAsyncContextManager[Handler]], rates: Rates) -> None:
        self._running = running
        self._rates = rates
        self._handler: Handler | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Once."""
        async with self._running() as self._handler:
            yield
        self._handler = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The protocol's server would answer GET with a stream that never ends.
        is_post = scope["method"] == "POST"
        not_post = f"Method not allowed: {scope['method']}"
        refusal = None if is_post else problems.problem(405, not_post, headers={"allow": "POST"})
        refusal = refusal or callers.refusal(scope, self._rates, _COST)
        if refusal is None and self._handler is None:
            refusal = problems.problem(503, "The page is being closed.")
        if refusal is not None:
            await problems.read(receive, problems.MOST_BODY_BYTES)
            await refusal(scope, receive, send)
            return
        assert self._handler is not None
        await self._handler.handle_request(scope, receive, send)
