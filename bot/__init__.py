"""Wirewatch watches the news and tells a team once per story.

An article flows one way:

    feeds.yaml -> fetch -> sources -> articles -> rules -> stories -> alerts
               -> summaries -> outbox -> channels -> the reader's screen
"""

__version__ = "0.1.0"
