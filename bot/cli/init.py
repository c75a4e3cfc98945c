"""wirewatch init: a starter configuration that runs as it is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

import bot
from bot.cli import terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.", metavar="DIR")] = DEFAULT_CONFIG,
) -> None:
    """Write a commented starter configuration.

    It runs as it is; an existing file is never overwritten.

    Example: wirewatch init config && wirewatch run
    """
    if folder.exists() and any(folder.iterdir()):
        terminal.fail(f"{folder} is not empty; name a new folder: wirewatch init other-folder", UNUSABLE)
    try:
        copy_starter(folder)
    except OSError as error:
        terminal.fail(f"cannot write {folder}: {error.strerror}", UNUSABLE)
    flag = "" if folder == DEFAULT_CONFIG else f" --config {folder}"
    terminal.out().print(f"Wrote {folder}/. Next:", markup=False)
    terminal.out().print(f"  wirewatch check{flag}", markup=False)
    terminal.out().print(f"  wirewatch run{flag}", markup=False)


def copy_starter(folder: Path) -> None:
    """Copies the shipped configuration, from inside the wheel or the checkout's own config/. Raises OSError."""
    package = Path(bot.__file__).parent
    packed = package / "starter"
    source = packed if packed.is_dir() else package.parent / "config"
    # data: the archive of a checkout's own bot.
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("data"))
