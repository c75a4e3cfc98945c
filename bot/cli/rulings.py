"""wirewatch stories split and merge: people decide last which articles tell one event."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bot import answers, app, model
from bot.answers import rulings
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir

Story = Annotated[str, typer.Argument(help="The id of a story, as `wirewatch stories` shows it.", metavar="STORY")]

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
    asyncio.run(_rule(folder, rulings.splitting, story, article))


def merge(
    story: Story,
    other: Annotated[str, typer.Argument(help="The id of the other story.", metavar="OTHER")],
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Make two stories one.

    The older message stays, and the younger points to it.

    Example: wirewatch stories merge 5f2d3a9c01e4b7788990 0a1b2c3d4e5f60718293
    """
    asyncio.run(_rule(folder, rulings.merging, story, other))


async def _rule(folder: Path, ruling_of: Callable[..., model.Ruling], *asked: object) -> None:
    environment = app.Environment(environ=os.environ)
    settings = app.load(folder, environment.environ)
    by, now = f"{getpass.getuser()} (command line)", environment.clock.now()
    async with archive.opened_beside(settings, environment) as store:
        try:
            ruling = await store.read(lambda tx: ruling_of(tx, *asked, by=by, now=now))
        except answers.Refused as error:
            terminal.fail(str(error), UNUSABLE)
        await store.write(lambda tx: tx.rulings.add(ruling))
    terminal.say(f"Ruled: {rulings.told(ruling)}. {_SOON}")
