"""The desk's tray: matched articles that wait, and who sat at the desk last."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from bot import model
from bot.storage import codec
from bot.storage.columns import chunks
from bot.storage.key_values import Notes
from bot.storage.schema import tray

#: The note that names the desk's last holder.
_HOLDER = "desk"
_ARRIVAL, _REVISION = "arrival", "revision"

_ADD = insert(tray)
_OLDEST = select(tray).order_by(tray.c.n).limit(bindparam("at_most"))
_COUNT = select(func.count()).select_from(tray)
_REMOVE = delete(tray).where(tray.c.n.in_(bindparam("taken", expanding=True)))


class Tray:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, arrivals: Sequence[model.Arrival], revisions: Sequence[model.Revision]) -> None:
        rows = [{"kind": _ARRIVAL, "body": codec.ARRIVAL.dump(arrival)} for arrival in arrivals]
        rows += [{"kind": _REVISION, "body": codec.REVISION.dump(revision)} for revision in revisions]
        if rows:
            self._connection.execute(_ADD, rows)

    def take(self, *, limit: int) -> tuple[Sequence[model.Arrival], Sequence[model.Revision]]:
        rows = self._connection.execute(_OLDEST, {"at_most": limit}).all()
        for part in chunks([row.n for row in rows]):
            self._connection.execute(_REMOVE, {"taken": part})
        arrivals = [codec.ARRIVAL.load(row.body) for row in rows if row.kind == _ARRIVAL]
        revisions = [codec.REVISION.load(row.body) for row in rows if row.kind == _REVISION]
        return arrivals, revisions

    def count(self) -> int:
        return self._connection.execute(_COUNT).scalar_one()

    def sit_down(self, who: str) -> bool:
        # Written each time, also when nothing changes: on PostgreSQL two who write one row cannot both commit.
        notes = Notes(self._connection)
        last = notes.get(_HOLDER)
        notes.put(_HOLDER, who)
        return last == who
