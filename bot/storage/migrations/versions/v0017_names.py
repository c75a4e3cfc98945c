"""As whom others see the people who said something of a story."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision: str | None = "0016"


def upgrade() -> None:
    # Empty: said before it was kept, and shown by what is in "by".
    op.add_column("judgements", sa.Column("name", sa.Text(), nullable=False, server_default=""))
