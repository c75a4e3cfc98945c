"""The composition root: the only place that knows every concrete class.

parts: settings and the outside -> channels, fetcher, snapshot
running: App, one running Wirewatch over one store
"""

from bot.app.observers import Meter
from bot.app.runtime import App, OnceReport, opened
from bot.app.wiring import Outside, channel_of, database_of, fetcher_of, load, snapshot_of

__all__ = [
    "App",
    "Meter",
    "OnceReport",
    "Outside",
    "channel_of",
    "database_of",
    "fetcher_of",
    "load",
    "opened",
    "snapshot_of",
]
