"""Run the migrations on the caller's connection, in the caller's transaction. Alembic executes this file."""

from __future__ import annotations

from alembic import context

from bot.storage import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    # On SQLite, a table can be altered only by copying it.
    render_as_batch=True,
)
context.run_migrations()
