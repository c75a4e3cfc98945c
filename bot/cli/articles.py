"""wirewatch search, and the part of explain that reads the archive: find stored articles."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from bot import app, config
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir, Json
from bot.durations import format_count
from bot.model.messages import Span
from bot.model.stories import Article
from bot.queries.articles import (
    ArticlesParameters,
    FoundPage,
    StoryPlace,
    find_article,
    find_articles,
)
from bot.queries.registry import read_parameters
from bot.queries.stories import describe_decision, describe_join, describe_message, describe_sources
from bot.stories import summaries


def search(
    query: Annotated[list[str] | None, typer.Argument(help="Words or a query, as in a rule.", metavar="WORDS")] = None,
    folder: ConfigDir = DEFAULT_CONFIG,
    outlet: Annotated[str | None, typer.Option(help="Only outlets whose names contain these words.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only articles that match this rule.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Only articles first seen since this day (2026-11-30) or within this time (30d).", metavar="WHEN"
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="Only articles first seen before this day or longer ago than this time.", metavar="WHEN"),
    ] = None,
    number: Annotated[int, typer.Option(help="Maximum number of articles.", min=1, max=1_000, metavar="NUMBER")] = 20,
    after: Annotated[
        int | None,
        typer.Option(help="Show the next page: the number that is printed below a page.", metavar="NUMBER"),
    ] = None,
    json: Json = False,
) -> None:
    """Search the stored articles, newest first.

    An article must contain all words. Phrases, OR, NOT, NEAR and fields work as in a rule's query.

    Example: wirewatch search "blackberry backdoor OR bes" --outlet dawn --since 30d
    """
    words = " ".join(query or ()).strip()
    if not (words or outlet or rule):
        terminal.fail("enter words, or choose an outlet or a rule with --outlet or --rule", UNUSABLE)
    selection = {"outlet": outlet, "rule": rule, "since": since, "until": until}
    filters: dict[str, object] = {name: value for name, value in selection.items() if value}
    if after is not None:
        filters["after"] = str(after)
    parameters = read_parameters(_SearchParameters, {**filters, "limit": number})
    page = archive.look(app.load(folder, os.environ), lambda archive: find_articles(archive, parameters, words))
    if json:
        terminal.answer(FoundPage.of(page))
        return
    for hit in page.hits:
        terminal.row(_marked(summaries.marked_title(hit.article, hit.matches)), style="bold")
        terminal.row(
            f"  {hit.article.outlet} · {hit.article.when:%Y-%m-%d %H:%M} UTC · {hit.article.link}", style="dim"
        )
        for piece in summaries.make_excerpts(hit.article, hit.matches, most=2):
            terminal.row(f"  {_marked(piece)}")
    if not page.hits:
        terminal.say("Nothing found.")
    if page.looked_back_to is not None:
        terminal.say(f"Searched back to {page.looked_back_to:%Y-%m-%d %H:%M} UTC, then time ran out; use rarer words.")
    if page.after is not None:
        terminal.say(f"For the next page, add --after {page.after}")


class _SearchParameters(ArticlesParameters):
    """The options of ``search``, whose pages may be longer than the API's."""

    limit: int


def _marked(piece: Sequence[Span]) -> str:
    return "".join(f"[{span.text}]" if span.is_marked else span.text for span in piece)


def look_up(settings: config.Settings, url: str) -> tuple[Article, StoryPlace | None]:
    """Return the stored article with this address, and its place in a story. Raises Refused."""
    return archive.look(settings, lambda archive: find_article(archive, url))


def describe_place(place: StoryPlace) -> Iterator[str]:
    """Yield the lines that describe an article's place in a story."""
    yield f"story: {place.title} ({place.id}, {format_count(place.article_count, 'article')})"
    yield f"grouping: {describe_join(place.joined)}"
    yield from describe_sources(place.origins, is_official=place.is_official)
    for decision in place.decisions:
        yield f"decided: {describe_decision(decision)}"
    for completion in place.asked:
        cost = format_count(completion.tokens, "token")
        request = f"{completion.model}, {completion.use}, prompt version {completion.prompt_version}, {cost}"
        yield f"asked: {request}: {completion.answer or f'not used, {completion.error}'}"
    for surge in place.surges:
        end = f"{surge.closed_at:%Y-%m-%d %H:%M} UTC" if surge.closed_at else "now"
        peak = f"{surge.count} articles at its peak, usually {surge.usual:.0f}"
        yield f"counted in a surge: {surge.rule}, {surge.since:%Y-%m-%d %H:%M} to {end}, {peak}"
    for message in place.messages:
        yield f"message: {describe_message(message)}"
