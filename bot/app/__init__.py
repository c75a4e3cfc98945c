"""The composition root: the only place that knows every concrete class.

wiring      settings and environment -> Parts, which stay, and Live, which a reload swaps
runtime     App: one running Wirewatch over one store
engines     when each stage runs: in one process, or as tasks of a cluster
"""

from bot.app.observers import Observer
from bot.app.runtime import App, OnceReport, opened
from bot.app.wiring import Environment, channel_of, database_of, fetcher_of, kinds, load, snapshot_of

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
