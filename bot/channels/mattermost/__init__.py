"""Mattermost by a bot's token: posts, threads, edits and look-up."""

from bot.channels.mattermost.channel import KIND, Channel, Options

__all__ = ["KIND", "Channel", "Options"]
