"""Remove the ledger's seals: their table, the ``day`` columns, and the rows about deleted days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision: str | None = "0019"


def upgrade() -> None:
    # Delete the rows of days that are not kept. They were already hidden, and waited for deletion.
    op.execute(
        sa.text("DELETE FROM ledger WHERE EXISTS (SELECT 1 FROM seals WHERE seals.day = ledger.day AND NOT is_kept)")
    )
    op.execute(sa.text("DELETE FROM ledger WHERE row LIKE :kind").bindparams(kind='{"at":"%","kind":"let_go",%'))
    for table in ("ledger", "decisions"):
        op.drop_index(f"ix_{table}_day", table)
        op.drop_column(table, "day")
    op.drop_table("seals")
