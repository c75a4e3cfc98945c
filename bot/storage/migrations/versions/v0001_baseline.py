"""The schema of the first release."""

from __future__ import annotations

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Do nothing: a new database gets the whole schema of bot/storage/schema.py at once."""
