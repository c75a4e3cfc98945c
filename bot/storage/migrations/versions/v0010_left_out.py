"""Which sentences of an article its feed repeats, so that they are no text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision: str | None = "0009"


def upgrade() -> None:
    # Of articles that are stored nothing was left out.
    op.add_column("articles", sa.Column("left_out", sa.Text(), nullable=False, server_default="[]"))
