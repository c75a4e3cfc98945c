"""When each item of a feed's document was last named: identities are released by it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision: str | None = "0007"


def upgrade() -> None:
    # Not known of any feed yet: nothing is let go of until its document was read whole once.
    op.add_column("feeds", sa.Column("named_at", sa.BigInteger()))
