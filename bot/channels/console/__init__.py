"""``kind: console``: messages on standard output."""

from bot.channels.console.channel import KIND, Channel, Options

__all__ = ["KIND", "Channel", "Options"]
