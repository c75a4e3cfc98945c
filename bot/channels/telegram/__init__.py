"""``kind: telegram``: a chat, group or channel, by a bot's token."""

from bot.channels.telegram.channel import KIND, Channel, Options, listeners

__all__ = ["KIND", "Channel", "Options", "listeners"]
