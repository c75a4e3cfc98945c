"""The composition root: the only place that knows every concrete class.

environment settings, the database and the channels of a configuration: what each command starts from
wiring      settings and environment -> Parts, which stay, and Live, which a reload swaps
runtime     App: one running Wirewatch over one store
engines     when each stage runs: in one process, or as tasks of a cluster
"""

from bot.app.environment import Environment, channel_of, database_of, kinds, load

__all__ = ["Environment", "channel_of", "database_of", "kinds", "load"]
