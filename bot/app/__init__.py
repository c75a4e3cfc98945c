"""The composition root: the only place that knows every concrete class.

environment settings, the database and the channels of a configuration: what each command starts from
wiring      settings and environment -> Parts, which stay, and Live, which a reload swaps
runtime     App: one running Wirewatch over one store
engines     when each stage runs: in one process, or as tasks of a cluster
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.model import deferred

if TYPE_CHECKING:
    from bot.app.environment import Environment, channel_of, database_of, kinds, load
    from bot.app.observers import Observer
    from bot.app.runtime import App, OnceReport, opened
    from bot.app.wiring import fetcher_of, snapshot_of

__all__ = [
    "App",
    "Environment",
    "Observer",
    "OnceReport",
    "channel_of",
    "database_of",
    "fetcher_of",
    "kinds",
    "load",
    "opened",
    "snapshot_of",
]

# Costs start-up: the stages of a running bot and their libraries take a second, and most commands need none.
__getattr__ = deferred.names(
    __name__,
    {
        "environment": "Environment channel_of database_of kinds load",
        "observers": "Observer",
        "runtime": "App OnceReport opened",
        "wiring": "fetcher_of snapshot_of",
    },
)
