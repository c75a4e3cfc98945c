"""wirewatch explain: why it matches, or what is missing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from bot import app, articles, config, model, ports, rules
from bot.cli import archive, stories, terminal
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
        for entry in chosen:
            terminal.row(entry.rule.name, style="bold")
            terminal.out.print(rules.describe(entry.rule), markup=False)
        return
    article, place = asyncio.run(_stored(settings, url)) if url else (_typed(text or ""), None)
    feed = _feed_of(settings, article)
    found = [(entry.rule.name, rules.explain(entry.rule, article, feed)) for entry in chosen]
    if json:
        story = place.as_json() if place else None
        terminal.answer([{"rule": name, "matched": e.matched, "text": e.text(), "story": story} for name, e in found])
        return
    for name, explanation in found:
        terminal.out.print(f"{name}: {'matches' if explanation.matched else 'does not match'}", markup=False)
        terminal.out.print(explanation.text(), markup=False)
    for sentence in article.left_out:
        terminal.row(f"left out, since its feed repeats it: {sentence}")
    for line in place.lines() if place else ():
        terminal.row(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The story that an article is in, why it is there, and what was decided when it came."""

    story: model.Story
    join: model.Join
    decisions: tuple[model.Decision, ...]

    def lines(self) -> Iterator[str]:
        yield f"story: {self.story.title} ({self.story.id}, {model.counted(len(self.story.members), 'article')})"
        yield f"joined: {self.join.reason.value}{': ' + self.join.detail if self.join.detail else ''}"
        for decision in self.decisions:
            detail = f" ({decision.detail})" if decision.detail else ""
            yield f"decided: {decision.channel}: {decision.action.value}, {decision.reason.value}{detail}"

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.story.id,
            "title": self.story.title,
            "joined": {"reason": self.join.reason.value, "detail": self.join.detail},
            "decisions": list(map(stories.decision_document, self.decisions)),
        }


def _chosen(settings: config.Settings, name: str | None) -> list[rules.CompiledRule]:
    found = [entry for entry in settings.rules if name is None or name.casefold() in entry.rule.name.casefold()]
    if not found:
        known = "; ".join(entry.rule.name for entry in settings.rules)
        terminal.fail(f'no loaded rule is named like "{name}". Loaded: {known or "none"}', UNUSABLE)
    return found


async def _stored(settings: config.Settings, url: str) -> tuple[model.Article, _Place | None]:
    environment = app.Environment(environ=os.environ)
    async with archive.opened(settings, environment) as store:
        link = articles.canonical_link(url)
        article = await store.read(lambda tx: tx.articles.find(link))
        place = await store.read(lambda tx: _place(tx, article.id)) if article else None
    if article is None:
        terminal.fail(f"no article with the link {link} is in the archive: no feed has brought it yet", UNUSABLE)
    return article, place


def _place(tx: ports.Transaction, article: model.ArticleId) -> _Place | None:
    """None: it matches no rule, so that it is in no story."""
    story = tx.stories.of_article(article)
    join = next((member.join for member in story.members if member.article.id == article), None) if story else None
    if story is None or join is None:
        return None
    decisions = tuple(decision for decision in tx.stories.decisions(story.id) if decision.article == article)
    return _Place(story=story, join=join, decisions=decisions)


def _typed(text: str) -> model.Article:
    """A headline that nobody published."""
    now = app.Environment(environ={}).clock.now()
    return model.Article(
        id=model.ArticleId(""),
        feed="",
        outlet="",
        owner="",
        link="",
        title=text,
        text="",
        first_seen=now,
        fingerprint="",
    )


def _feed_of(settings: config.Settings, article: model.Article) -> model.Feed | None:
    return next((feed for feed in settings.feeds if feed.url == article.feed), None)
