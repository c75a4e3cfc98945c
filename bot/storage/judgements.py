"""What people said of stories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from bot import model
from bot.storage.columns import Timestamp
from bot.storage.schema import judgements

_AnyRow: TypeAlias = Row[*tuple[Any, ...]]

_ADD = insert(judgements).on_conflict_do_nothing(index_elements=[judgements.c.id]).returning(judgements.c.id)
_SINCE = bindparam("since", type_=Timestamp)
_OF_STORY = (
    select(judgements)
    .where(judgements.c.story == bindparam("of_story"), judgements.c.channel == bindparam("of_channel"))
    .order_by(judgements.c.n)
)
_ALL = select(judgements).order_by(judgements.c.n)
_ALL_SINCE = _ALL.where(judgements.c.at >= _SINCE)


class Judgements:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, judgements: Sequence[model.Judgement]) -> Sequence[model.Judgement]:
        return [one for one in judgements if self._connection.execute(_ADD, asdict(one)).first() is not None]

    def of_story(self, story: model.StoryId, channel: str) -> Sequence[model.Judgement]:
        return self._all(self._connection.execute(_OF_STORY, {"of_story": story, "of_channel": channel}).all())

    def since(self, when: datetime | None) -> Sequence[model.Judgement]:
        if when is None:
            return self._all(self._connection.execute(_ALL).all())
        return self._all(self._connection.execute(_ALL_SINCE, {"since": when}).all())

    @staticmethod
    def _all(rows: Sequence[_AnyRow]) -> list[model.Judgement]:
        return [
            model.Judgement(
                id=row.id,
                at=row.at,
                by=row.by,
                name=row.name,
                channel=row.channel,
                story=row.story,
                verdict=row.verdict,
                rule=row.rule,
                message=row.message,
            )
            for row in rows
        ]
