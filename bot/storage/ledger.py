"""The ledger's rows.

Decisions are rows of the ledger as they are in their own table. What other tables overwrite has rows here; a row is
written once and deleted by its age.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Select, bindparam, false, insert, select, true

from bot import model
from bot.model.ledger import decision_row, format_row, parse_row
from bot.storage import columns
from bot.storage.columns import Timestamp
from bot.storage.schema import decisions, ledger

#: Rows read ahead.
_AHEAD = 500

_SINCE = bindparam("since", type_=Timestamp)
_ROWS_SINCE = select(ledger.c.at, ledger.c.row, false()).where(ledger.c.at >= _SINCE).order_by(ledger.c.at, ledger.c.n)
_DECISIONS_SINCE = (
    select(decisions.c.at, decisions.c.decision, true())
    .where(decisions.c.at >= _SINCE)
    .order_by(decisions.c.at, decisions.c.n)
)


class Ledger:
    """The ledger: rows that are written once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, rows: Sequence[model.LedgerRow]) -> None:
        """Write facts of this transaction; decisions have their own table."""
        if rows:
            self._connection.execute(insert(ledger), [{"at": row.at, "row": format_row(row)} for row in rows])

    def since(self, when: datetime) -> Iterator[model.LedgerRow]:
        """Yield rows and decisions from ``when`` on, oldest first. Raises StoreError for a damaged row."""
        merged = heapq.merge(
            self._read_rows(_ROWS_SINCE, when), self._read_rows(_DECISIONS_SINCE, when), key=itemgetter(0)
        )
        for at, text, is_decision in merged:
            try:
                yield decision_row(columns.DECISION.load(text)) if is_decision else parse_row(text)
            except ValueError as error:
                raise model.StoreError(
                    f"reading the ledger: the row of {at:%Y-%m-%d %H:%M:%S} is damaged; list later rows with --since"
                ) from error

    def _read_rows(self, statement: Select[Any], when: datetime) -> Iterator[tuple[datetime, str, bool]]:
        # Closed with the generator: PostgreSQL keeps the cursor on the server.
        with self._connection.execute(statement, {"since": when}, execution_options={"yield_per": _AHEAD}) as rows:
            yield from (tuple(row) for row in rows)
