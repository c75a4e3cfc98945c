"""The ledger has no seals: their table, the days that rows were sealed with, and the rows about deleted days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision: str | None = "0019"


def upgrade() -> None:
    # Their rows waited for deletion in small transactions; the later listing did not show them.
    op.execute(
        sa.text("DELETE FROM ledger WHERE EXISTS (SELECT 1 FROM seals WHERE seals.day = ledger.day AND NOT is_kept)")
    )
    op.execute(sa.text("DELETE FROM ledger WHERE row LIKE :kind").bindparams(kind='{"at":"%","kind":"let_go",%'))
    for table in ("ledger", "decisions"):
        op.drop_index(f"ix_{table}_day", table)
        op.drop_column(table, "day")
    op.drop_table("seals")
