"""What a language model is asked and what it answers, and the operator's settings for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from bot.model.ids import ArticleId
from bot.model.secrets import Secret


class Use(StrEnum):
    """What a language model may be asked for."""

    #: Whether an article that is not certainly of a story tells the same event.
    SAME_EVENT = "same_event"
    #: Which sentences of an article are new in its story.
    FACTS = "facts"
    #: Two sentences that tell a story, in the place of sentences of the article.
    SUMMARY = "summary"
    #: Whether an article is about what its rule says in plain words.
    RELEVANCE = "relevance"
    #: Headline and summary in the language that a channel wants beside the original.
    TRANSLATE = "translate"


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One question: our own words apart from the text of articles, and the form of the answer."""

    use: Use
    #: Counts up when the instructions or the schema change, so that no old answer is reused.
    version: int
    #: Our own words only.
    instructions: str
    #: A JSON document: what is asked about. Text of articles is only here.
    data: str
    #: JSON Schema of the answer, as a JSON document.
    schema: str
    #: The article that is asked about, and beside what: a story's id, a rule's or a language's name.
    article: ArticleId
    beside: str = ""

    @cached_property
    def key(self) -> str:
        """A digest of all that the answer depends on but the model."""
        parts = (self.use, str(self.version), self.instructions, self.data, self.schema)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What one call for an answer brought, and what it cost."""

    key: str
    use: Use
    version: int
    article: ArticleId
    beside: str
    at: datetime
    #: As the configuration names it.
    model: str
    #: The answer, JSON that meets the prompt's schema; None: there is none.
    answer: str | None
    #: Why there is none.
    error: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    took: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What the calls of some period cost together."""

    calls: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModelPolicy:
    """bot.yaml's ``model``."""

    #: The base address of an API that is compatible with OpenAI's, or ``file:`` and a path.
    url: str
    name: str
    uses: frozenset[Use]
    #: None: the endpoint asks for none.
    key: Secret | None = None
    #: Of a day in UTC.
    calls_per_day: int = 500
    tokens_per_day: int = 1_000_000
    #: Of one call.
    timeout: timedelta = timedelta(seconds=20)
    #: How long an undecided article waits for an answer.
    wait: timedelta = timedelta(seconds=20)
    #: Calls under way at the same time.
    at_once: int = 4
