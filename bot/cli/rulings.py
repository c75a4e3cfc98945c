"""wirewatch stories split, merge and claim: what people decide about stories."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot import answers, app, model, pipeline, ports
from bot.answers import rulings
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir, author

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
    _rule(folder, lambda tx, now: rulings.splitting(tx, rulings.story_id(tx, story), article, by=author(), now=now))


def merge(
    story: Story,
    other: Annotated[str, typer.Argument(help="The id of the other story, or its beginning.", metavar="OTHER")],
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Make two stories one.

    The older message stays, and the younger points to it.

    Example: wirewatch stories merge 5f2d3a9c01e4b7788990 0a1b2c3d4e5f60718293
    """

    def ruling(tx: ports.Transaction, now: datetime) -> model.Ruling:
        both = rulings.story_id(tx, story), rulings.story_id(tx, other)
        return rulings.merging(tx, *both, by=author(), now=now)

    _rule(folder, ruling)


def claim(
    story: Story,
    release: Annotated[bool, typer.Option("--release", help="Nobody takes care of it any more.")] = False,
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Say that you take care of a story.

    Its messages show it, and nobody else is called for it.

    Example: wirewatch stories claim 5f2d3a9c01e4b7788990
    """
    settings = app.load(folder, os.environ)
    snapshot, verdict = app.snapshot_of(settings), model.Verdict.UNCLAIMED if release else model.Verdict.CLAIMED
    try:
        kept = archive.change(
            settings,
            lambda tx, now: pipeline.claim(
                tx, snapshot, rulings.story_id(tx, story), by=author(), verdict=verdict, now=now
            ),
        )
    except answers.Refused as error:
        terminal.fail(str(error), UNUSABLE)
    if not kept:
        terminal.fail(f"no message tells the story {story}; `wirewatch stories` shows the id of each", UNUSABLE)
    terminal.say(kept[0].answer)


def _rule(folder: Path, ruling_of: Callable[[ports.Transaction, datetime], model.Ruling]) -> None:
    def rule(tx: ports.Transaction, now: datetime) -> model.Ruling:
        ruling = ruling_of(tx, now)
        tx.rulings.add(ruling)
        return ruling

    try:
        ruling = archive.change(app.load(folder, os.environ), rule)
    except answers.Refused as error:
        terminal.fail(str(error), UNUSABLE)
    terminal.say(f"Ruled: {rulings.told(ruling)}. {_SOON}")
