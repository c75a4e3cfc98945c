"""``kind: slack``: by a bot token, or by an incoming webhook."""

from bot.channels.slack.channel import KIND, Channel, Options, build, listeners

__all__ = ["KIND", "Channel", "Options", "build", "listeners"]
