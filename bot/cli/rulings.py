"""wirewatch stories split, merge and claim: what people decide about stories."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot import app, model, ports
from bot.answers import rulings
from bot.answers.refusals import Refused
from bot.app import wiring
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir, author
from bot.model.actions import Action, Claim, Release
from bot.pipeline import actions, rights

Story = Annotated[
    str,
    typer.Argument(help="The id of a story, as `wirewatch stories` shows it, or its beginning.", metavar="STORY"),
]

_SOON = "The running bot carries it out within seconds, otherwise the next start does."


def split(
    story: Story,
    article: Annotated[list[str], typer.Argument(help="The address of each article to take out.", metavar="ARTICLE…")],
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Make articles of a story a separate story.

    For articles that are about another event.

    Example: wirewatch stories split 5f2d3a9c01e4b7788990 https://wire.example/another-fine
    """
    ruling = _apply(folder, story, lambda tx, found: rulings.split_of(tx, found, article)).made
    assert isinstance(ruling, model.Ruling)
    terminal.say(f"Ruled: {rulings.told(ruling)}. {_SOON}")


def merge(
    story: Story,
    other: Annotated[str, typer.Argument(help="The id of the other story, or its beginning.", metavar="OTHER")],
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Make two stories one.

    The older message stays, and the younger points to it.

    Example: wirewatch stories merge 5f2d3a9c01e4b7788990 0a1b2c3d4e5f60718293
    """
    ruling = _apply(folder, story, lambda tx, found: rulings.merge_of(tx, found, rulings.story_id(tx, other))).made
    assert isinstance(ruling, model.Ruling)
    terminal.say(f"Ruled: {rulings.told(ruling)}. {_SOON}")


def claim(
    story: Story,
    release: Annotated[bool, typer.Option("--release", help="Nobody takes care of it any more.")] = False,
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Say that you take care of a story.

    Its messages show it, and nobody else is called for it.

    Example: wirewatch stories claim 5f2d3a9c01e4b7788990
    """
    terminal.say(_apply(folder, story, lambda tx, found: Release() if release else Claim()).text)


def _apply(
    folder: Path, story: str, action_of: Callable[[ports.Transaction, model.StoryId], Action]
) -> ports.ActionResult:
    settings = app.load(folder, os.environ)
    snapshot = wiring.snapshot_of(settings)

    def work(tx: ports.Transaction, now: datetime) -> ports.ActionResult:
        found = rulings.story_id(tx, story)
        turn = rights.turn_of_operator(tx, snapshot, by=author(), now=now)
        return actions.apply(turn, action_of(tx, found), actions.story_target(tx, found))

    try:
        return archive.change(settings, work)
    except (Refused, ports.CannotAct) as error:
        terminal.fail(str(error), UNUSABLE)
