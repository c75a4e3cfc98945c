"""Many rows through one statement.

SQLAlchemy makes each value of each row ready by itself: of a first poll of 30 items that took three times as long as
SQLite took to write them. Here a column is made ready at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Dialect
from sqlalchemy.dialects.postgresql import Insert

_Ready = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    text: str
    #: A driver takes each row as a tuple in the statement's order (SQLite) or as a mapping (PostgreSQL).
    is_positional: bool
    #: Name of each parameter and what makes its values ready, in the statement's order.
    parameters: tuple[tuple[str, _Ready | None], ...]


class BulkInsert:
    """An INSERT of whole rows, and what its other parameters are."""

    def __init__(self, statement: Insert, *others: BindParameter[Any]) -> None:
        self._statement = statement
        self._parameters: dict[str, ColumnElement[Any]] = {
            **{column.name: column for column in statement.table.columns},
            **{other.key: other for other in others},
        }
        self._by_dialect: dict[str, _Compiled] = {}

    def write(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Each row has a value for each column, and for each other parameter."""
        if not rows:
            return
        compiled = self._compiled(connection.dialect)
        columns = [_column(rows, name, ready) for name, ready in compiled.parameters]
        ready_rows = list(zip(*columns, strict=True))
        if compiled.is_positional:
            connection.exec_driver_sql(compiled.text, ready_rows)
        else:
            names = [name for name, _ in compiled.parameters]
            connection.exec_driver_sql(compiled.text, [dict(zip(names, row, strict=True)) for row in ready_rows])

    def _compiled(self, dialect: Dialect) -> _Compiled:
        if dialect.name not in self._by_dialect:
            columns = [column.name for column in self._statement.table.columns]
            made = self._statement.compile(dialect=dialect, column_keys=columns)
            names = made.positiontup if made.positional and made.positiontup else tuple(self._parameters)
            self._by_dialect[dialect.name] = _Compiled(
                text=made.string,
                is_positional=made.positional,
                parameters=tuple(
                    (name, self._parameters[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names
                ),
            )
        return self._by_dialect[dialect.name]


def _column(rows: Sequence[Mapping[str, object]], name: str, ready: _Ready | None) -> list[object]:
    values = [row[name] for row in rows]
    if ready is None:
        return values
    # Times, languages and texts that are not kept are often the same in all rows of a batch.
    if values.count(values[0]) == len(values):
        return [ready(values[0])] * len(values)
    return [ready(value) for value in values]
