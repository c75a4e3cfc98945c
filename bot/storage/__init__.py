"""The database. SQLite and PostgreSQL share one schema and all statements, apart from the search.

    open_store ──▶ Store ──▶ Transaction ──▶ feeds, articles, stories, outbox, … (a class and a file for each part)
    keys           typed accessors of single values
    keeping        retention, backup
    moving         copying from SQLite to PostgreSQL

Only this package uses SQLAlchemy.
"""

from bot.storage.connections import DATABASE_ERRORS, libpq_address
from bot.storage.keeping import Trimmed, backup, trim
from bot.storage.moving import move
from bot.storage.opening import open_beside, open_store
from bot.storage.store import Outage, Store, Transaction, open_in_memory

__all__ = [
    "DATABASE_ERRORS",
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
    "trim",
]
