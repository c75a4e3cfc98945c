"""Once recorded days of the ledger that were deleted; 0020 removes those rows."""

from __future__ import annotations

revision = "0009"
down_revision: str | None = "0008"


def upgrade() -> None:
    pass
