"""Run the command ``wirewatch`` as ``python -m bot``."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType

import bot


def main() -> None:
    """Run the command line. If a package is missing, print a message instead of a traceback."""
    if sys.argv[1:2] == ["run"]:
        # The kernel drops an unhandled SIGTERM to the first process of a container, and a shell's background job
        # ignores SIGINT. Without these handlers, a signal during the imports or the loading of the rules would be lost.
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGINT, _leave)
    if sys.argv[1:] == ["--version"]:
        # Print the version without importing the command line, which would take longer.
        sys.stdout.write(f"wirewatch {bot.__version__}\n")
        return
    # Speed up the start: pydantic would search all installed packages for pydantic plug-ins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Speed up the start: during the imports, garbage collection finds nothing and takes a seventh of the time.
    gc.disable()
    try:
        from bot.cli import main as cli_main
    except ModuleNotFoundError as error:
        sys.exit(
            f"Wirewatch is not set up: {error.name} is missing. Type:\n"
            "  python3 -m venv .venv && .venv/bin/pip install .\n"
            "  .venv/bin/wirewatch demo"
        )
    gc.freeze()
    gc.enable()
    try:
        cli_main()
    finally:
        # Without this, the final garbage collection of Python takes up to a quarter of a command's time.
        gc.freeze()


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Exit at once, because no work has started. An exception in a callback of the garbage collector would be lost."""
    os._exit(0)


if __name__ == "__main__":
    main()
