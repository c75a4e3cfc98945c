"""What people want nothing posted about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, Select, bindparam, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from bot import model
from bot.storage import codec
from bot.storage.columns import Timestamp
from bot.storage.schema import silences

_ADD = insert(silences).on_conflict_do_nothing(index_elements=[silences.c.id]).returning(silences.c.id)
_ALL = select(silences).order_by(silences.c.n)
_ACTIVE = _ALL.where(
    silences.c.ended_at.is_(None),
    or_(silences.c.until.is_(None), silences.c.until > bindparam("now", type_=Timestamp)),
)
_END = (
    update(silences)
    .where(silences.c.id == bindparam("of_id"), silences.c.ended_at.is_(None))
    .values(ended_at=bindparam("at_time", type_=Timestamp), ended_by=bindparam("who"))
)


class Silences:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, silence: model.Silence) -> bool:
        row = {**asdict(silence), "channels": codec.TEXTS.dump(silence.channels)}
        return self._connection.execute(_ADD, row).first() is not None

    def save_end(self, silence: model.Silence) -> None:
        values = {"of_id": silence.id, "at_time": silence.ended_at, "who": silence.ended_by}
        self._connection.execute(_END, values)

    def active(self, now: datetime) -> Sequence[model.Silence]:
        return self._all(_ACTIVE, now=now)

    def all(self) -> Sequence[model.Silence]:
        return self._all(_ALL)

    def _all(self, statement: Select[tuple[object, ...]], **values: datetime) -> list[model.Silence]:
        return [
            model.Silence(
                id=row.id,
                at=row.at,
                by=row.by,
                kind=row.kind,
                name=row.name,
                channels=codec.TEXTS.load(row.channels),
                reason=row.reason,
                until=row.until,
                ended_at=row.ended_at,
                ended_by=row.ended_by,
            )
            for row in self._connection.execute(statement, values)
        ]
