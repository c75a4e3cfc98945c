"""After the clock was set back, move the times for which rows wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, and_, or_, select, type_coerce, update

from bot.model.alerts import Alert, AlertState
from bot.storage.schema import alerts, feeds, host_limits, outbox
from bot.storage.store import Transaction

_TIMES = (
    feeds.c.due_at,
    feeds.c.retry_after,
    feeds.c.lease_until,
    host_limits.c.until,
    outbox.c.due_at,
    outbox.c.lease_until,
)


def shift_waiting_times(tx: Transaction, *, by: timedelta, now: datetime) -> None:
    """Move due times and leases back by ``by``, the time by which the clock was set back. The clock shows ``now``."""
    for column in _TIMES:
        earlier = type_coerce(column, BigInteger) - by // timedelta(microseconds=1)
        tx.connection.execute(update(column.table).where(column > now).values({column: earlier}))
    is_held = and_(alerts.c.state == AlertState.HELD, alerts.c.held_until > now)
    ahead = select(alerts.c.alert).where(or_(is_held, alerts.c.posted_at > now))
    for alert in tx.connection.execute(ahead).scalars().all():
        tx.stories.save_alert(_brought_back(alert, now))


def _brought_back(alert: Alert, now: datetime) -> Alert:
    """Return the alert with corrected times. The time of a reminder does not change.

    A held alert becomes due at once and is decided again: most are held until a time of day, which must not be moved.
    ``posted_at`` is ``now`` at the latest, because rate caps count from it.
    """
    held, posted = alert.held_until, alert.posted_at
    if held is not None and alert.state is AlertState.HELD:
        held = min(held, now)
    return replace(alert, held_until=held, posted_at=None if posted is None else min(posted, now))
