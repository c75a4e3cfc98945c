"""wirewatch silence: create, list and end silences."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir, Json
from bot.model.actions import SilenceKind
from bot.queries.actions import END_SILENCE, SILENCE
from bot.queries.silences import SILENCES, SilencesAnswer

silence = typer.Typer(help="Post nothing about a subject for a while.", no_args_is_help=True)


@silence.command("add")
def add(
    lasts: Annotated[
        str | None, typer.Option("--for", help="How long the silence lasts, such as 2 hours or 3d.", metavar="DURATION")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            help="The end, instead of --for: a last day such as 2026-12-31, or a time such as 2026-12-31 18:00.",
            metavar="DATE",
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="The reason; other people see it.", metavar="TEXT")] = None,
    rule: Annotated[str | None, typer.Option(help="A rule's name, or a part of it.", metavar="RULE")] = None,
    outlet: Annotated[str | None, typer.Option(help="The articles of an outlet.", metavar="OUTLET")] = None,
    entity: Annotated[str | None, typer.Option(help="Articles with this name in the headline.", metavar="NAME")] = None,
    story: Annotated[
        str | None, typer.Option(help="One story, by its id. Such a silence needs no end.", metavar="STORY")
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Every story.")] = False,
    channel: Annotated[
        list[str] | None,
        typer.Option(help="Only in this channel; may be repeated. Default: every channel.", metavar="CHANNEL"),
    ] = None,
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Create a silence: post nothing about a subject until a given time.

    `wirewatch silence list` and `wirewatch stories` show the stories that the silence holds back.

    Example: wirewatch silence add --outlet "Daily Ledger" --for "2 hours" --reason "their site is being moved"
    """
    scopes = {
        SilenceKind.RULE: rule,
        SilenceKind.OUTLET: outlet,
        SilenceKind.ENTITY: entity,
        SilenceKind.STORY: story,
        SilenceKind.EVERYTHING: "" if everything else None,
    }
    named = [(kind, name) for kind, name in scopes.items() if name is not None]
    missing = [] if len(named) == 1 else ["one of --rule, --outlet, --entity, --story and --everything"]
    has_end = (lasts is None) != (until is None) or (story is not None and lasts is None and until is None)
    missing += [] if has_end else ["--for or --until"]
    missing += [] if reason else ["--reason"]
    if missing:
        terminal.fail(f"a silence needs {'; '.join(missing)}", UNUSABLE)
    kind, name = named[0]
    parameters = {
        "kind": kind,
        "name": name,
        "for": lasts,
        "until": until,
        "reason": reason,
        "channels": tuple(channel or ()),
    }
    made = archive.ask(folder, SILENCE, parameters).silence
    ends = f"until {made.until:%Y-%m-%d %H:%M} UTC" if made.until else "until somebody ends it"
    terminal.say(f"Silence {made.id}: {made.subject} {made.place} {ends}.")


@silence.command("list")
def list_(
    folder: ConfigDir = DEFAULT_CONFIG,
    everything: Annotated[bool, typer.Option("--all", help="Also list silences that have ended.")] = False,
    json: Json = False,
) -> None:
    """List the silences in force and what each has held back.

    Example: wirewatch silence list --all
    """
    entries = archive.ask(folder, SILENCES, {"ended": "yes" if everything else "no"})
    if json:
        terminal.answer(SilencesAnswer.of(entries).silences)
        return
    for entry in entries:
        terminal.row(entry.line, style="" if entry.is_active else "dim")
        for story in entry.stories:
            terminal.row(f"  held back: story {story}", style="dim")
    if not entries:
        terminal.say("No silence." if everything else "No silence is in force; --all also lists ended silences.")


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
