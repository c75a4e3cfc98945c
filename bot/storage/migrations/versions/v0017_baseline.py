"""The oldest schema that can be upgraded. An empty database is created from bot/storage/schema.py instead."""

from __future__ import annotations

revision = "0017"
down_revision: str | None = None


def upgrade() -> None:
    """Raise NotImplementedError. This never runs, because no supported database has an older schema."""
    raise NotImplementedError
