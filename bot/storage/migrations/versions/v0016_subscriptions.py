"""Subscriptions at the hubs that feeds name (WebSub)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision: str | None = "0015"


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger()),
        sa.Column("until", sa.BigInteger()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("pushed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("feed", name="pk_subscriptions"),
    )
    op.create_index("uq_subscriptions_token", "subscriptions", ["token"], unique=True)
    op.create_index("ix_subscriptions_next_at", "subscriptions", ["next_at"])
