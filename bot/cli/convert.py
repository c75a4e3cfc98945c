"""wirewatch convert: convert the query of another product."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from bot import rules
from bot.cli import terminal
from bot.cli.options import DONE, LEFT, UNUSABLE, Json
from bot.rules import convert as rules_convert
from bot.text import tokens


def convert(
    dialect: Annotated[
        rules_convert.Dialect, typer.Option("--from", help="The product that the query was written for.")
    ],
    query: Annotated[
        str, typer.Argument(help="The query, in quotes, or - to read it from stdin.", metavar="QUERY")
    ] = "-",
    json: Json = False,
) -> None:
    """Convert another product's query into a query for a rule.

    Lists the parts that cannot be converted. Exit code 1: at least one part is lost.

    Example: wirewatch convert --from brandwatch '{BES} AND (backdoor NEAR/5 law)'
    """
    text = sys.stdin.read() if query == "-" else query
    try:
        conversion = rules_convert.convert(text, dialect)
    except rules.QueryError as error:
        terminal.say(_shown(tokens.normalise(text), error))
        raise typer.Exit(UNUSABLE) from None
    if json:
        terminal.answer(
            {
                "query": conversion.query,
                "lost": [asdict(note) for note in conversion.lost],
                "rewritten": [asdict(note) for note in conversion.rewritten],
            }
        )
    else:
        if conversion.query:
            terminal.out().print(conversion.query, markup=False)
        for title, notes in (("lost", conversion.lost), ("rewritten", conversion.rewritten)):
            for note in notes:
                terminal.say(f"{title}: {' '.join(note.part.split())[:80]}: {note.what}")
    raise typer.Exit(LEFT if conversion.lost or not conversion.query else DONE)


def _shown(query: str, error: rules.QueryError) -> str:
    """Return the error with the line of the query and carets under the mistake."""
    start = min(error.start, len(query))
    first = query.rfind("\n", 0, start) + 1
    line = query[first:].partition("\n")[0]
    column, shown = start - first, line
    if len(line) > 160:
        cut = max(0, column - 60)
        column, shown = column - cut, line[cut : cut + 160]
    number = query.count("\n", 0, start) + 1
    width = max(1, min(error.end - error.start, len(shown) - column))
    message = (
        f"wirewatch: query:{number}:{start - first + 1}: {error.message}\n   {shown}\n   {' ' * column}{'^' * width}"
    )
    return message + (f"\n   = help: {error.help}" if error.help else "")
