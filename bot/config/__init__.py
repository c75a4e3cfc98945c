"""Load the configuration folder (bot.yaml, feeds.yaml and rules/*.yaml) into typed settings.

    text → nodes with positions → settings, or problems with carets

The kinds of channels and sources, with their options, are arguments, because this package may not import them.
"""

from bot.config.loading import load, try_load
from bot.config.problems import list_problems, render_problems
from bot.config.rule_text import find_rule_text
from bot.config.schema import make_schemas
from bot.config.secrets import resolve_secret
from bot.config.settings import BotSettings, ChannelSettings, KnownKinds, Settings, WebSettings, WebToken

__all__ = [
    "BotSettings",
    "ChannelSettings",
    "KnownKinds",
    "Settings",
    "WebSettings",
    "WebToken",
    "find_rule_text",
    "list_problems",
    "load",
    "make_schemas",
    "render_problems",
    "resolve_secret",
    "try_load",
]
