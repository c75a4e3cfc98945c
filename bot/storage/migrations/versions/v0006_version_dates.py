"""A version of an article has its date too: an edit of the date alone is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision: str | None = "0005"


def upgrade() -> None:
    # Of the versions that are there it is not known.
    op.add_column("versions", sa.Column("published", sa.BigInteger()))
