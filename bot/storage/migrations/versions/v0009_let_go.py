"""Days of the ledger that were deleted before rows said so are written down as they are found."""

from __future__ import annotations

from datetime import UTC, date, datetime

import sqlalchemy as sa
from alembic import op

from bot import ledger, model

revision = "0009"
down_revision: str | None = "0008"

_SEALS = sa.table("seals", sa.column("day"), sa.column("row_count"), sa.column("seal"), sa.column("is_kept"))
_LEDGER = sa.table("ledger", sa.column("at"), sa.column("row"))


def upgrade() -> None:
    connection = op.get_bind()
    found = connection.execute(sa.select(_SEALS).where(~sa.cast(_SEALS.c.is_kept, sa.Boolean)).order_by("day"))
    gone = [
        model.DaySeal(day=date.fromisoformat(row.day), row_count=row.row_count, seal=row.seal, is_kept=False)
        for row in found
    ]
    if not gone:
        return
    now: datetime = connection.execute(sa.select(sa.func.current_timestamp(type_=sa.DateTime()))).scalar_one()
    now = now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)
    row = ledger.let_go([], gone, at=now, is_witnessed=False)
    microseconds = int(now.timestamp()) * 1_000_000
    connection.execute(sa.insert(_LEDGER), {"at": microseconds, "row": ledger.text_of(row)})
