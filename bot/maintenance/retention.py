"""Lets go of what is older than `keep:` of bot.yaml, once a day. Over ports only; what goes is the store's business."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

import structlog

from bot import ports
from bot.ports import keys

log = structlog.get_logger("wirewatch")

#: Lets go what ended before a time; how many of what are gone.
Trim: TypeAlias = Callable[[datetime], Awaitable[Mapping[str, int]]]

EVERY = timedelta(days=1)


async def trim_when_due(store: ports.Store, clock: ports.Clock, *, keep: timedelta | None, trim: Trim) -> bool:
    """Trim, if a day has gone by since the last time; None keeps all for ever. Raises StoreUnavailable."""
    if keep is None:
        return False
    now = clock.now()
    # Kept, so that a start, or `once` from cron, does not trim each time.
    last = await store.read(keys.TRIMMED.get)
    # A last time in the future is that of a clock that was set back.
    if last is not None and timedelta() <= now - last < EVERY:
        return False
    gone = await trim(now - keep)
    await store.write(lambda tx: keys.TRIMMED.put(tx, now))
    log.info("old articles deleted", keep_days=keep.days, **gone)
    return True
