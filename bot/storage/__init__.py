"""What is kept: one schema and each statement once, for SQLite and PostgreSQL.

    open_store ── SqlStore ── transaction ┬─ feeds · articles · stories · outbox · notes
        │             └─ failures         └─ schema · columns · codec
        └─ addresses · lock · engines · upgrade (migrations/)

Knows no stage of the pipeline; the outside sees ``ports.Store``.
"""

from bot.storage.opening import open_store
from bot.storage.store import SqlStore

__all__ = ["SqlStore", "open_store"]
