"""wirewatch database and backup: move to PostgreSQL, and copy the database while the bot runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from bot import app, config, keys, storage
from bot.cli import terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir, Json
from bot.config import settings
from bot.durations import format_count
from bot.model.errors import ConfigError

database = typer.Typer(
    help="Maintain the database.\n\nExample: wirewatch database move env:DATABASE_URL",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@database.command()
def move(
    address: Annotated[
        str,
        typer.Argument(
            help="The new database: postgresql://user@host/database, env:NAME or file:/path.", metavar="ADDRESS"
        ),
    ],
    folder: ConfigDir = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Move the database from SQLite to PostgreSQL.

    Stop the bot first. Copies all rows into an empty database, then counts the rows of both databases. After an
    interruption, run the command again: it continues. The old database is not changed.

    Example: wirewatch database move env:DATABASE_URL --config config
    """
    counts = asyncio.run(_move(address, folder))
    if json:
        terminal.answer(dict(counts))
        return
    total = sum(counts.values())
    moved = f"{format_count(total, 'row')} of {format_count(len(counts), 'table')}"
    terminal.say(f"{moved} moved and counted. Now set the new database in {folder}/bot.yaml:")
    terminal.say(f"  database: {address}")


async def _move(address: str, folder: Path) -> Mapping[str, int]:
    environment = app.Environment(environ=os.environ)
    source = app.database_of(app.load(folder, environment.environ), environment)
    target = _resolved(address, environment.environ)
    done: set[str] = set()

    def show(table: str, copied: int, total: int) -> None:
        # Print the line once, although the last batch and the final count both report a complete table.
        if copied >= total and table not in done:
            done.add(table)
            terminal.say(f"{table}: {format_count(total, 'row')}")

    return await storage.move(source, target, clock=environment.clock, progress=show)


def _resolved(address: str, environ: Mapping[str, str]) -> str:
    """Resolve env:NAME and file:PATH, which keep passwords off the command line, where every user can read them."""
    try:
        parsed = settings.parse_database(address)
    except keys.InvalidValue as error:
        raise ConfigError(f"moving the database: {error}; {error.help}") from None
    return parsed if isinstance(parsed, str) else config.resolve_secret(parsed, environ)


def backup(
    file: Annotated[
        Path,
        typer.Argument(
            help="The new file, which must not exist, or a folder that does: there the file's name is the time.",
            metavar="FILE",
        ),
    ],
    keep: Annotated[
        int | None,
        typer.Option(help="In a folder: delete the oldest backups beyond this number.", metavar="NUMBER", min=1),
    ] = None,
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Copy the SQLite database into a new file.

    The bot may be running.

    Example: wirewatch backup backups/monday.db --config config
    """
    environment = app.Environment(environ=os.environ)
    address = app.database_of(app.load(folder, environment.environ), environment)
    backups = file if file.is_dir() else None
    if keep is not None and backups is None:
        raise typer.BadParameter(f"{file} is not a folder; --keep needs one", param_hint="--keep")
    if backups is not None:
        file = backups / f"wirewatch-{environment.clock.now():%Y%m%dT%H%M%SZ}.db"
    storage.backup(address, file)
    terminal.say(f"Copied to {file} ({file.stat().st_size:,} bytes).")
    if backups is not None and keep is not None:
        # The names sort by time.
        for old in sorted(backups.glob("wirewatch-????????T??????Z.db"))[:-keep]:
            old.unlink(missing_ok=True)
