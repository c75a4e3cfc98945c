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
    source = starter()
    if folder.exists() and any(folder.iterdir()):
        terminal.fail(f"{folder} is not empty; name a new folder: wirewatch init other-folder", UNUSABLE)
    try:
        shutil.copytree(source, folder, dirs_exist_ok=True)
    except OSError as error:
        terminal.fail(f"cannot write {folder}: {error.strerror}", UNUSABLE)
    flag = "" if folder == DEFAULT_CONFIG else f" --config {folder}"
    terminal.out.print(f"Wrote {folder}/. Next:", markup=False)
    terminal.out.print(f"  wirewatch check{flag}", markup=False)
    terminal.out.print(f"  wirewatch run{flag}", markup=False)


def starter() -> Path:
    """The shipped configuration: inside the wheel, or the checkout's own config/."""
    package = Path(bot.__file__).parent
    packed = package / "starter"
    return packed if packed.is_dir() else package.parent / "config"
