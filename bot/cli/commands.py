"""The table of commands, and how an expected failure ends one."""

from __future__ import annotations

import sys

import typer

import bot
from bot import ports
from bot.cli import (
    backup,
    check,
    clinic,
    database,
    demo,
    doctor,
    explain,
    feedback,
    feeds,
    healthcheck,
    init,
    ledger,
    logs,
    once,
    run,
    schema,
    send_test,
    status,
    stories,
    terminal,
    translate,
    try_rule,
)
from bot.cli.options import UNUSABLE

app = typer.Typer(
    name="wirewatch",
    help="Watches the news and posts one message per story: never miss it, never see it twice, always know why.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

for command in (
    run.run,
    once.once,
    init.init,
    demo.demo,
    check.check,
    explain.explain,
    status.status,
    send_test.send_test,
    schema.schema,
    translate.translate,
    healthcheck.healthcheck,
    backup.backup,
    doctor.doctor,
    clinic.clinic,
    feedback.feedback,
):
    app.command()(command)

app.command("try")(try_rule.try_rule)
app.add_typer(feeds.feeds, name="feeds")
app.add_typer(database.database, name="database")
app.add_typer(ledger.ledger, name="ledger")
app.add_typer(stories.stories, name="stories")


def _version(asked: bool) -> None:
    if asked:
        terminal.out.print(f"wirewatch {bot.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Run one command; an expected failure is one line, never a traceback."""
    # A command that sets its own level does so again.
    logs.set_up(quiet=True)
    try:
        app()
    except ports.ConfigError as error:
        check.show(error.problems)
        # What stands below its first line has just been shown.
        text = str(error).partition("\n")[0] if error.problems else str(error)
        terminal.say(f"wirewatch: {text}")
        sys.exit(UNUSABLE)
    except ports.WirewatchError as error:
        terminal.say(f"wirewatch: {error}")
        sys.exit(UNUSABLE)
