"""wirewatch explain: why it matches, or what is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import typer

from bot import app, articles, config, model, ports, rules, summaries
from bot.alerts import routing
from bot.answers import explaining, telling
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir, Json


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
            terminal.out().print(rules.describe(entry.rule), markup=False)
            if not entry.rule.notify:
                terminal.row(f"Goes to {routing.told(settings.bot.routes, entry.rule)}")
        return
    if url:
        article, place = _stored(settings, url)
    else:
        article, place = explaining.typed(text or "", app.Environment(environ={}).clock.now()), None
    found = explaining.explained(settings, article, chosen)
    if json:
        terminal.answer([explaining.document(each, place).model_dump(mode="json") for each in found])
        return
    for number, each in enumerate(found):
        if number:
            terminal.row("")
        terminal.out().print(f"{each.rule}: {'matches' if each.matched else 'does not match'}", markup=False)
        terminal.out().print(each.text(), markup=False)
    for sentence in article.left_out:
        terminal.row(f"left out, since its feed repeats it: {sentence}")
    for line in _lines(place) if place else ():
        terminal.row(line)


def _lines(place: explaining.Place) -> Iterator[str]:
    story = place.story
    count = model.counted(len(story.members), "article")
    yield f"story: {summaries.headline_of(story)} ({story.id}, {count})"
    yield f"joined: {place.join.reason.value}{': ' + place.join.detail if place.join.detail else ''}"
    for decision in place.decisions:
        yield f"decided: {telling.decision(decision)}"
    for each in place.completions:
        cost = model.counted(each.tokens_in + each.tokens_out, "token")
        asked = f"{each.model}, {each.use.value}, prompt version {each.version}, {cost}"
        yield f"asked: {asked}: {each.answer or f'not used, {each.error}'}"


def _chosen(settings: config.Settings, name: str | None) -> list[rules.CompiledRule]:
    found = [entry for entry in settings.rules if name is None or name.casefold() in entry.rule.name.casefold()]
    if not found:
        known = "; ".join(entry.rule.name for entry in settings.rules)
        terminal.fail(f'no loaded rule is named like "{name}". Loaded: {known or "none"}', UNUSABLE)
    return found


def _stored(settings: config.Settings, url: str) -> tuple[model.Article, explaining.Place | None]:
    link = articles.canonical_link(url)

    def work(tx: ports.Transaction, now: datetime) -> tuple[model.Article | None, explaining.Place | None]:
        article = tx.articles.find(link)
        return article, explaining.place_of(tx, article.id) if article else None

    article, place = archive.look(settings, work)
    if article is None:
        terminal.fail(f"no article with the link {link} is in the archive: no feed has brought it yet", UNUSABLE)
    return article, place
