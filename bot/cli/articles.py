"""wirewatch search and explain: find articles of the archive, and say why a rule matches one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import typer

from bot import app, config, model, rules, storage
from bot.alerts import routing
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir, Json
from bot.feeds import links
from bot.model import Span
from bot.queries import building, explaining
from bot.rules import search as searching
from bot.stories import summaries
from bot.stories.summaries import make_excerpts, marked_title


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
        query = searching.SearchQuery(
            condition=searching.parse_search(words) if words.strip() else None,
            outlet=outlet,
            rule=rule,
            since=_moment(since, now),
            until=_moment(until, now),
            before=after,
            most=number,
        )
        if query.condition is None and outlet is None and rule is None:
            terminal.fail("name words, an outlet or a rule", UNUSABLE)
        page = archive.look(
            app.load(folder, os.environ), lambda tx, now: searching.search_page(tx.search.candidates, query)
        )
    except rules.QueryError as error:
        terminal.fail(f"searching: {searching.render_mistake(words, error)}", UNUSABLE)
    if json:
        terminal.answer(building.found_page(page).model_dump(mode="json"))
        return
    for hit in page.hits:
        _show(hit)
    if not page.hits:
        terminal.say("Nothing found.")
    if page.looked_back_to is not None:
        terminal.say(
            f"Looked back to {page.looked_back_to:%Y-%m-%d %H:%M} UTC; these words cannot be looked up faster."
        )
    if page.after is not None:
        terminal.say(f"There may be more: --after {page.after}")


def _moment(written: str | None, now: datetime) -> datetime | None:
    try:
        return searching.parse_moment(written, now) if written else None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _show(hit: searching.SearchHit) -> None:
    article = hit.article
    terminal.row(_marked(marked_title(article, hit.matches)), style="bold")
    terminal.row(f"  {article.outlet} · {article.when:%Y-%m-%d %H:%M} UTC · {article.link}", style="dim")
    for piece in make_excerpts(article, hit.matches, most=2):
        terminal.row(f"  {_marked(piece)}")


def _marked(piece: tuple[Span, ...]) -> str:
    return "".join(f"[{span.text}]" if span.is_marked else span.text for span in piece)


def explain(
    rule: Annotated[str | None, typer.Argument(help="A rule's name, or a part of it.", metavar="RULE")] = None,
    folder: ConfigDir = DEFAULT_CONFIG,
    url: Annotated[str | None, typer.Option(help="An article in the archive.", metavar="ADDRESS")] = None,
    text: Annotated[str | None, typer.Option(help="Any text, as if it were a headline.", metavar="TEXT")] = None,
    json: Json = False,
) -> None:
    """Describe a rule, or show why it matches an article.

    Describes it in plain English, or shows which of its lines match, on which words, and what is missing.

    Example: wirewatch explain "BlackBerry backdoor" --text "BlackBerry quits Pakistan over BES backdoor"
    """
    settings = app.load(folder, os.environ)
    chosen = _chosen(settings, rule)
    if url is None and text is None:
        if rule is None:
            terminal.fail("name a rule, or an article by --url or --text", UNUSABLE)
        if len(chosen) > 1:
            terminal.say(f'{len(chosen)} rules have "{rule}" in their names:')
        for number, entry in enumerate(chosen):
            if number:
                terminal.row("")
            terminal.row(entry.rule.name, style="bold")
            terminal.out().print(rules.describe_rule(entry.rule), markup=False)
            if not entry.rule.notify:
                terminal.row(f"Goes to {routing.describe_routes(settings.bot.routes, entry.rule)}")
        return
    if url:
        article, place = _stored(settings, url)
    else:
        article, place = explaining.typed(text or "", app.Environment(environ={}).clock.now()), None
    explanations = explaining.explained(settings, article, chosen)
    if json:
        terminal.answer(
            [explaining.document(explanation, place).model_dump(mode="json") for explanation in explanations]
        )
        return
    for number, explanation in enumerate(explanations):
        if number:
            terminal.row("")
        terminal.out().print(
            f"{explanation.rule}: {'matches' if explanation.matched else 'does not match'}", markup=False
        )
        terminal.out().print(explanation.text(), markup=False)
    for sentence in article.left_out:
        terminal.row(f"left out, since its feed repeats it: {sentence}")
    for line in _lines(place) if place else ():
        terminal.row(line)


def _lines(place: explaining.Place) -> Iterator[str]:
    story = place.story
    count = model.format_count(len(story.members), "article")
    yield f"story: {summaries.story_headline(story)} ({story.id}, {count})"
    yield f"joined: {place.join.reason.value}{': ' + place.join.detail if place.join.detail else ''}"
    for decision in place.decisions:
        yield f"decided: {building.describe_decision(decision)}"
    for completion in place.completions:
        cost = model.format_count(completion.tokens_in + completion.tokens_out, "token")
        request = f"{completion.model}, {completion.use.value}, prompt version {completion.version}, {cost}"
        yield f"asked: {request}: {completion.answer or f'not used, {completion.error}'}"


def _chosen(settings: config.Settings, name: str | None) -> list[rules.CompiledRule]:
    entries = [entry for entry in settings.rules if name is None or name.casefold() in entry.rule.name.casefold()]
    if not entries:
        names = "; ".join(entry.rule.name for entry in settings.rules)
        terminal.fail(f'no loaded rule is named like "{name}". Loaded: {names or "none"}', UNUSABLE)
    return entries


def _stored(settings: config.Settings, url: str) -> tuple[model.Article, explaining.Place | None]:
    link = links.canonical_link(url)

    def work(tx: storage.Transaction, now: datetime) -> tuple[model.Article | None, explaining.Place | None]:
        article = tx.articles.find(link)
        return article, explaining.place_of(tx, article.id) if article else None

    article, place = archive.look(settings, work)
    if article is None:
        terminal.fail(f"no article with the link {link} is in the archive: no feed has listed it yet", UNUSABLE)
    return article, place
