from __future__ import annotations

from tests.storage.conftest import address, clock, postgres_address, postgres_database, store

__all__ = ["address", "clock", "postgres_address", "postgres_database", "store"]
