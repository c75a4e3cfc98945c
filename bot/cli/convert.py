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
from bot.rules import search
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
        terminal.say(f"wirewatch: query:{search.render_mistake(tokens.normalise(text), error)}")
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
