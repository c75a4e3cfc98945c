"""wirewatch quarantine: list work that was set aside after an unexpected error, try it again, or drop it."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir, Json
from bot.durations import format_count
from bot.queries.quarantine import DROP_PIECES, QUARANTINE, RETRY_PIECES, QuarantineDocument

quarantine = typer.Typer(help="List or retry work that was set aside after an error.", no_args_is_help=True)

Numbers = Annotated[list[int] | None, typer.Argument(help="Numbers from the list.", metavar="NUMBER")]
All = Annotated[bool, typer.Option("--all", help="All pieces.")]


@quarantine.command("list")
def list_(folder: ConfigDir = DEFAULT_CONFIG, json: Json = False) -> None:
    """List the work that was set aside, oldest first.

    Example: wirewatch quarantine list
    """
    pieces = archive.ask(folder, QUARANTINE, {})
    if json:
        terminal.answer(QuarantineDocument.of(pieces))
        return
    for piece in pieces:
        retry_note = "; it will be tried again" if piece.is_retry_requested else ""
        terminal.row(f"{piece.n}  {piece.kind} {piece.id}", style="bold")
        terminal.row(
            f"  {piece.at:%Y-%m-%d %H:%M} UTC, stage {piece.stage}, version {piece.version}: {piece.error}{retry_note}"
        )
    if not pieces:
        terminal.say("Nothing is set aside.")


@quarantine.command()
def retry(numbers: Numbers = None, everything: All = False, folder: ConfigDir = DEFAULT_CONFIG) -> None:
    """Try pieces again. A running bot does so within seconds.

    Example: wirewatch quarantine retry 3
    """
    _refuse_vague(numbers, everything)
    pieces = archive.ask(folder, RETRY_PIECES, {"numbers": numbers or []})
    terminal.say(f"{format_count(len(pieces), 'piece')} will be tried again.")


@quarantine.command()
def drop(numbers: Numbers = None, everything: All = False, folder: ConfigDir = DEFAULT_CONFIG) -> None:
    """Give up on pieces for good. Articles stay in the archive.

    Example: wirewatch quarantine drop 3
    """
    _refuse_vague(numbers, everything)
    pieces = archive.ask(folder, DROP_PIECES, {"numbers": numbers or []})
    terminal.say(f"{format_count(len(pieces), 'piece')} dropped.")


def _refuse_vague(numbers: list[int] | None, everything: bool) -> None:
    if bool(numbers) == everything:
        terminal.fail("name the numbers of pieces, or --all", UNUSABLE)
