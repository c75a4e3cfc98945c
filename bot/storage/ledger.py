"""The ledger: facts that other tables overwrite. A row is written once, and deleted when it is old enough."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, or_, select

from bot.model.errors import StoreError
from bot.model.ledger import FactKind, LedgerRow, format_row, parse_row
from bot.storage.columns import Repository
from bot.storage.schema import ledger


class Ledger(Repository):
    """The rows of the ledger, which are written once."""

    def add(self, rows: Sequence[LedgerRow]) -> None:
        """Write facts of this transaction, except decisions, which have their own table."""
        if rows:
            self._connection.execute(insert(ledger), [{"at": row.at, "row": format_row(row)} for row in rows])

    def since(
        self, when: datetime, *, naming: Sequence[str] = (), kinds: Sequence[FactKind] = ()
    ) -> Sequence[LedgerRow]:
        """Return the rows at ``when`` or later, oldest first: of some kinds, or those that name one of some ids.

        Raises StoreError for a damaged row.
        """
        statement = select(ledger.c.at, ledger.c.row).where(ledger.c.at >= when).order_by(ledger.c.at, ledger.c.n)
        for texts in ([f'"{name}"' for name in naming], [f'"kind":"{kind.value}"' for kind in kinds]):
            if texts:
                statement = statement.where(or_(*(ledger.c.row.contains(text, autoescape=True) for text in texts)))
        rows = []
        for at, text in self._connection.execute(statement):
            try:
                rows.append(parse_row(text))
            except ValueError as error:
                raise StoreError(f"reading the ledger: the row of {at:%Y-%m-%d %H:%M:%S} is damaged") from error
        return rows
