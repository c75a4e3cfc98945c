"""Look up a channel's id by its name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot import ports
from bot.channels.kit.context import KeyValues

#: The maximum of conversations.list.
_PAGE = 1_000
_ID = re.compile(r"[CG][A-Z0-9]{7,}\Z")

Ask = Callable[[str, Mapping[str, str | int]], Awaitable[Mapping[str, Any]]]


class Conversations:
    """The id of the configured channel, looked up once and stored: posting takes a name, other methods an id."""

    def __init__(self, to: str, *, key_values: KeyValues, key: str, ask: Ask) -> None:
        self._name = to.removeprefix("#")
        self._configured_id = to if _ID.match(to) else None
        self._key_values = key_values
        self._key = f"{key}:{self._name}"
        self._ask = ask
        self._id: str | None = None
        #: Where to continue a listing that hit a rate limit: a large workspace has more pages than a minute allows.
        self._cursor = ""
        self._types = "public_channel,private_channel"
        #: One listing at a time: two would share the cursor.
        self._finding = asyncio.Lock()

    async def id(self) -> str:
        """Return the id. Raises Parked if no channel has the name, or the error of the call."""
        if self._configured_id:
            return self._configured_id
        async with self._finding:
            if self._id is None:
                self._id = await self._key_values.get(self._key) or await self._find()
            return self._id

    async def forget(self) -> None:
        """Forget the id: the channel may have been deleted or archived, or the workspace changed."""
        if self._id is not None:
            self._id, self._cursor = None, ""
            await self._key_values.put(self._key, "")

    async def _find(self) -> str:
        while True:
            page = await self._page()
            for channel in page.get("channels") or ():
                if channel.get("name") == self._name or channel.get("name_normalized") == self._name:
                    self._cursor = ""
                    await self._key_values.put(self._key, channel["id"])
                    return str(channel["id"])
            self._cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not self._cursor:
                raise self._not_found()

    async def _page(self) -> Mapping[str, Any]:
        params: dict[str, str | int] = {"types": self._types, "exclude_archived": "true", "limit": _PAGE}
        if self._cursor:
            params["cursor"] = self._cursor
        try:
            return await self._ask("conversations.list", params)
        except ports.Parked as error:
            if "missing_scope groups:read" not in str(error) or "private" not in self._types:
                raise
            # Without the scope groups:read only public channels can be listed.
            self._types, self._cursor = "public_channel", ""
            return await self._page()

    def _not_found(self) -> ports.Parked:
        private = "" if "private" in self._types else " (it needs the scope groups:read to see private channels)"
        return ports.Parked(
            f"the app sees no channel #{self._name}{private}; check `to:` in bot.yaml, "
            "and type /invite and the app's name in a private channel"
        )
