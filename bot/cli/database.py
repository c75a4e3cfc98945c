"""wirewatch database: from SQLite to PostgreSQL, and never back to an earlier version."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from bot import app, config, model, ports, storage
from bot.cli import terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir, Json
from bot.config import values

database = typer.Typer(
    help="Maintain the database.\n\nExample: wirewatch database move env:DATABASE_URL",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@database.command()
def move(
    address: Annotated[
        str,
        typer.Argument(help="Where to: postgresql://user@host/database, env:NAME or file:/path.", metavar="ADDRESS"),
    ],
    folder: ConfigDir = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Move the database from SQLite to PostgreSQL.

    Copies everything into an empty database and counts the rows on both sides. Stop the bot first. If interrupted, the
    next call continues; the old database is not changed.

    Example: wirewatch database move env:DATABASE_URL --config config
    """
    counts = asyncio.run(_move(address, folder))
    if json:
        terminal.answer(dict(counts))
        return
    total = sum(counts.values())
    moved = f"{model.counted(total, 'row')} of {model.counted(len(counts), 'table')}"
    terminal.say(f"{moved} moved and counted. Now name the new one in {folder}/bot.yaml:")
    terminal.say(f"  database: {address}")


@database.command()
def downgrade() -> None:
    """Refuse, and say how to go back to an earlier version.

    A database is upgraded at the first start of a version and never downgraded.

    Example: wirewatch database downgrade
    """
    terminal.fail(
        "downgrading a database: this is not done, since what the newer version has stored would be lost; "
        "stop the bot, put the backup from before the upgrade in its place (docs/upgrading.md), "
        "and install the version that made it",
        UNUSABLE,
    )


async def _move(address: str, folder: Path) -> Mapping[str, int]:
    environment = app.Environment(environ=os.environ)
    source = app.database_of(app.load(folder, environment.environ), environment)
    target = _resolved(address, environment.environ)
    with terminal.tables() as tell:
        return await storage.move(source, target, clock=environment.clock, progress=tell)


def _resolved(address: str, environ: Mapping[str, str]) -> str:
    """As bot.yaml takes it: a password on a command line is seen by everybody on the machine."""
    try:
        found = values.database(address)
    except values.Wrong as error:
        raise ports.ConfigError(f"moving the database: {error}; {error.help}") from None
    return found if isinstance(found, str) else config.resolve(found, environ)
