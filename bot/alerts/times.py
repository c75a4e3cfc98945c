"""Quiet hours and digest times, on the wall clock of their time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot import model


def quiet_until(quiet: model.QuietHours | None, now: datetime) -> datetime | None:
    """Return the end of the quiet hours that ``now`` is in, or None if it is not in quiet hours."""
    if quiet is None or quiet.start == quiet.end:
        return None
    local = now.astimezone(quiet.zone)
    clock = local.time().replace(tzinfo=None)
    if quiet.start < quiet.end:
        if not quiet.start <= clock < quiet.end:
            return None
        day = local.date()
    else:  # over midnight
        if quiet.end <= clock < quiet.start:
            return None
        day = local.date() + timedelta(days=1) if clock >= quiet.start else local.date()
    return datetime.combine(day, quiet.end, tzinfo=quiet.zone).astimezone(UTC)


def next_digest(digest: model.Digest, now: datetime) -> datetime:
    """Return the first time strictly after ``now`` at which the digest is posted."""
    local = now.astimezone(digest.zone)
    due = datetime.combine(local.date(), digest.at, tzinfo=digest.zone)
    if due.astimezone(UTC) <= now:
        due = datetime.combine(local.date() + timedelta(days=1), digest.at, tzinfo=digest.zone)
    return due.astimezone(UTC)
