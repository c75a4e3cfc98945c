"""The table of commands, and the handling of expected failures.

Only the requested command is imported, and none for --help, because importing all commands takes a second.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from typing import NamedTuple

import typer

import bot
from bot.cli import logs, terminal
from bot.cli.options import UNUSABLE
from bot.model.errors import ConfigError, WirewatchError


class Command(NamedTuple):
    """A command: its module in bot.cli, its name there, and its line in --help."""

    module: str
    attribute: str
    summary: str


#: The commands, in the order of --help. The summaries are here so that --help need not import the commands.
COMMANDS = {
    "run": Command("run", "run", "Poll, match and post until stopped."),
    "once": Command("run", "once", "Poll every due feed once, post new stories, and end."),
    "init": Command("init", "init", "Write a commented starter configuration."),
    "demo": Command("demo", "demo", "Replay an example story with the real program."),
    "check": Command("check", "check", "Report every problem of the configuration."),
    "explain": Command("explain", "explain", "Describe a rule, or show why it matches an article or not."),
    "search": Command("articles", "search", "Search the stored articles, newest first."),
    "status": Command("status", "status", "Show feeds, rules, waiting messages, and whether the bot runs."),
    "send-test": Command("send_test", "send_test", "Check a channel, then post one test message to it."),
    "schema": Command("check", "schema", "Print the JSON Schema of the configuration files."),
    "backup": Command("database", "backup", "Copy the SQLite database into a new file."),
    "feedback": Command("feedback", "feedback", "Count the useful and the noisy stories of each rule."),
    "audit": Command("audit", "audit", "Show which stories of the rules no feed carried."),
    "try": Command("rules", "try_rule", "Try a rule on the stored articles."),
    "feeds": Command("feeds", "feeds", "Find, add, import, export and test feeds."),
    "database": Command("database", "database", "Maintain the database."),
    "stories": Command("stories", "stories", "List, split and merge stories."),
    "brief": Command("brief", "brief", "Print what moved in a period, for pasting into a report."),
    "model": Command("language_model", "language_model", "Test the language model of bot.yaml."),
    "mcp": Command("mcp", "mcp", "Offer tools to an assistant over stdin and stdout."),
    "silence": Command("silence", "silence", "Post nothing about a subject for a while."),
    "quarantine": Command("quarantine", "quarantine", "List or retry work that was set aside after an error."),
}

#: Commands that log nothing.
LOGLESS = frozenset({"check", "explain", "init", "schema"})


def app_of(names: Iterable[str] = tuple(COMMANDS)) -> typer.Typer:
    """Import the named commands and return the command line."""
    app = _make_app()
    for name in names:
        command = getattr(importlib.import_module(f"bot.cli.{COMMANDS[name].module}"), COMMANDS[name].attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def overview() -> typer.Typer:
    """Return a command line that lists the commands, without importing them."""
    app = _make_app()
    for name, command in COMMANDS.items():
        app.command(name, help=command.summary)(_do_nothing)
    return app


def _do_nothing() -> None:
    pass


def _make_app() -> typer.Typer:
    app = typer.Typer(
        name="wirewatch",
        help="Watches the news and posts one message per story: never miss it, never see it twice, always know why.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
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
    try:
        if first in COMMANDS and first not in LOGLESS:
            # Some commands set another log level later.
            logs.set_up(quiet=True)
        (app_of([first]) if first in COMMANDS else overview())()
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
