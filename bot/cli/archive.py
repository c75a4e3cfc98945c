"""The store as commands that only look at it see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot import app, config, ports, storage


@asynccontextmanager
async def opened(settings: config.Settings, environment: app.Environment) -> AsyncIterator[ports.Store]:
    """Without the owner's lock, beside a running bot. Raises StoreUnavailable where there is no database yet."""
    store = storage.open_store(app.database_of(settings, environment), clock=environment.clock, read_only=True)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def opened_beside(settings: config.Settings, environment: app.Environment) -> AsyncIterator[ports.Store]:
    """For one small write beside a running bot, without the owner's lock. Raises StoreUnavailable as ``opened``."""
    store = storage.open_beside(app.database_of(settings, environment), clock=environment.clock)
    try:
        yield store
    finally:
        await store.close()
