"""At most so many requests to one host at a time, and so many in all.

Knows host names only. Waiting here costs nobody's time bound: it begins when the slot is held.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from bot.ports import TooSoon

#: A poll waits at most so long for its turn, and is postponed where that comes later.
PATIENCE = timedelta(seconds=10)


class HostTurns:
    """When this process may next send a request to each host that has a pace."""

    def __init__(self) -> None:
        self._next: dict[str, datetime] = {}
        #: The latest time to which a poll was postponed.
        self._promised: dict[str, datetime] = {}

    def take(self, host: str, pace: timedelta, *, now: datetime) -> datetime:
        """Takes the next turn and returns its time: now, or within ``PATIENCE``.

        Raises TooSoon where it is later, with a time after those of the polls that were postponed before.
        """
        turn = max(now, self._next.get(host, now))
        if turn - now <= PATIENCE:
            self._next[host] = turn + pace
            return turn
        until = max(turn, self._promised.get(host, now) + pace)
        self._promised[host] = until
        raise TooSoon(f"{host} is asked every {pace.seconds} seconds at most", until)


class HostSlots:
    """A slot of the host is taken first, so that requests waiting for a slow host hold no slot of the whole."""

    def __init__(self, *, per_host: int, in_all: int) -> None:
        self._per_host = per_host
        self._in_all = asyncio.Semaphore(in_all)
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._users: dict[str, int] = {}

    @asynccontextmanager
    async def slot(self, host: str) -> AsyncIterator[None]:
        """Wait until a request to the host may begin, and count it until the block ends."""
        slots = self._hosts.setdefault(host, asyncio.Semaphore(self._per_host))
        self._users[host] = self._users.get(host, 0) + 1
        try:
            async with slots, self._in_all:
                yield
        finally:
            self._users[host] -= 1
            if not self._users[host]:
                # Ten thousand hosts are asked in a day; what nobody uses is forgotten.
                del self._users[host], self._hosts[host]
