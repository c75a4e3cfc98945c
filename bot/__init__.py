"""Wirewatch watches the news and tells a team once per story.

An article flows one way:

    feeds.yaml -> fetch -> sources -> articles -> rules -> stories -> alerts
               -> summaries -> outbox -> channels -> the reader's screen
"""

try:
    from bot._version import __version__
except ModuleNotFoundError:
    # A checkout that was never installed.
    __version__ = "0+unknown"

__all__ = ["__version__"]
