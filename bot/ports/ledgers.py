"""What is kept of what happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Protocol

from bot import model


class Ledger(Protocol):
    """What happened, in rows that are written once and sealed by the day."""

    def add(self, rows: Sequence[model.LedgerRow]) -> None:
        """Facts of this transaction; decisions are rows by themselves."""

    def seal(self, *, before: date) -> model.DaySeal | None:
        """Seal the oldest day before with rows that are not sealed; None: there is none left."""

    def seals(self) -> Sequence[model.DaySeal]:
        """By day."""

    def days(self) -> Sequence[date]:
        """In which rows say that they were sealed, by day."""

    def texts(self, day: date) -> Iterator[str]:
        """The rows that were sealed with a day, in the order in which they were hashed; streamed.

        Raises ValueError for one that cannot be read.
        """

    def unsealed(self) -> Iterator[str]:
        """Texts of the rows that no day is sealed with yet, decisions left out; streamed."""

    def since(self, when: datetime) -> Iterator[tuple[date | None, model.LedgerRow]]:
        """Rows with the day that they were sealed with (None: not yet), by their own time; streamed."""
