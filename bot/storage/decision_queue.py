"""The queue of matched articles that wait to be decided, and who decided last."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from bot import model, ports
from bot.storage import codec
from bot.storage.columns import chunks
from bot.storage.key_values import KeyValues
from bot.storage.schema import decision_queue

#: The note that names the desk's last holder.
_HOLDER = "desk"
_CODECS: dict[str, codec.Codec[model.Arrival] | codec.Codec[model.Revision] | codec.Codec[model.Pending]] = {
    "arrival": codec.ARRIVAL,
    "revision": codec.REVISION,
    "pending": codec.PENDING,
}

_ADD = insert(decision_queue)
_OLDEST = select(decision_queue).order_by(decision_queue.c.n).limit(bindparam("at_most"))
_COUNT = select(func.count()).select_from(decision_queue)
_REMOVE = delete(decision_queue).where(decision_queue.c.n.in_(bindparam("taken", expanding=True)))


class DecisionQueue:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        arrivals: Sequence[model.Arrival],
        revisions: Sequence[model.Revision],
        pending: Sequence[model.Pending] = (),
    ) -> None:
        rows = [{"kind": "arrival", "body": codec.ARRIVAL.dump(arrival)} for arrival in arrivals]
        rows += [{"kind": "revision", "body": codec.REVISION.dump(revision)} for revision in revisions]
        rows += [{"kind": "pending", "body": codec.PENDING.dump(each)} for each in pending]
        if rows:
            self._connection.execute(_ADD, rows)

    def peek(self, *, limit: int) -> ports.Waiting:
        rows = self._connection.execute(_OLDEST, {"at_most": limit}).all()
        bodies = [_CODECS[row.kind].load(row.body) for row in rows]
        return ports.Waiting(
            numbers=tuple(row.n for row in rows),
            keys=tuple(body.key if isinstance(body, model.Pending) else body.article.id for body in bodies),
            arrivals=tuple(body for body in bodies if isinstance(body, model.Arrival)),
            revisions=tuple(body for body in bodies if isinstance(body, model.Revision)),
            pending=tuple(body for body in bodies if isinstance(body, model.Pending)),
        )

    def remove(self, numbers: Sequence[int]) -> None:
        for part in chunks(numbers):
            self._connection.execute(_REMOVE, {"taken": part})

    def count(self) -> int:
        return self._connection.execute(_COUNT).scalar_one()

    def holder(self) -> ports.Holder:
        # The count is first; versions before it wrote the name alone.
        change, counted, who = (KeyValues(self._connection).get(_HOLDER) or "").partition(" ")
        return ports.Holder(who=who, change=int(change)) if counted else ports.Holder(who=change, change=0)

    def take_over(self, who: str, *, seen: ports.Holder) -> ports.Holder | None:
        now = self.holder()
        # Written also when nothing changes: on PostgreSQL two who write one row cannot both commit.
        after = ports.Holder(who=who, change=now.change + 1)
        self._put(after if now == seen else now)
        return after if now == seen else None

    def note_change(self) -> None:
        now = self.holder()
        self._put(ports.Holder(who=now.who, change=now.change + 1))

    def _put(self, holder: ports.Holder) -> None:
        KeyValues(self._connection).put(_HOLDER, f"{holder.change} {holder.who}")
