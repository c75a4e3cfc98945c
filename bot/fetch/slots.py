"""Limit how many requests are under way, per host and in all, and how many large bodies are held at a time.

Waiting for a slot does not count towards a request's timeout. Without the limit on bodies, 64 polls held 64 bodies of
``fetch.max_bytes``, twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from bot.model import HostLimited

#: A poll waits this long for its turn at most; if the turn is later, it is postponed.
TURN_PATIENCE = timedelta(seconds=10)


class HostTurns:
    """Knows when this process may next send a request to each host that has a pace."""

    def __init__(self) -> None:
        self._next: dict[str, datetime] = {}
        #: By host, the latest time to which a poll was postponed.
        self._promised: dict[str, datetime] = {}

    def take(self, host: str, pace: timedelta, *, now: datetime) -> datetime:
        """Take the next turn and return its time: now, or within ``TURN_PATIENCE``.

        Raises HostLimited if it is later, with a time that follows all polls that are already postponed.
        """
        turn = max(now, self._next.get(host, now))
        if turn - now <= TURN_PATIENCE:
            self._next[host] = turn + pace
            return turn
        until = max(turn, self._promised.get(host, now) + pace)
        self._promised[host] = until
        raise HostLimited(f"{host} gets at most one request every {pace.seconds} seconds", until)


class HostSlots:
    """Limits requests. A slot of the host comes first, so that requests to a slow host do not take the slots of all."""

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
                # Ten thousand hosts are polled in a day; idle ones are forgotten.
                del self._users[host], self._hosts[host]


#: Smaller bodies never wait; most feeds and pages are smaller.
SMALL_BYTES: Final = 500_000
#: One is parsed, one is stored, the others are being downloaded.
_MOST_LARGE: Final = 4


class Room:
    """The memory that the bodies of all polls take."""

    def __init__(self) -> None:
        self._large = asyncio.Semaphore(_MOST_LARGE)

    def share(self) -> Share:
        """Return the share of one poll or page."""
        return Share(self._large)


class Share:
    """The memory that the bodies of one poll take; close it once the poll is stored."""

    def __init__(self, large: asyncio.Semaphore) -> None:
        self._large = large
        self._is_large = False

    async def hold(self, size_bytes: int) -> None:
        """Wait until a body of this size may be held. The caller must not hold another share."""
        if size_bytes > SMALL_BYTES and not self._is_large:
            await self._large.acquire()
            self._is_large = True

    def close(self) -> None:
        """Hold nothing any more; may be called again."""
        if self._is_large:
            self._is_large = False
            self._large.release()
