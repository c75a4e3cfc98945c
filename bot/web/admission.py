"""How many requests are answered at once, in all and of one client; health is always among them.

Pure ASGI. A request that is one too many is answered at once: 503, and when to come again.
"""

from __future__ import annotations

from collections import Counter

from starlette.types import ASGIApp, Receive, Scope, Send

from bot.web import problems
from bot.web.connections import client_of
from bot.web.guard import OPEN_TO_ALL

#: Behind a proxy all readers are one client, so its share is not small.
MOST_ANSWERS, MOST_OF_ONE_CLIENT = 32, 16


class Admission:
    """Middleware that answers 503 where too many requests are being answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._clients: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in OPEN_TO_ALL:
            await self._app(scope, receive, send)
            return
        client = client_of(scope["client"])
        if self._clients.total() >= MOST_ANSWERS or self._clients[client] >= MOST_OF_ONE_CLIENT:
            refusal = problems.refusal(scope["path"], 503, "Too many requests at once.", {"retry-after": "1"})
            await refusal(scope, receive, send)
            return
        self._clients[client] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._clients[client] -= 1
            if not self._clients[client]:
                del self._clients[client]
