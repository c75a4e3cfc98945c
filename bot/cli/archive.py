"""Open the archive for a command and ask it queries. The bot may be running."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from bot import app, config, storage
from bot.aio import Failure
from bot.cli.options import author
from bot.durations import Clock
from bot.queries.registry import Archive, P, Query, QueryRunner, V, read_parameters

T = TypeVar("T")


class Beside:
    """The configuration and the store, opened while the bot may run in another process; implements ``Watched``."""

    def __init__(self, settings: config.Settings, clock: Clock, store: storage.Store) -> None:
        self.settings = settings
        self.clock = clock
        self.store = store
        self.loaded_at = clock.now()
        self.failures: Sequence[Failure] = ()


@asynccontextmanager
async def opened(settings: config.Settings, *, may_write: bool = False) -> AsyncIterator[QueryRunner]:
    """Open the archive without the lock that a running bot holds. Raises StoreUnavailable if there is no archive."""
    environment = app.Environment(environ=os.environ)
    address, clock = app.database_of(settings, environment), environment.clock
    if may_write:
        store = storage.open_beside(address, clock=clock)
    else:
        store = storage.open_store(address, clock=clock, read_only=True)
    try:
        yield QueryRunner(Beside(settings, clock, store))
    finally:
        await store.close()


def look(settings: config.Settings, work: Callable[[Archive], T]) -> T:
    """Return the result of ``work`` in one read transaction. Raises StoreUnavailable as ``opened`` does."""

    async def read() -> T:
        async with opened(settings) as queries:
            return await queries.read(work)

    return asyncio.run(read())


def ask(folder: Path, query: Query[P, V], values: Mapping[str, object]) -> V:
    """Return the value of a query. An action writes even while a running bot holds the lock.

    Raises Refused, ConfigError, and StoreUnavailable as ``opened`` does.
    """
    parameters = read_parameters(query.parameters, values)
    settings = app.load(folder, os.environ)

    async def answer() -> V:
        async with opened(settings, may_write=query.is_action) as queries:
            return await queries.run(query, parameters, by=author())

    return asyncio.run(answer())
