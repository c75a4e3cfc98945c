"""Delete what is older than `keep:` of bot.yaml, once a day."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

import structlog

from bot import ports
from bot.ports import keys

log = structlog.get_logger("wirewatch")

#: Deletes what ended before a time; returns how many rows of each kind were deleted.
Trim: TypeAlias = Callable[[datetime], Awaitable[Mapping[str, int]]]

EVERY = timedelta(days=1)


async def trim_when_due(store: ports.Store, clock: ports.Clock, *, keep: timedelta | None, trim: Trim) -> bool:
    """Trim, if a day has passed since the last time; ``keep`` None keeps everything. Raises StoreUnavailable."""
    if keep is None:
        return False
    now = clock.now()
    # Stored, so that a start, or `once` from cron, does not trim each time.
    last = await store.read(keys.TRIMMED.get)
    # A last time in the future means that the clock was set back.
    if last is not None and timedelta() <= now - last < EVERY:
        return False
    deleted = await trim(now - keep)
    await store.write(lambda tx: keys.TRIMMED.put(tx, now))
    log.info("old articles deleted", keep_days=keep.days, **deleted)
    return True
