"""Databases as earlier versions left them: this version's schema, taken back step by step."""

from __future__ import annotations

from sqlalchemy import Connection, text

from bot.storage import connections, schema

#: By revision: what its upgrade added or removed, undone.
_UNDO = {
    "0020": (
        "CREATE TABLE seals (day TEXT PRIMARY KEY, row_count INTEGER, seal TEXT, is_kept BOOLEAN)",
        "ALTER TABLE ledger ADD COLUMN day TEXT",
        "CREATE INDEX ix_ledger_day ON ledger (day)",
        "ALTER TABLE decisions ADD COLUMN day TEXT",
        "CREATE INDEX ix_decisions_day ON decisions (day)",
    ),
    "0019": ("ALTER TABLE silences DROP COLUMN channels", "ALTER TABLE judgements ADD COLUMN until BIGINT"),
    "0018": ("ALTER TABLE stories DROP COLUMN headline",),
}


def create(connection: Connection, revision: str) -> None:
    """Create an empty database of this revision, 0017 to 0019."""
    schema.create(connection)
    for step, statements in _UNDO.items():
        if step > revision:
            for statement in statements:
                connection.execute(text(statement))
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


def create_at(address: str, revision: str) -> None:
    """Create an empty database of this revision at an address."""
    place = connections.parse(address)
    engine = connections.for_writing(place)
    with connections.upgrading(place, engine) as connection:
        create(connection, revision)
    engine.dispose()
