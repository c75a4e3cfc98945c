"""wirewatch ledger: when did we know, and whom did we tell."""

from __future__ import annotations

import asyncio
import json as codec
import os
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from bot import app, model, ports
from bot import ledger as core
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, LEFT, ConfigDir, Json, duration

T = TypeVar("T")

ledger = typer.Typer(help="What happened, as sealed rows: export them, verify the seals.", no_args_is_help=True)

Since = Annotated[str, typer.Option(help="How far back.", metavar="DURATION")]


@ledger.command()
def export(folder: ConfigDir = DEFAULT_CONFIG, since: Since = "30d", json: Json = False) -> None:
    """Print what was fetched, matched, decided, sent, edited, parked and dropped, oldest first.

    Example: wirewatch ledger export --since 30d --json
    """
    back = duration(since)
    asyncio.run(_look(folder, lambda tx, now: _print_rows(tx, now - back, as_json=json)))


@ledger.command()
def verify(folder: ConfigDir = DEFAULT_CONFIG, json: Json = False) -> None:
    """Compute every kept day's seal anew; exit 1 with the first day that does not hold.

    Example: wirewatch ledger verify
    """
    seals, broken = asyncio.run(_look(folder, lambda tx, now: _verify(tx)))
    if json:
        terminal.answer(_as_json(seals, broken))
    else:
        _show(seals, broken)
    if broken:
        raise typer.Exit(LEFT)


async def _look(folder: Path, work: Callable[[ports.Transaction, datetime], T]) -> T:
    outside = app.Outside(environ=os.environ)
    settings = app.load(folder, outside.environ)
    now = outside.clock.now()
    async with archive.opened(settings, outside) as store:
        return await store.read(lambda tx: work(tx, now))


# -- export


def _print_rows(tx: ports.Transaction, since: datetime, *, as_json: bool) -> None:
    """Row by row: a year of them need not fit in memory."""
    mark = "[" if as_json else ""
    for day, row in tx.ledger.since(since):
        if as_json:
            terminal.write_json(f"{mark}\n{_object(day, row)}")
        else:
            terminal.write(_line(row) + "\n")
        mark = ","
    if as_json:
        terminal.write_json("\n]\n" if mark == "," else "[]\n")


def _object(day: date | None, row: model.LedgerRow) -> str:
    sealed = {"sealed_with": day.isoformat() if day else None}
    return codec.dumps({"at": row.at.isoformat(), "kind": row.kind.value, **dict(row.fields), **sealed})


def _line(row: model.LedgerRow) -> str:
    told = " ".join(f"{name}={_value(value)}" for name, value in row.fields if value not in ("", ()))
    return f"{row.at:%Y-%m-%d %H:%M:%S} {row.kind.value:9} {told}"


def _value(value: model.LedgerValue) -> str:
    """Plain where it is plain; else in quotes, so that no text of a feed can feign a row or steer a terminal."""
    if isinstance(value, tuple):
        return ",".join(map(_value, value))
    text = str(value)
    return text if text.isprintable() and not set(text) & set(' ",=') else codec.dumps(text)


# -- verify


def _verify(tx: ports.Transaction) -> tuple[Sequence[model.DaySeal], core.Broken | None]:
    seals = tx.ledger.seals()
    return seals, core.verify(seals, tx.ledger.texts, days=tx.ledger.days())


def _as_json(seals: Sequence[model.DaySeal], broken: core.Broken | None) -> object:
    return {
        "holds": broken is None,
        "broken": {"day": broken.day.isoformat(), "why": broken.why} if broken else None,
        "seals": [
            {"day": each.day.isoformat(), "rows": each.row_count, "seal": each.seal, "is_kept": each.is_kept}
            for each in seals
        ],
    }


def _show(seals: Sequence[model.DaySeal], broken: core.Broken | None) -> None:
    if broken:
        terminal.say(f"The ledger does not hold from {broken.day.isoformat()} on: {broken.why}.")
        return
    if not seals:
        terminal.say("No day is sealed yet: a day is sealed soon after its end (UTC).")
        return
    last, kept = seals[-1], [each for each in seals if each.is_kept]
    gone = f"; of {len(seals) - len(kept)} older ones only the seals are kept" if len(kept) < len(seals) else ""
    days = terminal.counted(len(kept), "sealed day")
    rows = terminal.counted(sum(each.row_count for each in kept), "row")
    terminal.out.print(f"The ledger holds: {days} with {rows}{gone}.", markup=False)
    terminal.out.print(f"Last seal: {last.day.isoformat()} {last.seal}", markup=False)
