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
        # As the first process of a container the kernel drops a SIGTERM that nobody handles: without this one that
        # comes during the imports, or while the rules are read, would be followed by SIGKILL.
        signal.signal(signal.SIGTERM, _leave)
    if sys.argv[1:] == ["--version"]:
        # Costs start-up: the command line takes longer to import than to say this.
        sys.stdout.write(f"wirewatch {bot.__version__}\n")
        return
    from bot.model import memory  # imports all values, which --version does without

    # Costs start-up: to look for garbage among what imports make, of which all stays, takes a seventh of the time.
    memory.spare_collections(lasts=False)
    # Costs start-up: pydantic looks through all installed packages for plug-ins of its own.
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
        # Costs a command up to a quarter of its time: at the end Python looks for garbage in all that is left.
        gc.freeze()


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Nothing is under way yet: this is a clean stop."""
    sys.exit(0)


if __name__ == "__main__":
    main()
