"""The table of commands, and the handling of expected failures.

Only the requested command is imported, because importing all commands takes a second.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable

import typer

import bot
from bot.cli import logs, terminal
from bot.cli.options import UNUSABLE
from bot.model.errors import ConfigError, WirewatchError

#: Command -> its module in bot.cli, and its name there. The order is the order of --help.
COMMANDS = {
    "run": ("run", "run"),
    "once": ("run", "once"),
    "init": ("init", "init"),
    "demo": ("demo", "demo"),
    "check": ("check", "check"),
    "explain": ("articles", "explain"),
    "search": ("articles", "search"),
    "status": ("status", "status"),
    "send-test": ("send_test", "send_test"),
    "schema": ("check", "schema"),
    "backup": ("database", "backup"),
    "feedback": ("feedback", "feedback"),
    "try": ("rules", "try_rule"),
    "feeds": ("feeds", "feeds"),
    "database": ("database", "database"),
    "stories": ("stories", "stories"),
    "brief": ("brief", "brief"),
    "model": ("language_model", "language_model"),
    "mcp": ("mcp", "mcp"),
    "silence": ("silence", "silence"),
    "quarantine": ("quarantine", "quarantine"),
}

#: Commands that log nothing.
LOGLESS = frozenset({"check", "init", "schema", "status"})


def app_of(names: Iterable[str] = tuple(COMMANDS)) -> typer.Typer:
    """Import the named commands and return the command line."""
    app = typer.Typer(
        name="wirewatch",
        help="Watches the news and posts one message per story: never miss it, never see it twice, always know why.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    for name in names:
        module, attribute = COMMANDS[name]
        command = getattr(importlib.import_module(f"bot.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _version(requested: bool) -> None:
    if requested:
        terminal.out().print(f"wirewatch {bot.__version__}")
        raise typer.Exit


def _options(
    _version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Run one command; print an expected failure as one line, without a traceback."""
    logs.guard()
    first = next(iter(sys.argv[1:]), "")
    # Import only the typed command. Import none for --version, and all for --help or an unknown name.
    typed: Iterable[str] = [first] if first in COMMANDS else [] if first == "--version" else COMMANDS
    try:
        if not LOGLESS.issuperset(typed):
            # Some commands set another log level later.
            logs.set_up(quiet=True)
        app_of(typed)()
    except ConfigError as error:
        from bot.cli import check  # slow to import, and few commands end here

        check.show(error.problems)
        # Print only the first line, because the others repeat the problems, which are already printed.
        text = str(error).partition("\n")[0] if error.problems else str(error)
        terminal.say(f"wirewatch: {text}")
        sys.exit(UNUSABLE)
    except WirewatchError as error:
        terminal.say(f"wirewatch: {error}")
        sys.exit(UNUSABLE)
