"""E-mail over SMTP: a mail for each story and each reply, in threads, as HTML and text."""

from bot.channels.email.channel import KIND, Channel, Options

__all__ = ["KIND", "Channel", "Options"]
