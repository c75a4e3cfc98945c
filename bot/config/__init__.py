"""The configuration folder → typed settings: bot.yaml, feeds.yaml and rules/*.yaml.

    text → nodes with places → shapes (pydantic) → settings, and problems with carets

The kinds of channels and sources, with their options, are arguments: this package imports none.
"""

from bot.config.kinds import Kinds
from bot.config.loading import check, examine, load
from bot.config.rule_sources import RuleItem, RuleSource, rule_source
from bot.config.schema import schemas
from bot.config.secrets import resolve
from bot.config.settings import BotSettings, ChannelSettings, Settings, WebSettings, WebToken
from bot.config.values import end_of, until
from bot.config.yaml.problems import render

__all__ = [
    "BotSettings",
    "ChannelSettings",
    "Kinds",
    "RuleItem",
    "RuleSource",
    "Settings",
    "WebSettings",
    "WebToken",
    "check",
    "end_of",
    "examine",
    "load",
    "render",
    "resolve",
    "rule_source",
    "schemas",
    "until",
]
