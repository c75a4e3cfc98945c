"""Correct the times that rows wait for after the clock was set back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, and_, bindparam, or_, select, type_coerce, update

from bot import model
from bot.storage.columns import Timestamp
from bot.storage.schema import alerts, feeds, host_limits, outbox
from bot.storage.stories import Stories

_NOW = bindparam("now", type_=Timestamp)
_BY = bindparam("by", type_=BigInteger)
_MICROSECOND = timedelta(microseconds=1)


def _earlier(column: Column[datetime]) -> ColumnElement[int]:
    return type_coerce(column, BigInteger) - _BY


_MOVE = tuple(
    update(column.table).where(column > _NOW).values({column: _earlier(column)})
    for column in (
        feeds.c.due_at,
        feeds.c.retry_after,
        feeds.c.lease_until,
        host_limits.c.until,
        outbox.c.due_at,
        outbox.c.lease_until,
    )
)
_HELD = and_(alerts.c.state == model.AlertState.HELD, alerts.c.held_until > _NOW)
_AHEAD = select(alerts.c.alert).where(or_(_HELD, alerts.c.posted_at > _NOW))


def shift_waiting_times(connection: Connection, stories: Stories, *, by: timedelta, now: datetime) -> None:
    """Move what waits: the clock shows ``now`` and was set back ``by``."""
    values = {"now": now, "by": by // _MICROSECOND}
    for statement in _MOVE:
        connection.execute(statement, values)
    for alert in connection.execute(_AHEAD, {"now": now}).scalars().all():
        stories.save_alert(_brought_back(alert, now))


def _brought_back(alert: model.Alert, now: datetime) -> model.Alert:
    """Decide held alerts again now, since most are held until a time of day, which did not move.

    A reminder keeps its date. A cooldown and a rate cap count from when it was posted."""
    held, posted = alert.held_until, alert.posted_at
    if held is not None and alert.state is model.AlertState.HELD:
        held = min(held, now)
    return replace(alert, held_until=held, posted_at=None if posted is None else min(posted, now))
