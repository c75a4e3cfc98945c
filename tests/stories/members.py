"""A small story of our own about the example, with its matches as the rules would give them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot import model
from tests.stories import examples

START = datetime(2015, 12, 2, 9, 0, tzinfo=UTC)
STORY = model.StoryId("story")


def article(
    title: str, text: str, *, outlet: str = "Gazette", owner: str = "", minutes: int = 0, language: str = "en"
) -> model.Article:
    at = START + timedelta(minutes=minutes)
    made = examples.article(title, text, at=at, outlet=outlet)
    return replace(made, owner=owner or outlet, language=language, first_seen=at)


def match(article: model.Article, rule: str, *found: tuple[str, str, str]) -> model.Match:
    """``found``: label, field and the words as the article writes them."""
    return model.Match(
        rule=rule,
        rule_version="1",
        evidence=tuple(
            model.Evidence(label=label, term=words, field=field, text=words, start=start, end=start + len(words))
            for label, field, words in found
            for start in [(article.title if field == "title" else article.text).index(words)]
        ),
    )


def member(article: model.Article, *matches: model.Match, copy_of: model.ArticleId | None = None) -> model.Member:
    join = model.Join(story=STORY, article=article.id, reason=model.JoinReason.SIMILAR, copy_of=copy_of)
    return model.Member(article=article, join=join, matches=matches)


def story(*members: model.Member) -> model.Story:
    return model.Story(
        id=STORY,
        title=members[0].article.title,
        first_seen=members[0].article.first_seen,
        last_seen=members[-1].article.first_seen,
        members=members,
    )


def rule(name: str, severity: model.Severity = model.Severity.NORMAL) -> model.Rule:
    return model.Rule(name=name, notify=("alerts",), severity=severity)
