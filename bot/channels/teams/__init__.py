"""``kind: teams``: a channel or chat of Microsoft Teams, by a workflow's webhook."""

from bot.channels.teams.channel import KIND, Channel, Options

__all__ = ["KIND", "Channel", "Options"]
