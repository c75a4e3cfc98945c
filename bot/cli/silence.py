"""wirewatch silence: create, list and end silences."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir, Json
from bot.model.actions import SilenceKind
from bot.queries.actions import END_SILENCE, SILENCE
from bot.queries.silences import SILENCES, SilencesPage

silence = typer.Typer(help="Post nothing about a subject for a while.", no_args_is_help=True)


@silence.command("add")
def add(
    kind: Annotated[SilenceKind, typer.Argument(help="The kind of subject.", metavar="KIND")],
    name: Annotated[
        list[str], typer.Argument(help="A rule's or outlet's name, or a part of it; or a story's id.", metavar="NAME")
    ],
    reason: Annotated[str, typer.Option(help="The reason; other people see it.", metavar="TEXT")],
    lasts: Annotated[
        str | None,
        typer.Option("--for", help="How long: 2 hours, 3d. A silence of a story needs no end.", metavar="DURATION"),
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(help="Only in this channel; may be repeated. Default: every channel.", metavar="CHANNEL"),
    ] = None,
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Create a silence: for a while, post nothing about a rule, an outlet or a story.

    `wirewatch silence list` and `wirewatch stories` show the stories that the silence holds back.

    Example: wirewatch silence add outlet "Daily Ledger" --for "2 hours" --reason "their site is being moved"
    """
    parameters = {
        "kind": kind,
        "name": " ".join(name),
        "for": lasts,
        "reason": reason,
        "channels": tuple(channel or ()),
    }
    created = archive.ask(folder, SILENCE, parameters).silence
    ends = f"until {created.until:%Y-%m-%d %H:%M} UTC" if created.until else "until somebody ends it"
    terminal.say(f"Silence {created.id}: {created.subject} {created.place} {ends}.")


@silence.command("list")
def list_(
    folder: ConfigDir = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """List the silences in force and what each has held back.

    Example: wirewatch silence list
    """
    entries = archive.ask(folder, SILENCES, {})
    if json:
        terminal.answer(SilencesPage.of(entries).silences)
        return
    for entry in entries:
        terminal.row(entry.line)
        for story in entry.stories:
            terminal.row(f"  held back: story {story}", style="dim")
    if not entries:
        terminal.say("No silence is in force.")


@silence.command("end")
def end(
    silence_id: Annotated[str, typer.Argument(help="The id that `wirewatch silence list` shows.", metavar="ID")],
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """End a silence before its time.

    Example: wirewatch silence end 3f2a9c01
    """
    ended = archive.ask(folder, END_SILENCE, {"id": silence_id}).silence
    terminal.say(f"Silence {ended.id} has ended: {ended.subject}.")
