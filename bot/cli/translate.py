"""wirewatch translate: another product's query in ours."""

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
    dialect: Annotated[rules_translate.Dialect, typer.Option("--from", help="The product whose query it is.")],
    query: Annotated[str, typer.Argument(help="The query, in quotes; - reads it from stdin.", metavar="QUERY")] = "-",
    json: Json = False,
) -> None:
    """Translate another product's query.

    Lists what could not be kept; exit 1 when something was lost.

    Example: wirewatch translate --from brandwatch '{BES} AND (backdoor NEAR/5 law)'
    """
    given = sys.stdin.read() if query == "-" else query
    try:
        found = rules_translate.translate(given, dialect)
    except rules.QueryError as error:
        terminal.say(_shown(tokens.normalise(given), error))
        raise typer.Exit(UNUSABLE) from None
    if json:
        terminal.answer(
            {
                "query": found.query,
                "lost": [asdict(note) for note in found.lost],
                "rewritten": [asdict(note) for note in found.rewritten],
            }
        )
    else:
        if found.query:
            terminal.out().print(found.query, markup=False)
        for title, notes in (("lost", found.lost), ("rewritten", found.rewritten)):
            for note in notes:
                terminal.say(f"{title}: {' '.join(note.part.split())[:80]}: {note.what}")
    raise typer.Exit(LEFT if found.lost or not found.query else DONE)


def _shown(query: str, error: rules.QueryError) -> str:
    """The line of the query with a caret under the mistake."""
    start = min(error.start, len(query))
    first = query.rfind("\n", 0, start) + 1
    line = query[first:].partition("\n")[0]
    before, shown = start - first, line
    if len(line) > 160:
        cut = max(0, before - 60)
        before, shown = before - cut, line[cut : cut + 160]
    number = query.count("\n", 0, start) + 1
    width = max(1, min(error.end - error.start, len(shown) - before))
    told = f"wirewatch: query:{number}:{start - first + 1}: {error.message}\n   {shown}\n   {' ' * before}{'^' * width}"
    return told + (f"\n   = help: {error.help}" if error.help else "")
