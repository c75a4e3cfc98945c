"""A small story of our own about the example, with its matches as the rules would give them."""

from __future__ import annotations

from bot.model.rules import Evidence, Match, Rule, Severity
from bot.model.stories import Article, ArticleId, Join, JoinReason, Member, Story, StoryId
from tests.stories.examples import article

__all__ = ["article", "match", "member", "rule", "story"]

STORY = StoryId("story")


def match(article: Article, rule: str, *found: tuple[str, str, str]) -> Match:
    """``found``: label, field and the words as the article writes them."""
    return Match(
        rule=rule,
        evidence=tuple(
            Evidence(label=label, term=words, field=field, text=words, start=start, end=start + len(words))
            for label, field, words in found
            for start in [(article.title if field == "title" else article.text).index(words)]
        ),
    )


def member(article: Article, *matches: Match, copy_of: ArticleId | None = None) -> Member:
    join = Join(story=STORY, article=article.id, reason=JoinReason.SIMILAR, copy_of=copy_of)
    return Member(article=article, join=join, matches=matches)


def story(*members: Member) -> Story:
    return Story(
        id=STORY,
        title=members[0].article.title,
        first_seen=members[0].article.first_seen,
        last_seen=members[-1].article.first_seen,
        members=members,
    )


def rule(name: str, severity: Severity = Severity.NORMAL) -> Rule:
    return Rule(name=name, notify=("alerts",), severity=severity)
