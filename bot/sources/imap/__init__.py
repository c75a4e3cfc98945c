"""``kind: imap``: newsletters out of a mailbox; each mail is an article, or holds the articles that it lists."""

from bot.sources.imap.source import KIND, Options, Source

__all__ = ["KIND", "Options", "Source"]
