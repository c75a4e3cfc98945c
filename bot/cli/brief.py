"""wirewatch brief: print what moved in a period, for pasting into a report."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bot import app
from bot.channels.kit import rendering
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir
from bot.pipeline import briefs
from bot.queries.brief import BriefParameters, show_brief
from bot.queries.registry import read_parameters


def brief(
    folder: ConfigDir = DEFAULT_CONFIG,
    since: Annotated[
        str, typer.Option(help="The beginning: monday, yesterday, 2026-11-30 or 24h.", metavar="TIME")
    ] = "24h",
    until: Annotated[str | None, typer.Option(help="The end: a day or a time. Default: now.", metavar="TIME")] = None,
    channel: Annotated[str | None, typer.Option(help="Only what this channel reports.", metavar="NAME")] = None,
) -> None:
    """Print what moved in a period, for pasting into a report.

    Prints new stories by weight, news in earlier ones, surges, and what was held.

    Example: wirewatch brief --since monday > week.txt
    """
    settings = app.load(folder, os.environ)
    values = {"since": since, "until": until, "channel": channel}
    parameters = read_parameters(BriefParameters, {name: value for name, value in values.items() if value is not None})
    answer = archive.look(settings, lambda opened: show_brief(opened, parameters))
    message = briefs.brief_message(settings, answer, shows_end=until is not None)
    terminal.write(rendering.plain_message(message) + "\n")
