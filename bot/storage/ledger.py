"""The ledger: facts that other tables overwrite. A row is written once, and deleted when it is old enough.

Decisions belong to the ledger too, but they stay in their own table.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import itemgetter

from sqlalchemy import Table, Text, insert, literal, select, type_coerce

from bot.model.errors import StoreError
from bot.model.ledger import LedgerRow, decision_row, format_row, parse_row
from bot.storage.columns import Part
from bot.storage.schema import DECISION, decisions, ledger

#: Number of rows that are read ahead.
_AHEAD = 500


class Ledger(Part):
    """The rows of the ledger, which are written once."""

    def add(self, rows: Sequence[LedgerRow]) -> None:
        """Write facts of this transaction, except decisions, which have their own table."""
        if rows:
            self._connection.execute(insert(ledger), [{"at": row.at, "row": format_row(row)} for row in rows])

    def since(self, when: datetime) -> Iterator[LedgerRow]:
        """Yield the rows and decisions at ``when`` or later, oldest first. Raises StoreError for a damaged row."""
        rows, decided = self._read(ledger, "row", when), self._read(decisions, "decision", when)
        for at, text, column in heapq.merge(rows, decided, key=itemgetter(0)):
            try:
                yield decision_row(DECISION.load(text)) if column == "decision" else parse_row(text)
            except ValueError as error:
                raise StoreError(
                    f"reading the ledger: the row of {at:%Y-%m-%d %H:%M:%S} is damaged; list later rows with --since"
                ) from error

    def _read(self, table: Table, column: str, when: datetime) -> Iterator[tuple[datetime, str, str]]:
        """Yield the time of each row, the text of its column, and the column's name."""
        statement = select(table.c.at, type_coerce(table.c[column], Text), literal(column)).where(table.c.at >= when)
        statement = statement.order_by(table.c.at, table.c.n).execution_options(yield_per=_AHEAD)
        # Close the cursor together with the generator, because PostgreSQL keeps it on the server.
        with self._connection.execute(statement) as rows:
            yield from (tuple(row) for row in rows)
