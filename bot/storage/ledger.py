"""The ledger's rows and the seals of its days.

Decisions are rows of the ledger as they lie in their own table; what other tables overwrite has rows here. A row is
written once. When its day is sealed it is stamped with that day, and from then on belongs to it: one that was written
late, or while the clock was wrong, is sealed with the next day and is not lost.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, or_, select, union, update

from bot import ledger as core
from bot import model, ports
from bot.storage import codec
from bot.storage.columns import Timestamp
from bot.storage.schema import decisions, ledger, seals

#: Rows read ahead.
_AHEAD = 500
#: Days named in one row.
_NAMED = 100
#: Rows let go in one transaction.
_BATCH = 500

_UNSEALED_SINCE = (
    select(func.min(ledger.c.at)).where(ledger.c.day.is_(None)),
    select(func.min(decisions.c.at)).where(decisions.c.day.is_(None)),
)
_STAMP = tuple(
    update(table)
    .where(table.c.day.is_(None), table.c.at < bindparam("end", type_=Timestamp))
    .values(day=bindparam("of_day"))
    for table in (ledger, decisions)
)
_ROWS = select(ledger.c.row, ledger.c.at).where(ledger.c.day == bindparam("of_day")).order_by(ledger.c.n)
_DECISIONS = (
    select(decisions.c.decision, decisions.c.at).where(decisions.c.day == bindparam("of_day")).order_by(decisions.c.n)
)

_SEALS = select(seals).order_by(seals.c.day)
_LAST_SEAL = select(seals).order_by(seals.c.day.desc()).limit(1)
_DAYS = union(
    select(ledger.c.day).where(ledger.c.day.is_not(None)),
    select(decisions.c.day).where(decisions.c.day.is_not(None)),
)

_SINCE = bindparam("since", type_=Timestamp)
_ROWS_SINCE = (
    select(ledger.c.at, ledger.c.day, ledger.c.row)
    .where(
        ledger.c.at >= _SINCE,
        ~exists().where(seals.c.day == ledger.c.day, ~seals.c.is_kept),
    )
    .order_by(ledger.c.at, ledger.c.n)
)
_DECISIONS_SINCE = (
    select(decisions.c.at, decisions.c.day, decisions.c.decision)
    .where(
        decisions.c.at >= _SINCE,
        ~exists().where(seals.c.day == decisions.c.day, ~seals.c.is_kept),
    )
    .order_by(decisions.c.at, decisions.c.n)
)

_UNSEALED = select(ledger.c.row).where(ledger.c.day.is_(None)).order_by(ledger.c.n)
_CLOSE_DAYS = update(seals).where(seals.c.day < bindparam("before_day"), seals.c.is_kept).values(is_kept=False)
_OLD_ROWS = delete(ledger).where(
    ledger.c.n.in_(
        select(ledger.c.n)
        .where(exists().where(seals.c.day == ledger.c.day, ~seals.c.is_kept))
        .order_by(ledger.c.n)
        .limit(_BATCH)
    )
)
#: Of a decision that a day still needs: unsealed, or of a day that is kept.
is_needed = or_(decisions.c.day.is_(None), exists().where(seals.c.day == decisions.c.day, seals.c.is_kept))


class Ledger:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, rows: Sequence[model.LedgerRow]) -> None:
        if rows:
            self._connection.execute(insert(ledger), [{"at": row.at, "row": core.text_of(row)} for row in rows])

    def seal(self, *, before: date) -> model.DaySeal | None:
        moments = [self._connection.execute(statement).scalar() for statement in _UNSEALED_SINCE]
        written = [moment.date() for moment in moments if moment is not None]
        if not written:
            return None
        last = self._connection.execute(_LAST_SEAL).one_or_none()
        day = min(written)
        if last is not None:
            day = max(day, _date(last.day) + timedelta(days=1))
        if day >= before:
            return None
        end = datetime.combine(day + timedelta(days=1), time(), UTC)
        for statement in _STAMP:
            self._connection.execute(statement, {"of_day": day.isoformat(), "end": end})
        try:
            sealed = core.seal(day, self.texts(day), previous=last.seal if last is not None else core.FIRST)
        except ValueError as error:
            raise _damaged(f"a row of {day.isoformat()} cannot be read") from error
        values = {"row_count": sealed.row_count, "seal": sealed.seal, "is_kept": True}
        self._connection.execute(insert(seals), {"day": day.isoformat(), **values})
        return sealed

    def seals(self) -> Sequence[model.DaySeal]:
        return [
            model.DaySeal(day=_date(row.day), row_count=row.row_count, seal=row.seal, is_kept=row.is_kept)
            for row in self._connection.execute(_SEALS)
        ]

    def days(self) -> Sequence[date]:
        return sorted(_date(day) for day in self._connection.execute(_DAYS).scalars())

    def texts(self, day: date) -> Iterator[str]:
        options = {"yield_per": _AHEAD}
        values = {"of_day": day.isoformat()}
        # Closed with the generator: PostgreSQL's cursor lives on the server.
        with self._connection.execute(_ROWS, values, execution_options=options) as rows:
            for row in rows:
                yield _bound(row.row, row.at)
        with self._connection.execute(_DECISIONS, values, execution_options=options) as rows:
            for row in rows:
                yield _bound(_text_of_decision(row.decision), row.at)

    def unsealed(self) -> Iterator[str]:
        with self._connection.execute(_UNSEALED, execution_options={"yield_per": _AHEAD}) as rows:
            yield from rows.scalars()

    def since(self, when: datetime) -> Iterator[tuple[date | None, model.LedgerRow]]:
        for _, day, text in heapq.merge(self._rows_since(when), self._decisions_since(when), key=itemgetter(0)):
            try:
                row = core.parse_row(text)
            except ValueError as error:
                raise _damaged("a row cannot be read") from error
            yield None if day is None else _date(day), row

    def _rows_since(self, when: datetime) -> Iterator[tuple[datetime, str | None, str]]:
        options = {"yield_per": _AHEAD}
        with self._connection.execute(_ROWS_SINCE, {"since": when}, execution_options=options) as rows:
            for row in rows:
                yield row.at, row.day, row.row

    def _decisions_since(self, when: datetime) -> Iterator[tuple[datetime, str | None, str]]:
        options = {"yield_per": _AHEAD}
        with self._connection.execute(_DECISIONS_SINCE, {"since": when}, execution_options=options) as rows:
            for row in rows:
                yield row.at, row.day, _text_of_decision(row.decision)

    # -- retention

    def close_days(self, *, before: date, at: datetime) -> None:
        """From now on these days are their seals only; a row says which, and with which seals."""
        known = self.seals()
        gone = [each for each in known if not each.is_kept]
        newly = [each for each in known if each.is_kept and each.day < before]
        self._connection.execute(_CLOSE_DAYS, {"before_day": before.isoformat()})
        for start in range(0, len(newly), _NAMED):
            part = newly[start : start + _NAMED]
            self.add([core.let_go(gone, part, at=at)])
            gone += part

    def drop_rows(self) -> int:
        """Let go some rows of days that are closed; 0: none is left."""
        return self._connection.execute(_OLD_ROWS).rowcount


def _date(day: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError as error:
        raise _damaged(f"{day!r} is no day") from error


def _damaged(what: str) -> ports.StoreError:
    return ports.StoreError(
        f"reading the ledger: {what}; somebody changed it, `wirewatch ledger verify` says from when"
    )


def _bound(text: str, at: datetime) -> str:
    """The text that is sealed. An export finds rows by the column beside it, which may say no other second."""
    told = f"{at:%Y-%m-%dT%H:%M:%S}"
    return text if text.startswith(f'{{"at":"{told}') else f"{text} found at {told}"


def _text_of_decision(document: str) -> str:
    return core.text_of(core.decided(codec.DECISION.load(document)))
