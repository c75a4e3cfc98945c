"""The database: one schema, and each statement once, for SQLite and PostgreSQL.

    open_store ──▶ Store ──▶ Transaction ──▶ feeds, articles, stories, outbox, … (a class and a file for each table)
    keys           typed accessors of single values
    keeping        retention, backup
    clock_step     times that rows wait for, after the clock was set back
    moving         from SQLite to PostgreSQL

Only this package uses SQLAlchemy.
"""

from bot.storage.clock_step import shift_waiting_times
from bot.storage.connections import libpq_address
from bot.storage.keeping import Trimmed, backup, trim
from bot.storage.moving import move
from bot.storage.opening import open_beside, open_store
from bot.storage.store import Outage, Store, Transaction, open_in_memory

__all__ = [
    "Outage",
    "Store",
    "Transaction",
    "Trimmed",
    "backup",
    "libpq_address",
    "move",
    "open_beside",
    "open_in_memory",
    "open_store",
    "shift_waiting_times",
    "trim",
]
