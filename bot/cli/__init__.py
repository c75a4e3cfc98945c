"""The command line: a file a command. Prints; decides nothing that a program could want elsewhere."""

from bot.cli.commands import main

__all__ = ["main"]
