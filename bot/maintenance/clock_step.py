"""Handle a clock that was set back."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from bot import model, storage
from bot.alerts import notices

log = structlog.get_logger("wirewatch")


async def apply(store: storage.SqlStore, *, by: timedelta, now: datetime, operator: str | None) -> None:
    """Move all waiting times by as much as the clock was set back. Raises StoreUnavailable."""
    await storage.shift_waiting_times(store, by=by, now=now)
    shown = model.show_duration(timedelta(minutes=round(by / timedelta(minutes=1))))
    log.warning("clock set back; waiting work was moved with it", by=shown)
    if operator:
        row = notices.row(notices.clock_set_back(shown, now=now), channel=operator, now=now)
        await store.write(lambda tx: tx.outbox.add([row]))
