"""Seals each closed day of the ledger. Over ports only; knows no rows."""

from __future__ import annotations

from datetime import UTC, timedelta

import structlog

from bot import model, ports

log = structlog.get_logger("wirewatch")

#: How long after midnight a day is closed: what was under way then is written by then. What comes later still is
#: sealed with the next day.
GRACE = timedelta(minutes=10)
#: How often we look whether a day has closed: often enough that a machine that slept seals soon after it wakes.
EVERY = timedelta(hours=1)


async def seal_closed_days(store: ports.Store, clock: ports.Clock) -> int:
    """Seal what is closed and not yet sealed, oldest first, a day a transaction. Raises StoreUnavailable."""
    today = (clock.now() - GRACE).astimezone(UTC).date()

    def seal_next(tx: ports.Transaction) -> model.DaySeal | None:
        return tx.ledger.seal(before=today)

    count = 0
    while (sealed := await store.write(seal_next)) is not None:
        count += 1
        # Into the log, which may be kept on another machine than the database.
        log.info("day sealed", day=sealed.day.isoformat(), rows=sealed.row_count, seal=sealed.seal)
    return count


async def keep_sealing(store: ports.Store, clock: ports.Clock) -> None:
    while True:
        try:
            await seal_closed_days(store, clock)
        except ports.StoreError as error:
            log.error("day not sealed; trying again", error=str(error))
        await clock.sleep(EVERY)
