"""The hourly counts of rules that report surges, and their surges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.sqlite import insert

from bot.model.surges import Surge
from bot.storage.columns import Repository, upsert
from bot.storage.schema import surges, volume

_new = insert(volume)
_ADD = _new.on_conflict_do_update(
    index_elements=[volume.c.rule, volume.c.version, volume.c.hour],
    set_={"count": volume.c.count + _new.excluded.count},
)
_SAVE = upsert([surges.c.id], ["closed_at", "surge"])


class Volumes(Repository):
    """Hourly counts of rules, and surges."""

    def add(self, counts: Mapping[tuple[str, str, datetime], int]) -> None:
        """Add to the counts of (rule, version, hour)."""
        keys = ("rule", "version", "hour", "count")
        if rows := [dict(zip(keys, (*key, count), strict=True)) for key, count in sorted(counts.items())]:
            self._connection.execute(_ADD, rows)

    def curve(self, rule: str, version: str, *, since: datetime) -> Mapping[datetime, int]:
        """Return hour -> number of independent articles of a rule, without the hours that have no row."""
        is_wanted = (volume.c.rule == rule, volume.c.version == version, volume.c.hour >= since)
        rows = self._connection.execute(select(volume.c.hour, volume.c.count).where(*is_wanted))
        return dict(map(tuple, rows))

    def began_at(self, rule: str, version: str) -> datetime | None:
        """Return the first hour in which a rule was counted, or None if it never was."""
        statement = select(func.min(volume.c.hour)).where(volume.c.rule == rule, volume.c.version == version)
        return self._connection.execute(statement).scalar()

    def save(self, saved: Iterable[Surge]) -> None:
        """Write surges."""
        rows = [
            {
                "id": surge.id,
                "rule": surge.rule,
                "opened_at": surge.opened_at,
                "closed_at": surge.closed_at,
                "surge": surge,
            }
            for surge in saved
        ]
        if rows:
            self._connection.execute(_SAVE, rows)

    def last_closed_at(self, rule: str) -> datetime | None:
        """Return when the last surge of a rule was closed, or None if there is none."""
        return self._connection.execute(select(func.max(surges.c.closed_at)).where(surges.c.rule == rule)).scalar()

    def open_surges(self) -> Sequence[Surge]:
        """Return the surges that are not closed."""
        return self._connection.execute(select(surges.c.surge).where(surges.c.closed_at.is_(None))).scalars().all()

    def surges_around(self, when: datetime) -> Sequence[Surge]:
        """Return the surges of all rules whose coverage includes this time, oldest first."""
        is_later = or_(surges.c.closed_at.is_(None), surges.c.closed_at >= when)
        # A surge counts articles from at most two days, the longest window, before it is opened.
        is_near = surges.c.opened_at <= when + timedelta(days=3)
        statement = select(surges.c.surge).where(is_later, is_near).order_by(surges.c.opened_at, surges.c.id)
        return [surge for surge in self._connection.execute(statement).scalars() if surge.since <= when]

    def surges_since(self, since: datetime, rule: str | None = None) -> Sequence[Surge]:
        """Return the surges that were opened at ``since`` or later, oldest first."""
        statement = select(surges.c.surge).where(surges.c.opened_at >= since).order_by(surges.c.opened_at, surges.c.id)
        if rule is not None:
            statement = statement.where(surges.c.rule == rule)
        return self._connection.execute(statement).scalars().all()
