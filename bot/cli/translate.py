"""wirewatch translate: translate the query of another product."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from bot import rules
from bot.cli import terminal
from bot.cli.options import DONE, LEFT, UNUSABLE, Json
from bot.rules import translate as rules_translate
from bot.text import tokens


def translate(
    dialect: Annotated[
        rules_translate.Dialect, typer.Option("--from", help="The product that the query was written for.")
    ],
    query: Annotated[
        str, typer.Argument(help="The query, in quotes, or - to read it from stdin.", metavar="QUERY")
    ] = "-",
    json: Json = False,
) -> None:
    """Translate another product's query into a query for a rule.

    Lists the parts that cannot be translated. Exit code 1: at least one part is lost.

    Example: wirewatch translate --from brandwatch '{BES} AND (backdoor NEAR/5 law)'
    """
    text = sys.stdin.read() if query == "-" else query
    try:
        translation = rules_translate.translate(text, dialect)
    except rules.QueryError as error:
        terminal.say(_shown(tokens.normalise(text), error))
        raise typer.Exit(UNUSABLE) from None
    if json:
        terminal.answer(
            {
                "query": translation.query,
                "lost": [asdict(note) for note in translation.lost],
                "rewritten": [asdict(note) for note in translation.rewritten],
            }
        )
    else:
        if translation.query:
            terminal.out().print(translation.query, markup=False)
        for title, notes in (("lost", translation.lost), ("rewritten", translation.rewritten)):
            for note in notes:
                terminal.say(f"{title}: {' '.join(note.part.split())[:80]}: {note.what}")
    raise typer.Exit(LEFT if translation.lost or not translation.query else DONE)


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
