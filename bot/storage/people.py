"""Decisions of people: judgements of stories, splits and merges, silences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, Select, bindparam, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from bot import model
from bot.storage import columns
from bot.storage.columns import Timestamp
from bot.storage.schema import judgements, rulings, silences

_AnyRow: TypeAlias = Row[*tuple[Any, ...]]

_ADD_JUDGEMENTS = insert(judgements).on_conflict_do_nothing(index_elements=[judgements.c.id]).returning(judgements.c.id)
_SINCE_JUDGEMENTS = bindparam("since", type_=Timestamp)
_OF_STORY = (
    select(judgements)
    .where(judgements.c.story == bindparam("of_story"), judgements.c.channel == bindparam("of_channel"))
    .order_by(judgements.c.n)
)
_ALL_JUDGEMENTS = select(judgements).order_by(judgements.c.n)
_ALL_SINCE = _ALL_JUDGEMENTS.where(judgements.c.at >= _SINCE_JUDGEMENTS)


class Judgements:
    """Judgements of people about stories, in the order in which they were made."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, judgements: Sequence[model.Judgement]) -> Sequence[model.Judgement]:
        """Add judgements; return the new ones. An id that exists is left as it is."""
        return [
            judgement
            for judgement in judgements
            if self._connection.execute(_ADD_JUDGEMENTS, asdict(judgement)).first() is not None
        ]

    def of_story(self, story: model.StoryId, channel: str) -> Sequence[model.Judgement]:
        """Return the judgements of one story in one channel."""
        return self._all(self._connection.execute(_OF_STORY, {"of_story": story, "of_channel": channel}).all())

    def since(self, when: datetime | None) -> Sequence[model.Judgement]:
        """Return the judgements at ``when`` or later, or all."""
        if when is None:
            return self._all(self._connection.execute(_ALL_JUDGEMENTS).all())
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


_ADD_RULINGS = insert(rulings).on_conflict_do_nothing(index_elements=[rulings.c.id]).returning(rulings.c.id)
_ALL_RULINGS = select(rulings).order_by(rulings.c.n)
_WAITING = _ALL_RULINGS.where(rulings.c.done_at.is_(None))
_SINCE_RULINGS = _ALL_RULINGS.where(rulings.c.at >= bindparam("since", type_=Timestamp))
_DONE = (
    update(rulings)
    .where(rulings.c.id.in_(bindparam("wanted", expanding=True)))
    .values(done_at=bindparam("at_time", type_=Timestamp))
)


class Rulings:
    """Rulings of people about stories, in the order in which they were made."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, ruling: model.Ruling) -> bool:
        """Add a ruling. Return False if its id exists."""
        row = {
            "id": ruling.id,
            "at": ruling.at,
            "by": ruling.by,
            "kind": ruling.kind,
            "story": ruling.story,
            "articles": columns.TEXTS.dump(ruling.articles),
            "other": ruling.other,
            "done_at": ruling.done_at,
        }
        return self._connection.execute(_ADD_RULINGS, row).first() is not None

    def waiting(self) -> Sequence[model.Ruling]:
        """Return the rulings that are not carried out yet."""
        return self._all(_WAITING)

    def since(self, when: datetime | None) -> Sequence[model.Ruling]:
        """Return the rulings at ``when`` or later, or all."""
        return self._all(_ALL_RULINGS) if when is None else self._all(_SINCE_RULINGS, since=when)

    def done(self, ids: Sequence[str], *, at: datetime) -> None:
        """Mark rulings as carried out."""
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
                articles=tuple(map(model.ArticleId, columns.TEXTS.load(row.articles))),
                other=row.other,
                done_at=row.done_at,
            )
            for row in self._connection.execute(statement, values)
        ]


_ADD_SILENCES = insert(silences).on_conflict_do_nothing(index_elements=[silences.c.id]).returning(silences.c.id)
_ALL_SILENCES = select(silences).order_by(silences.c.n)
_ACTIVE = _ALL_SILENCES.where(
    silences.c.ended_at.is_(None),
    or_(silences.c.until.is_(None), silences.c.until > bindparam("now", type_=Timestamp)),
)
_END = (
    update(silences)
    .where(silences.c.id == bindparam("of_id"), silences.c.ended_at.is_(None))
    .values(ended_at=bindparam("at_time", type_=Timestamp), ended_by=bindparam("who"))
)


class Silences:
    """Silences, in the order in which they were made."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, silence: model.Silence) -> bool:
        """Add a silence. Return False if its id exists."""
        row = {**asdict(silence), "channels": columns.TEXTS.dump(silence.channels)}
        return self._connection.execute(_ADD_SILENCES, row).first() is not None

    def save_end(self, silence: model.Silence) -> None:
        """Write that somebody ended a silence, unless it was ended before."""
        values = {"of_id": silence.id, "at_time": silence.ended_at, "who": silence.ended_by}
        self._connection.execute(_END, values)

    def active(self, now: datetime) -> Sequence[model.Silence]:
        """Return the silences in force."""
        return self._all(_ACTIVE, now=now)

    def all(self) -> Sequence[model.Silence]:
        """Return all silences, including ended ones."""
        return self._all(_ALL_SILENCES)

    def _all(self, statement: Select[tuple[object, ...]], **values: datetime) -> list[model.Silence]:
        return [
            model.Silence(
                id=row.id,
                at=row.at,
                by=row.by,
                kind=row.kind,
                name=row.name,
                channels=columns.TEXTS.load(row.channels),
                reason=row.reason,
                until=row.until,
                ended_at=row.ended_at,
                ended_by=row.ended_by,
            )
            for row in self._connection.execute(statement, values)
        ]
