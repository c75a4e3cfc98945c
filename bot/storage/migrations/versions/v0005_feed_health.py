"""A feed's health as a column, so that the status page reads the feeds that it shows only."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"

_feeds = sa.table(
    "feeds", sa.column("url", sa.Text()), sa.column("gone", sa.Boolean()), sa.column("health"), sa.column("state")
)


def upgrade() -> None:
    # Its default is for the rows that are there; every writer names it.
    op.add_column("feeds", sa.Column("health", sa.Text(), nullable=False, server_default="new"))
    connection = op.get_bind()
    rows = connection.execute(sa.select(_feeds.c.url, _feeds.c.gone, _feeds.c.state)).all()
    for url, gone, state in rows:
        connection.execute(_feeds.update().where(_feeds.c.url == url).values(health=_health(json.loads(state), gone)))
    op.create_index("ix_feeds_is_listed_health_url", "feeds", ["is_listed", "health", "url"])


def _health(state: dict[str, object], gone: bool) -> str:
    if gone:
        return "gone"
    if state.get("failures"):
        return "failing"
    return "ok" if state.get("baseline_at") else "new"
