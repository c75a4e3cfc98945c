"""The composition root: only this package depends on every concrete class.

environment loads the configuration and finds its database and channels; every command starts with it
wiring      derives from the settings what a reload replaces: channels and presses, the fetcher, the language model
runtime     App, one running Wirewatch over one store
jobs        the periodic work, which APScheduler runs
engines     schedule the stages, in one process or as tasks of a cluster
"""

from bot.app.environment import Environment, SystemClock, channel_of, database_of, kinds, load

__all__ = ["Environment", "SystemClock", "channel_of", "database_of", "kinds", "load"]
