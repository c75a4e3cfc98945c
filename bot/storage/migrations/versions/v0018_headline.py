"""Add a column for the article whose headline a story shows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision: str | None = "0017"


def upgrade() -> None:
    # NULL means the headline of the story's first article.
    op.add_column("stories", sa.Column("headline", sa.Text()))
