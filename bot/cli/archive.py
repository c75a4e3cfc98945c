"""The archive for a command: one look at it or one small change, also beside a running bot."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

from bot import app, config, ports, storage

T = TypeVar("T")


@asynccontextmanager
async def opened(settings: config.Settings, environment: app.Environment) -> AsyncIterator[storage.SqlStore]:
    """Without the owner's lock, beside a running bot. Raises StoreUnavailable where there is no database yet."""
    store = storage.open_store(app.database_of(settings, environment), clock=environment.clock, read_only=True)
    try:
        yield store
    finally:
        await store.close()


def look(settings: config.Settings, work: Callable[[ports.Transaction, datetime], T]) -> T:
    """What ``work`` finds in the archive at the time now, in one transaction. Raises StoreUnavailable as ``opened``."""

    async def run() -> T:
        environment = app.Environment(environ=os.environ)
        async with opened(settings, environment) as store:
            return await store.read(lambda tx: work(tx, environment.clock.now()))

    return asyncio.run(run())


def change(settings: config.Settings, work: Callable[[ports.Transaction, datetime], T]) -> T:
    """One small write at the time now, without the owner's lock. Raises StoreUnavailable as ``opened``."""

    async def run() -> T:
        environment = app.Environment(environ=os.environ)
        store = storage.open_beside(app.database_of(settings, environment), clock=environment.clock)
        try:
            return await store.write(lambda tx: work(tx, environment.clock.now()))
        finally:
            await store.close()

    return asyncio.run(run())
