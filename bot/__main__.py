"""``python -m bot`` is the command ``wirewatch``."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType

import bot


def main() -> None:
    """Run the command line; a message instead of a traceback where the installation lacks a package."""
    if sys.argv[1:2] == ["run"]:
        # The kernel drops an unhandled SIGTERM to the first process of a container, and a shell's background job
        # ignores SIGINT. Without these handlers, a signal during the imports or the loading of the rules would be lost.
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGINT, _leave)
    if sys.argv[1:] == ["--version"]:
        # The command line takes longer to import than to print this.
        sys.stdout.write(f"wirewatch {bot.__version__}\n")
        return
    from bot.model import memory  # imports all values, which --version does without

    # Faster start-up: collecting garbage during the imports, which leave none, takes a seventh of the time.
    memory.spare_collections(lasts=False)
    # Faster start-up: otherwise pydantic searches all installed packages for pydantic plug-ins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        from bot.cli import main as cli_main
    except ModuleNotFoundError as error:
        sys.exit(
            f"Wirewatch is not set up: {error.name} is missing. Type:\n"
            "  python3 -m venv .venv && .venv/bin/pip install .\n"
            "  .venv/bin/wirewatch demo"
        )
    try:
        cli_main()
    finally:
        # Without this, the final garbage collection of Python takes up to a quarter of a command's time.
        gc.freeze()


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End at once; nothing is under way yet. An exception would be swallowed in a callback of the garbage collector."""
    os._exit(0)


if __name__ == "__main__":
    main()
