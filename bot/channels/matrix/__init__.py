"""Matrix by the client-server API: a room of any homeserver, with threads, edits and look-up."""

from bot.channels.matrix.channel import KIND, Channel, Options

__all__ = ["KIND", "Channel", "Options"]
