"""A web page without a feed: its list of articles is read by selectors that the feed's line names."""

from bot.sources.page.options import Options
from bot.sources.page.source import KIND, Source

__all__ = ["KIND", "Options", "Source"]
