"""The ledger and the seals of its days; decisions say in which day they were sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "ledger",
        sa.Column("n", _SERIAL, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Text()),
        sa.Column("row", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_ledger"),
    )
    op.create_index("ix_ledger_at", "ledger", ["at"])
    op.create_index("ix_ledger_day", "ledger", ["day"])
    op.create_table(
        "seals",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("is_kept", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_seals"),
    )
    op.add_column("decisions", sa.Column("day", sa.Text()))
    op.create_index("ix_decisions_day", "decisions", ["day"])
