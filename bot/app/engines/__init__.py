"""Schedule the stages in one process over SQLite (local), or in several processes over PostgreSQL (cluster)."""

from __future__ import annotations

from collections.abc import Callable

from bot import storage
from bot.app.engines.local import LocalEngine
from bot.app.environment import database_of
from bot.app.runtime import App, Engine
from bot.pipeline.reports import PassReport


def choose_engine(
    app: App, on_pass: Callable[[PassReport], None] = lambda report: None, *, everything: bool = False
) -> Engine:
    """Return the engine for the app's kind of database.

    ``on_pass`` is called after each pass. If ``everything`` is true, the job ``poll`` over SQLite polls all feeds, due
    or not.
    """
    if app.store.address.is_sqlite:
        return LocalEngine(app, on_pass, everything=everything)
    # Import here, because the task engine is an optional dependency.
    from bot.app.engines.cluster import ClusterEngine

    conninfo = storage.libpq_address(database_of(app.settings, app.environment))
    return ClusterEngine(app, on_pass, conninfo=conninfo)
