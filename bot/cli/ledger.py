"""wirewatch ledger: list polls, matches, decisions and messages."""

from __future__ import annotations

import json as codec
import os
from pathlib import Path

import typer

from bot import app
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir, Json, Since, duration
from bot.model.ledger import LedgerRow, LedgerValue
from bot.queries.registry import Archive

ledger = typer.Typer(help="List past polls, matches, decisions and messages.", invoke_without_command=True)


@ledger.callback()
def _list(context: typer.Context, folder: ConfigDir = DEFAULT_CONFIG, since: Since = "30d", json: Json = False) -> None:
    """List past polls, matches, decisions and messages, oldest first.

    Example: wirewatch ledger --since 7d
    """
    if context.invoked_subcommand is None:
        _print(folder, since, as_json=json)


@ledger.command()
def export(folder: ConfigDir = DEFAULT_CONFIG, since: Since = "30d", json: Json = False) -> None:
    """Print the rows of `wirewatch ledger`, for scripts.

    Example: wirewatch ledger export --since 30d --json
    """
    _print(folder, since, as_json=json)


def _print(folder: Path, since: str, *, as_json: bool) -> None:
    back = duration(since)

    def print_rows(archive: Archive) -> None:
        """Print row by row, because a year of rows may not fit in memory."""
        mark = "["
        for row in archive.tx.ledger.since(archive.now - back):
            if as_json:
                fields = {"at": row.at.isoformat(), "kind": row.kind.value, **dict(row.fields)}
                terminal.write_json(f"{mark}\n{codec.dumps(fields)}")
            else:
                terminal.write(_line(row) + "\n")
            mark = ","
        if as_json:
            terminal.write_json("\n]\n" if mark == "," else "[]\n")

    archive.look(app.load(folder, os.environ), print_rows)


def _line(row: LedgerRow) -> str:
    fields = " ".join(f"{name}={_value(value)}" for name, value in row.fields if value not in ("", ()))
    return f"{row.at:%Y-%m-%d %H:%M:%S} {row.kind.value:9} {fields}"


def _value(value: LedgerValue) -> str:
    """Quote a value with special characters, so that text from a feed cannot imitate a row or control a terminal."""
    if isinstance(value, tuple):
        return ",".join(map(_value, value))
    text = str(value)
    return text if text.isprintable() and not set(text) & set(' ",=') else codec.dumps(text)
