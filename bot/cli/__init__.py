"""The command line, with a file for each command or group of commands. Commands only read options and print."""

from bot.cli.commands import main

__all__ = ["main"]
