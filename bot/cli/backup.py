"""wirewatch backup: a consistent copy of the database, also while the bot runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bot import app, storage
from bot.cli import terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir


def backup(
    file: Annotated[Path, typer.Argument(help="The new file; one that exists is never overwritten.", metavar="FILE")],
    folder: ConfigDir = DEFAULT_CONFIG,
) -> None:
    """Copy the SQLite database into one new file.

    The bot may run meanwhile.

    Example: wirewatch backup backups/monday.db --config config
    """
    environment = app.Environment(environ=os.environ)
    address = app.database_of(app.load(folder, environment.environ), environment)
    storage.backup(address, file)
    terminal.say(f"Copied to {file} ({file.stat().st_size:,} bytes).")
