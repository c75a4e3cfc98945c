"""The answers of a language model about queued and decided articles: data that a turn reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.model.stories import ArticleId, Fact, StoryId
from bot.stories.opinions import Opinion


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleAnswers:
    """A model's answers about an article before its decision."""

    opinion: Opinion | None = None
    #: The new facts of the article in the story ``choice_in``, or None if the model has chosen none of them.
    choice: tuple[Fact, ...] | None = None
    choice_in: StoryId | None = None
    #: Rule -> why the article is not about its subject.
    rejected: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LateAnswer:
    """An answer that came after a decision: about an article, or a translation of a story's message."""

    article: ArticleId | None = None
    #: The stories whose event the article reports, with their probabilities by the article's words.
    same: Mapping[StoryId, float] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    story: StoryId | None = None
    #: Key of the prompt for the translation.
    translation: str = ""
