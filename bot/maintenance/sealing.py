"""Seals each closed day of the ledger, and posts the seal where the database's owner cannot change it.

Over ports only; knows no rows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta

import structlog

from bot import model, ports
from bot.alerts import notices
from bot.ports.tasks import until_stored

log = structlog.get_logger("wirewatch")

#: How long after midnight a day is closed: what was under way then is written by then. What comes later still is
#: sealed with the next day.
GRACE = timedelta(minutes=10)
#: How often we look whether a day has closed: often enough that a machine that slept seals soon after it wakes.
EVERY = timedelta(hours=1)


async def seal_closed_days(store: ports.Store, clock: ports.Clock, *, post_to: str | None = None) -> int:
    """Seal what is closed and not yet sealed, oldest first, a day a transaction. Raises StoreUnavailable.

    ``post_to``: the channel that each seal is posted to, in the same transaction; None: to none.
    """
    now = clock.now()
    today = (now - GRACE).astimezone(UTC).date()

    def seal_next(tx: ports.Transaction) -> model.DaySeal | None:
        sealed = tx.ledger.seal(before=today)
        if sealed is not None and post_to is not None:
            notice = notices.ledger_sealed(sealed.day, rows=sealed.row_count, seal=sealed.seal)
            tx.outbox.add([notices.row(notice, channel=post_to, now=now)])
        return sealed

    count = 0
    while (sealed := await store.write(seal_next)) is not None:
        count += 1
        # Into the log, which may be kept on another machine than the database.
        log.info("day sealed", day=sealed.day.isoformat(), rows=sealed.row_count, seal=sealed.seal)
    return count


async def keep_sealing(store: ports.Store, clock: ports.Clock, *, post_to: Callable[[], str | None]) -> None:
    """For ever; ``post_to`` is asked each time, since a reload may change it."""
    while True:
        await until_stored(lambda: seal_closed_days(store, clock, post_to=post_to()), clock)
        await clock.sleep(EVERY)
