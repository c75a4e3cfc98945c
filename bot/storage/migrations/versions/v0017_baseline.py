"""The oldest schema that can be upgraded. An empty database is created from bot/storage/schema.py instead."""

from __future__ import annotations

revision = "0017"
down_revision: str | None = None


def upgrade() -> None:
    """Never runs: no database is older."""
    raise NotImplementedError
