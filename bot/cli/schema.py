"""wirewatch schema: JSON Schema of the configuration files, for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bot import app, config
from bot.cli import terminal


def schema(
    write: Annotated[Path | None, typer.Option(help="Write one file per kind into this folder.", metavar="DIR")] = None,
) -> None:
    """Print the JSON Schema of the configuration files.

    With --write, it is written for editors: bot.yaml, feeds.yaml and the rule files.

    Example: wirewatch schema --write config/schema
    """
    found = config.schemas(app.kinds())
    if write is None:
        terminal.answer(found)
        return
    write.mkdir(parents=True, exist_ok=True)
    for name, value in found.items():
        (write / f"{name}.json").write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
