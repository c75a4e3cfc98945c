"""wirewatch search: articles of the archive by their words."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated

import typer

from bot import app, rules
from bot.answers import building
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir, Json
from bot.model import Span
from bot.rules import search as searching
from bot.summaries.excerpts import excerpts, marked_title


def search(
    words: Annotated[str, typer.Argument(help="Words or a query, as in a rule.", metavar="WORDS")] = "",
    folder: ConfigDir = DEFAULT_CONFIG,
    outlet: Annotated[str | None, typer.Option(help="Only outlets with these words in their names.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only articles that this rule matched.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Seen since this day or for this long: 2026-11-30, 30d.", metavar="WHEN")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Seen before this day or longer ago.", metavar="WHEN")] = None,
    number: Annotated[int, typer.Option(help="Articles at most.", min=1, max=1_000, metavar="NUMBER")] = 20,
    after: Annotated[int | None, typer.Option(help="Go on where a page ended.", metavar="NUMBER")] = None,
    json: Json = False,
) -> None:
    """Search the stored articles, newest first.

    Words side by side must all be there; phrases, OR, NOT, NEAR and fields work as in a rule's query.

    Example: wirewatch search "blackberry backdoor OR bes" --outlet dawn --since 30d
    """
    now = app.Environment(environ=os.environ).clock.now()
    try:
        asked = searching.Asked(
            wanted=searching.read(words) if words.strip() else None,
            outlet=outlet,
            rule=rule,
            since=_moment(since, now),
            until=_moment(until, now),
            before=after,
            most=number,
        )
        if asked.wanted is None and outlet is None and rule is None:
            terminal.fail("name words, an outlet or a rule", UNUSABLE)
        page = archive.look(app.load(folder, os.environ), lambda tx, now: searching.look(tx, asked))
    except rules.QueryError as error:
        terminal.fail(f"searching: {searching.located(words, error)}", UNUSABLE)
    if json:
        terminal.answer(building.found_page(page).model_dump(mode="json"))
        return
    for one in page.found:
        _show(one)
    if not page.found:
        terminal.say("Nothing found.")
    if page.looked_back_to is not None:
        terminal.say(
            f"Looked back to {page.looked_back_to:%Y-%m-%d %H:%M} UTC; these words cannot be looked up faster."
        )
    if page.after is not None:
        terminal.say(f"There may be more: --after {page.after}")


def _moment(written: str | None, now: datetime) -> datetime | None:
    try:
        return searching.moment(written, now) if written else None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _show(one: searching.Found) -> None:
    article = one.article
    terminal.row(_marked(marked_title(article, one.matches)), style="bold")
    terminal.row(f"  {article.outlet} · {article.when:%Y-%m-%d %H:%M} UTC · {article.link}", style="dim")
    for piece in excerpts(article, one.matches, most=2):
        terminal.row(f"  {_marked(piece)}")


def _marked(piece: tuple[Span, ...]) -> str:
    return "".join(f"[{span.text}]" if span.is_marked else span.text for span in piece)
