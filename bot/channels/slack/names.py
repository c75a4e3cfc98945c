"""From a person's id to the name by which people of any service see them; the scope users:read allows the question."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot import ports
from bot.channels.kit import people

SCOPE = "users:read"
_KEPT = 1_000


class Names:
    """Those of one workspace, each asked for once."""

    def __init__(self, ask: Callable[[str, Mapping[str, str | int]], Awaitable[Mapping[str, Any]]]) -> None:
        self._ask = ask
        self._known: dict[str, str] = {}

    async def of(self, person: str) -> str:
        """The name; "somebody on Slack" where it is not to be had."""
        if person in self._known:
            return self._known[person]
        with contextlib.suppress(ports.SendError):
            match await self._ask("users.info", {"user": person}):
                case {"user": {"name": str(name), "profile": {**profile}}}:
                    told = profile.get("display_name") or profile.get("real_name") or name
                    if len(self._known) >= _KEPT:
                        self._known.clear()
                    self._known[person] = people.shown(told, service="Slack")
        return self._known.get(person) or people.shown(None, service="Slack")
