"""Options and exit codes that several commands share."""

from __future__ import annotations

import getpass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from bot.durations import parse_duration
from bot.model.errors import ConfigError

#: Exit codes of all commands. 0: done. 1: done in part, or something is wrong. 2: the command cannot work.
DONE, LEFT, UNUSABLE = 0, 1, 2

DEFAULT_CONFIG = Path("config")


def _config_dir(context: typer.Context, parameter: typer.CallbackParam, folder: Path) -> Path:
    """Return the named folder; by default the current folder if it has a bot.yaml, else ./config.

    A command of a group takes the folder that was named before it: `wirewatch stories --config DIR split …`.
    """
    name = parameter.name or ""
    for level in filter(None, (context, context.parent)):
        source = level.get_parameter_source(name)
        if source is not None and source.name != "DEFAULT":
            return folder if level is context else Path(level.params[name])
    if Path("bot.yaml").is_file():
        return Path()
    # The demo works without a configuration. A group cannot know yet whether the command after it names a folder.
    needs_folder = context.info_name != "demo" and not isinstance(context.command, TyperGroup)
    if needs_folder and not folder.exists():
        raise no_configuration(folder)
    return folder


def no_configuration(folder: Path) -> ConfigError:
    """Return the error for a command without ``--config`` that finds no configuration."""
    return ConfigError(
        f"no configuration: {Path.cwd()} contains neither bot.yaml nor a folder {folder}. "
        "Choose the configuration folder with --config DIR, or create one: wirewatch init"
    )


ConfigDir = Annotated[
    Path,
    typer.Option(
        "--config",
        help="The folder with bot.yaml. Default: the current folder if it contains bot.yaml, else ./config.",
        metavar="DIR",
        callback=_config_dir,
        show_default=False,
    ),
]
Since = Annotated[str, typer.Option(help="How far to look back, such as 30d.", metavar="DURATION")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def duration(text: str) -> timedelta:
    """Parse a duration. Raises BadParameter."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def author() -> str:
    """Return the user who runs the command, for the author field of silences and rulings."""
    return f"{getpass.getuser()} (command line)"
