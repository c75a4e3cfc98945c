"""What answers are made of: the running bot, as far as pages and programs may know it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol, TypeVar

from bot import config, ports
from bot.pipeline.snapshot import Snapshot

T = TypeVar("T")

#: Reads of pages at once; the database has more reading threads, which are left to the bot and to health.
READS_AT_ONCE = 2

_RENDERING = ThreadPoolExecutor(2, "render")


async def render(make: Callable[[], T]) -> T:
    """Return what ``make`` makes of an answer, on a thread that neither the event loop nor the bot waits for."""
    return await asyncio.get_running_loop().run_in_executor(_RENDERING, make)


class PageStore(Protocol):
    """The part of ``ports.Store`` that pages use."""

    async def read(self, work: Callable[[ports.Transaction], T]) -> T:
        """Raises StoreUnavailable."""

    async def read_long(self, work: Callable[[ports.Transaction], T]) -> T:
        """``read`` for what may take seconds. Raises StoreUnavailable."""

    @property
    def outage_reason(self) -> str:
        """Why nothing can be written now; empty: nothing has failed since the last transaction that wrote."""

    async def write(self, work: Callable[[ports.Transaction], T]) -> T:
        """Of a ruling of people only. Raises StoreUnavailable."""


class Watched(Protocol):
    """Its parts change on a reload, so each is asked for again."""

    @property
    def settings(self) -> config.Settings:
        """In force now."""

    @property
    def snapshot(self) -> Snapshot:
        """The same, as the pipeline reads it."""

    @property
    def store(self) -> PageStore:
        """The store, to read."""

    @property
    def clock(self) -> ports.Clock:
        """The bot's clock."""

    @property
    def loaded_at(self) -> datetime:
        """When the configuration was last read and taken over, with or without problems."""


class Shared:
    """A ``Watched`` whose store is read by a few pages at once; the others wait."""

    def __init__(self, bot: Watched) -> None:
        self._bot = bot
        self._turn = asyncio.Semaphore(READS_AT_ONCE)

    @property
    def settings(self) -> config.Settings:
        return self._bot.settings

    @property
    def snapshot(self) -> Snapshot:
        return self._bot.snapshot

    @property
    def store(self) -> PageStore:
        return self

    @property
    def clock(self) -> ports.Clock:
        return self._bot.clock

    @property
    def loaded_at(self) -> datetime:
        return self._bot.loaded_at

    async def read(self, work: Callable[[ports.Transaction], T]) -> T:
        """Raises StoreUnavailable."""
        async with self._turn:
            return await self._bot.store.read(work)

    async def read_long(self, work: Callable[[ports.Transaction], T]) -> T:
        """Raises StoreUnavailable."""
        return await self._bot.store.read_long(work)

    @property
    def outage_reason(self) -> str:
        return self._bot.store.outage_reason

    async def write(self, work: Callable[[ports.Transaction], T]) -> T:
        """Raises StoreUnavailable."""
        return await self._bot.store.write(work)
