"""What people said of stories."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "judgements",
        sa.Column("n", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name="fk_judgements_story", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("n", name="pk_judgements"),
    )
    op.create_index("uq_judgements_id", "judgements", ["id"], unique=True)
    op.create_index("ix_judgements_story", "judgements", ["story"])
    op.create_index("ix_judgements_at", "judgements", ["at"])
