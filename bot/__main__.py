"""``python -m bot`` is the command ``wirewatch``."""

from __future__ import annotations

import sys


def main() -> None:
    try:
        from bot.cli import main as cli_main
    except ModuleNotFoundError as error:
        sys.exit(
            f"Wirewatch is not set up: {error.name} is missing. Type:\n"
            "  python3 -m venv .venv && .venv/bin/pip install .\n"
            "  .venv/bin/wirewatch demo"
        )
    cli_main()


if __name__ == "__main__":
    main()
