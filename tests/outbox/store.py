"""The real outbox statements over an in-memory SQLite, and a switch that makes the store fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy

from bot import ports
from bot.storage import schema, transaction
from bot.storage.outbox import Outbox

T = TypeVar("T")


class MemoryStore:
    def __init__(self) -> None:
        self._engine = sqlalchemy.create_engine("sqlite://")
        schema.metadata.create_all(self._engine)
        #: Set: every write fails with this text.
        self.broken: str | None = None
        #: Transactions so far.
        self.trips = 0

    async def write(self, work: Callable[[ports.Transaction], T]) -> T:
        if self.broken:
            raise ports.StoreUnavailable(self.broken)
        return await self.read(work)

    async def read(self, work: Callable[[ports.Transaction], T]) -> T:
        self.trips += 1
        with self._engine.begin() as connection:
            return work(transaction.over(connection))

    async def free_dead_leases(self) -> None:
        with self._engine.begin() as connection:
            Outbox(connection).free_leases()

    async def close(self) -> None:
        self._engine.dispose()
