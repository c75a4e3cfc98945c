"""What people decided about stories."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from bot import model
from bot.storage import codec
from bot.storage.columns import Timestamp
from bot.storage.schema import rulings

_ADD = insert(rulings).on_conflict_do_nothing(index_elements=[rulings.c.id]).returning(rulings.c.id)
_ALL = select(rulings).order_by(rulings.c.n)
_WAITING = _ALL.where(rulings.c.done_at.is_(None))
_SINCE = _ALL.where(rulings.c.at >= bindparam("since", type_=Timestamp))
_DONE = (
    update(rulings)
    .where(rulings.c.id.in_(bindparam("wanted", expanding=True)))
    .values(done_at=bindparam("at_time", type_=Timestamp))
)


class Rulings:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, ruling: model.Ruling) -> bool:
        row = {
            "id": ruling.id,
            "at": ruling.at,
            "by": ruling.by,
            "kind": ruling.kind,
            "story": ruling.story,
            "articles": codec.TEXTS.dump(ruling.articles),
            "other": ruling.other,
            "done_at": ruling.done_at,
        }
        return self._connection.execute(_ADD, row).first() is not None

    def waiting(self) -> Sequence[model.Ruling]:
        return self._all(_WAITING)

    def since(self, when: datetime | None) -> Sequence[model.Ruling]:
        return self._all(_ALL) if when is None else self._all(_SINCE, since=when)

    def done(self, ids: Sequence[str], *, at: datetime) -> None:
        if ids:
            self._connection.execute(_DONE, {"wanted": list(ids), "at_time": at})

    def _all(self, statement: Select[tuple[object, ...]], **values: datetime) -> list[model.Ruling]:
        return [
            model.Ruling(
                id=row.id,
                at=row.at,
                by=row.by,
                kind=row.kind,
                story=row.story,
                articles=tuple(map(model.ArticleId, codec.TEXTS.load(row.articles))),
                other=row.other,
                done_at=row.done_at,
            )
            for row in self._connection.execute(statement, values)
        ]
