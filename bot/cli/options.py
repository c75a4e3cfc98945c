"""Options that several commands share."""

from __future__ import annotations

import getpass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from bot import model

ConfigDir = Annotated[
    Path, typer.Option("--config", help="The folder with bot.yaml, feeds.yaml and rules/.", metavar="DIR")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

DEFAULT_CONFIG = Path("config")

#: Exit codes of every command: done, something is left or wrong, cannot work at all.
DONE, LEFT, UNUSABLE = 0, 1, 2


def duration(text: str) -> timedelta:
    """A length of time as the configuration writes it."""
    try:
        return model.parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def author() -> str:
    """Who runs the command, as the author of what it keeps."""
    return f"{getpass.getuser()} (command line)"
