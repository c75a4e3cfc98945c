"""Why rules match an article, or what is missing; and the story that the article is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import config, model, rules, storage
from bot.queries import building, documents
from bot.stories import summaries


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The story that an article is in, why it is there, and what was decided when it came."""

    story: model.Story
    join: model.Join
    decisions: tuple[model.Decision, ...]
    #: What a language model was asked about the article.
    completions: tuple[model.Completion, ...]


def place_of(tx: storage.Transaction, article: model.ArticleId) -> Place | None:
    """None: it matches no rule, so that it is in no story."""
    story = tx.stories.of_article(article)
    join = next((member.join for member in story.members if member.article.id == article), None) if story else None
    if story is None or join is None:
        return None
    decisions = tuple(decision for decision in tx.stories.decisions(story.id) if decision.article == article)
    return Place(story=story, join=join, decisions=decisions, completions=tuple(tx.completions.about(article)))


def typed(text: str, now: datetime) -> model.Article:
    """A headline that nobody published."""
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
    """Return what each rule says of the article, all within ``most_steps``. Raises TooManySteps."""
    feed = next((feed for feed in settings.feeds if feed.url == article.feed), None)
    steps = rules.Steps(most_steps) if most_steps else None
    return [rules.explain_rule(entry, article, feed, steps=steps) for entry in chosen]


def document(explanation: rules.Explanation, place: Place | None) -> documents.ExplainDocument:
    """One rule's explanation as the answer has it."""
    story = (
        None
        if place is None
        else documents.StoryPlace(
            id=place.story.id,
            title=summaries.story_headline(place.story),
            joined=documents.JoinDocument.model_validate(place.join),
            decisions=[documents.DecisionDocument.model_validate(each) for each in place.decisions],
            asked=[building.completion(each) for each in place.completions],
        )
    )
    return documents.ExplainDocument(
        rule=explanation.rule, matched=explanation.matched, text=explanation.text(), story=story
    )
