"""wirewatch ledger: when did we know, and whom did we tell."""

from __future__ import annotations

import json as codec
import os
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import typer

from bot import app, model, ports
from bot import ledger as core
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, LEFT, ConfigDir, Json, duration

ledger = typer.Typer(help="What happened, as sealed rows: export them, verify the seals.", no_args_is_help=True)

Since = Annotated[str, typer.Option(help="How far back, as in 30d.", metavar="DURATION")]


@ledger.command()
def export(folder: ConfigDir = DEFAULT_CONFIG, since: Since = "30d", json: Json = False) -> None:
    """Print the rows of the ledger, oldest first.

    What was fetched, matched, decided, sent, edited, parked and dropped.

    Example: wirewatch ledger export --since 30d --json
    """
    back = duration(since)
    archive.look(app.load(folder, os.environ), lambda tx, now: _print_rows(tx, now - back, as_json=json))


@ledger.command()
def verify(
    folder: ConfigDir = DEFAULT_CONFIG,
    expect: Annotated[
        list[str] | None, typer.Option(help="A seal that you kept elsewhere; may be repeated.", metavar="SEAL")
    ] = None,
    json: Json = False,
) -> None:
    """Recompute and compare the seal of every kept day.

    Exit 1 with the first day that does not hold, or a seal that is missing.

    Example: wirewatch ledger verify --expect 4f6c…
    """
    wanted = [_seal(text) for text in expect or ()]
    seals, proof = archive.look(app.load(folder, os.environ), lambda tx, now: _verify(tx, wanted))
    if json:
        terminal.answer(_as_json(seals, proof))
    else:
        _show(seals, proof, wanted)
    if proof.broken or proof.missing:
        raise typer.Exit(LEFT)


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


def _seal(text: str) -> str:
    seal = text.strip().lower()
    if len(seal) != 64 or not set(seal) <= set("0123456789abcdef"):
        raise typer.BadParameter("a seal is 64 digits from 0 to 9 and a to f, as `wirewatch ledger verify` prints it")
    return seal


def _verify(tx: ports.Transaction, expected: Sequence[str]) -> tuple[Sequence[model.DaySeal], core.Proof]:
    seals = tx.ledger.seals()
    days, unsealed = tx.ledger.days(), tx.ledger.unsealed()
    return seals, core.verify(seals, tx.ledger.texts, days=days, unsealed=unsealed, expected=expected)


def _as_json(seals: Sequence[model.DaySeal], proof: core.Proof) -> object:
    broken = proof.broken
    return {
        "holds": broken is None and not proof.missing,
        "broken": {"day": broken.day.isoformat(), "why": broken.why} if broken else None,
        "missing": list(proof.missing),
        "since": proof.since.isoformat() if proof.since else None,
        "let_go": [
            {
                "at": each.at.isoformat(),
                "through": each.through.isoformat(),
                "days": len(each.days),
                "witnessed": each.is_witnessed,
                "sealed_with": each.sealed_with.isoformat() if each.sealed_with else None,
            }
            for each in proof.gone
        ],
        "seals": [
            {"day": each.day.isoformat(), "rows": each.row_count, "seal": each.seal, "is_kept": each.is_kept}
            for each in seals
        ],
    }


def _show(seals: Sequence[model.DaySeal], proof: core.Proof, expected: Sequence[str]) -> None:
    if proof.broken:
        terminal.say(f"The ledger does not hold from {proof.broken.day.isoformat()} on: {proof.broken.why}.")
    for seal in proof.missing:
        terminal.say(
            f"No day of this ledger has the seal {seal}: what it sealed was cut off or rewritten, or it is the seal "
            "of another ledger."
        )
    if proof.broken or proof.missing:
        return
    if not seals:
        terminal.say("No day is sealed yet: a day is sealed soon after its end (UTC).")
        return
    last, kept = seals[-1], [each for each in seals if each.is_kept]
    since = f" from {proof.since.isoformat()} on" if proof.since and len(kept) < len(seals) else ""
    days = model.counted(len(kept), "sealed day")
    rows = model.counted(sum(each.row_count for each in kept), "row")
    terminal.row(f"The ledger holds{since}: {days} with {rows}.")
    if len(kept) < len(seals):
        terminal.row(_gone(len(seals) - len(kept), proof.gone))
    for seal in expected:
        day = next(each.day for each in seals if each.seal == seal)
        after = sum(each.day > day for each in seals)
        terminal.row(f"The seal of {day.isoformat()} is in it; {model.counted(after, 'day')} sealed since.")
    terminal.row(f"Last seal: {last.day.isoformat()} {last.seal}")


def _gone(count: int, told: Sequence[core.Gone]) -> str:
    """``told``: at least one, else the ledger does not hold."""
    last = told[-1]
    when = f"the last of them on {last.at:%Y-%m-%d}"
    if not all(each.is_witnessed for each in told):
        when = "some of them before the ledger recorded deletions, so that only their seals prove them"
    seal = f"sealed with {last.sealed_with.isoformat()}" if last.sealed_with else "not sealed yet"
    return f"{model.counted(count, 'older day')} deleted, {when}; the row that records it is {seal}."
