"""Limit the requests that run at a time, per host and in all, and the large bodies in memory.

Waiting for a slot does not count towards a request's timeout. Without the limit on bodies, 64 polls could hold 64
bodies of ``fetch.max_bytes``, each twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from bot.model.errors import HostLimited

#: Maximum time that a poll waits for its turn. If the turn is later, the poll is postponed.
TURN_PATIENCE = timedelta(seconds=10)


class HostTurns:
    """Records when this process may send the next request to each host with a pace."""

    def __init__(self) -> None:
        self._next: dict[str, datetime] = {}
        #: Host -> latest time to which a poll was postponed.
        self._promised: dict[str, datetime] = {}

    def take(self, host: str, pace: timedelta, *, now: datetime) -> datetime:
        """Reserve the host's next turn and return its time, which is within ``TURN_PATIENCE``.

        Raises HostLimited if the turn is later. The error's time is after the times of all polls postponed earlier.
        """
        turn = max(now, self._next.get(host, now))
        if turn - now <= TURN_PATIENCE:
            self._next[host] = turn + pace
            return turn
        until = max(turn, self._promised.get(host, now) + pace)
        self._promised[host] = until
        raise HostLimited(f"{host} gets at most one request every {pace.seconds} seconds", until)


class HostSlots:
    """Limits requests. A request first waits for a slot of its host, so that a slow host cannot occupy all slots."""

    def __init__(self, *, per_host: int, in_all: int) -> None:
        self._per_host = per_host
        self._in_all = asyncio.Semaphore(in_all)
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._users: dict[str, int] = {}

    @asynccontextmanager
    async def slot(self, host: str) -> AsyncIterator[None]:
        """Wait until a request to the host may begin; it occupies a slot until the ``with`` block ends."""
        slots = self._hosts.setdefault(host, asyncio.Semaphore(self._per_host))
        self._users[host] = self._users.get(host, 0) + 1
        try:
            async with slots, self._in_all:
                yield
        finally:
            self._users[host] -= 1
            if not self._users[host]:
                # Forget idle hosts, because ten thousand hosts may be polled in a day.
                del self._users[host], self._hosts[host]


#: Smaller bodies never wait. Most feeds and pages are smaller.
SMALL_BYTES: Final = 500_000
#: Maximum large bodies: one is parsed, one is stored, and the others are being downloaded.
_MOST_LARGE: Final = 4


class MemoryRoom:
    """The limit on memory for the bodies of all polls."""

    def __init__(self) -> None:
        self._large = asyncio.Semaphore(_MOST_LARGE)

    def share(self) -> Share:
        """Return the share of one poll or page."""
        return Share(self._large)


class Share:
    """One poll's part of the memory for bodies. Close it after the poll is stored."""

    def __init__(self, large: asyncio.Semaphore) -> None:
        self._large = large
        self._is_large = False

    async def hold(self, size_bytes: int) -> None:
        """Wait until a body of this size may be held in memory. The caller must not hold another share."""
        if size_bytes > SMALL_BYTES and not self._is_large:
            await self._large.acquire()
            self._is_large = True

    def close(self) -> None:
        """Release the memory. May be called more than once."""
        if self._is_large:
            self._is_large = False
            self._large.release()
