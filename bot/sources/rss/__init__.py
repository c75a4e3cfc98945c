"""RSS, Atom and RDF: cut into items, each read by a light reader, or by feedparser where that one gives up."""

from bot.sources.rss.source import KIND, Source

__all__ = ["KIND", "Source"]
