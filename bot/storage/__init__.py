"""What is kept: one schema and each statement once, for SQLite and PostgreSQL.

    open_store ── SqlStore ── transaction ┬─ feeds · articles · stories · outbox · notes
        │             └─ failures         └─ schema · columns · codec · bulk
        └─ addresses · lock · engines · upgrade (migrations/)

    trim, backup (keeping), move (moving) look after the whole of it.

Knows no stage of the pipeline; the outside sees ``ports.Store``.
"""

from bot.storage.connections import libpq_address
from bot.storage.keeping import Trimmed, backup, trim
from bot.storage.moving import move
from bot.storage.opening import open_beside, open_store
from bot.storage.store import Outage, Store

__all__ = [
    "Outage",
    "Store",
    "Trimmed",
    "backup",
    "libpq_address",
    "move",
    "open_beside",
    "open_store",
    "trim",
]
