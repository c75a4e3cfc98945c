"""wirewatch silence: nothing is posted about a rule, an outlet or an entity for a while."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated

import typer

from bot import app, model, ports
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir, Json, author, duration
from bot.model import SilenceKind
from bot.pipeline import silences

silence = typer.Typer(help="Keep a rule, an outlet or an entity quiet for a while.", no_args_is_help=True)


@silence.command("add")
def add(
    lasts: Annotated[str, typer.Option("--for", help="How long, as in 2 hours or 3d.", metavar="DURATION")],
    reason: Annotated[str, typer.Option(help="Why; others see it.", metavar="TEXT")],
    rule: Annotated[str | None, typer.Option(help="The name of a rule.", metavar="RULE")] = None,
    outlet: Annotated[str | None, typer.Option(help="The articles of an outlet.", metavar="OUTLET")] = None,
    entity: Annotated[str | None, typer.Option(help="Articles with this name in the headline.", metavar="NAME")] = None,
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Make a silence in every channel. It ends by itself.

    What it keeps back is listed by `wirewatch silence list` and `wirewatch stories`.

    Example: wirewatch silence add --outlet "Daily Ledger" --for "2 hours" --reason "their site is being moved"
    """
    given = [(SilenceKind.RULE, rule), (SilenceKind.OUTLET, outlet), (SilenceKind.ENTITY, entity)]
    named = [(kind, name) for kind, name in given if name is not None]
    if len(named) != 1:
        terminal.fail("name one of --rule, --outlet and --entity", UNUSABLE)
    kind, name = named[0]
    span = duration(lasts)
    settings = app.load(folder, os.environ)
    rules = {entry.rule.name for entry in settings.rules}

    def make(tx: ports.Transaction, now: datetime) -> model.Silence:
        return silences.add(
            tx, kind=kind, name=name, until=now + span, by=author(), reason=reason, known_rules=rules, now=now
        )

    made = archive.change(settings, make)
    terminal.say(f"Silence {made.id}: {_covered(made)} until {made.until:%Y-%m-%d %H:%M} UTC.")


@silence.command("list")
def list_(
    folder: ConfigDir = DEFAULT_CONFIG,
    everything: Annotated[bool, typer.Option("--all", help="Those that have ended too.")] = False,
    json: Json = False,
) -> None:
    """List the silences in force, and how many stories each has kept back.

    Example: wirewatch silence list --all
    """
    settings = app.load(folder, os.environ)
    found = archive.look(settings, lambda tx, now: silences.listed(tx, now=now, with_ended=everything))
    if json:
        # Costs start-up: the documents, which only --json needs.
        from bot.answers import building

        terminal.answer([building.silence(each).model_dump(mode="json") for each in found])
        return
    for each in found:
        terminal.row(line(each), style="" if each.is_active else "dim")
        for story in each.stories:
            terminal.row(f"  kept back: story {story}", style="dim")
    if not found:
        terminal.say("No silence." if everything else "No silence is in force; --all lists those that have ended too.")


@silence.command("end")
def end(
    silence_id: Annotated[str, typer.Argument(help="The id that `wirewatch silence list` shows.", metavar="ID")],
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """End a silence before its time.

    Example: wirewatch silence end 3f2a9c01
    """
    settings = app.load(folder, os.environ)
    ended = archive.change(settings, lambda tx, now: silences.end(tx, silence_id, by=author(), now=now))
    terminal.say(f"Silence {ended.id} has ended: {_covered(ended)}.")


def line(listed: silences.Listed) -> str:
    """A silence in one line, for people."""
    one = listed.silence
    end_told = f"until {one.until:%Y-%m-%d %H:%M} UTC"
    if one.ended_at:
        end_told = f"ended {one.ended_at:%Y-%m-%d %H:%M} UTC by {one.ended_by}"
    elif not listed.is_active:
        end_told = f"ended {one.until:%Y-%m-%d %H:%M} UTC"
    kept = model.counted(len(listed.stories), "story")
    return f"{one.id}  {_covered(one)}, {end_told}, by {one.by}: {one.reason} ({kept} kept back)"


def _covered(one: model.Silence) -> str:
    return f'{one.kind.value} "{one.name}"'
