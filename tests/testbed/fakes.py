"""Fakes that more than one suite uses: a clock that moves by hand, a key-value store in memory."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

#: The day of the example story.
START = datetime(2015, 12, 2, 9, 0, tzinfo=UTC)


class FakeClock:
    """A clock that moves only when it is advanced; sleeping advances it."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def set(self, when: datetime) -> None:
        self._now = when

    def advance(self, duration: timedelta) -> None:
        self._now += duration

    async def sleep(self, duration: timedelta) -> None:
        self._now += max(duration, timedelta())
        await asyncio.sleep(0)


class MemoryKeyValues:
    """Stores what a channel keeps between runs in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self.kept.get(key)

    async def put(self, key: str, value: str) -> None:
        self.kept[key] = value
