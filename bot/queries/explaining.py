"""Explain why rules match an article or what is missing, and where the article is in its story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import config, model, rules, storage
from bot.queries import building, documents
from bot.stories import summaries


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The story of an article, why the article joined it, and the decisions made when it arrived."""

    story: model.Story
    join: model.Join
    decisions: tuple[model.Decision, ...]
    #: Questions to a language model about the article.
    completions: tuple[model.Completion, ...]


def place_of(tx: storage.Transaction, article: model.ArticleId) -> Place | None:
    """Return the place of an article in its story, or None if it matches no rule and so is in no story."""
    story = tx.stories.of_article(article)
    join = next((member.join for member in story.members if member.article.id == article), None) if story else None
    if story is None or join is None:
        return None
    decisions = tuple(decision for decision in tx.stories.decisions(story.id) if decision.article == article)
    return Place(story=story, join=join, decisions=decisions, completions=tuple(tx.completions.about(article)))


def typed(text: str, now: datetime) -> model.Article:
    """Return an article with this headline, which nobody published."""
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


def explained(
    settings: config.Settings,
    article: model.Article,
    chosen: Sequence[rules.CompiledRule],
    *,
    most_steps: int | None = None,
) -> list[rules.Explanation]:
    """Return each rule's explanation of the article, all within ``most_steps``. Raises TooManySteps."""
    feed = next((feed for feed in settings.feeds if feed.url == article.feed), None)
    steps = rules.Steps(most_steps) if most_steps else None
    return [rules.explain_rule(entry, article, feed, steps=steps) for entry in chosen]


def document(explanation: rules.Explanation, place: Place | None) -> documents.ExplainDocument:
    """Build the document of one rule's explanation."""
    story = (
        None
        if place is None
        else documents.StoryPlace(
            id=place.story.id,
            title=summaries.story_headline(place.story),
            joined=documents.JoinDocument.model_validate(place.join),
            decisions=[documents.DecisionDocument.model_validate(decision) for decision in place.decisions],
            asked=[building.completion(completion) for completion in place.completions],
        )
    )
    return documents.ExplainDocument(
        rule=explanation.rule, matched=explanation.matched, text=explanation.text(), story=story
    )
