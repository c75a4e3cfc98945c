"""What people decided about stories."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision: str | None = "0011"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rulings",
        sa.Column("n", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("articles", sa.Text(), nullable=False),
        sa.Column("other", sa.Text()),
        sa.Column("done_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name="fk_rulings_story", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("n", name="pk_rulings"),
    )
    op.create_index("uq_rulings_id", "rulings", ["id"], unique=True)
    op.create_index("ix_rulings_story", "rulings", ["story"])
    op.create_index("ix_rulings_done_at", "rulings", ["done_at"])
