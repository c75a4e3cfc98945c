"""``kind: discord``: by a bot's token, or by a webhook."""

from bot.channels.discord.channel import KIND, Channel, Options, build

__all__ = ["KIND", "Channel", "Options", "build"]
