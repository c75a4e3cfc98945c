"""What is done about a clock that was set back."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from bot import model, pipeline, storage

log = structlog.get_logger("wirewatch")


async def apply(store: storage.SqlStore, *, by: timedelta, now: datetime, operator: str | None) -> None:
    """All that waits for a time would wait for as long more: it is moved with the clock. Raises StoreUnavailable."""
    await storage.shift_waiting_times(store, by=by, now=now)
    shown = model.show_duration(timedelta(minutes=round(by / timedelta(minutes=1))))
    log.warning("clock set back; what waits was moved with it", by=shown)
    if operator:
        lead = f"The clock of this machine was set back by {shown}."
        lines = ["Feeds and messages that wait were moved with it.", "Times of what came meanwhile are wrong."]
        notice = pipeline.notice(operator, lead, lines, now=now, once=f"clock {now.isoformat()}")
        await store.write(lambda tx: tx.outbox.add([notice]))
