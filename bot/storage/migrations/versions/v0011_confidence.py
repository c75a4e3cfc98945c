"""How sure it is that an article tells its story, and of an unsure one the story that it may be of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision: str | None = "0010"


def upgrade() -> None:
    # NULL: joined before it was kept.
    op.add_column("members", sa.Column("confidence", sa.Double()))
    op.add_column("members", sa.Column("near", sa.Text()))
