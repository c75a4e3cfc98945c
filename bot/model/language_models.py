"""Language models: prompts, answers and their cost; and encoders, which turn texts into vectors of meaning."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Protocol, TypeAlias

from bot.model.settings import Secret
from bot.model.stories import ArticleId


class Use(StrEnum):
    """A task for a language model."""

    #: Decide whether an article that may belong to a story reports the same event.
    SAME_EVENT = "same_event"
    #: Choose the sentences of an article that are new in its story.
    FACTS = "facts"
    #: Summarise a story in two sentences, in place of sentences of the article.
    SUMMARY = "summary"
    #: Decide whether an article is about the subject that its rule describes in plain words.
    RELEVANCE = "relevance"
    #: Translate headline and summary into the language that a channel wants in addition to the original.
    TRANSLATE = "translate"


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One prompt: our instructions, apart from the text of articles, and the schema of the answer."""

    use: Use
    #: Incremented when the instructions or the schema change, so that no old answer is reused.
    version: int
    #: Our own words only.
    instructions: str
    #: The input as a JSON document. Only this holds text of articles.
    data: str
    #: JSON Schema of the answer, as a JSON document.
    schema: str
    #: The article of the prompt, and what it is compared with: a story's id, a rule's or a language's name.
    article: ArticleId
    beside: str = ""

    @cached_property
    def key(self) -> str:
        """A digest of everything that the answer depends on, except the model."""
        parts = (self.use, str(self.version), self.instructions, self.data, self.schema)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The result of one call, and its cost."""

    key: str
    use: Use
    version: int
    article: ArticleId
    beside: str
    at: datetime
    #: The name in the configuration.
    model: str
    #: JSON that fits the prompt's schema; None: no answer.
    answer: str | None
    #: Why there is no answer.
    error: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    took: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """The total cost of the calls of a period."""

    calls: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModelPolicy:
    """bot.yaml's ``model``."""

    #: The base address of an API that is compatible with OpenAI's, or ``file:`` and a path.
    url: str
    name: str
    uses: frozenset[Use]
    #: None: the endpoint needs none.
    key: Secret | None = None
    #: Limits of a day in UTC.
    calls_per_day: int = 500
    tokens_per_day: int = 1_000_000
    #: The limit of one call.
    timeout: timedelta = timedelta(seconds=20)
    #: How long an undecided article waits for an answer.
    wait: timedelta = timedelta(seconds=20)
    #: Maximum concurrent calls.
    at_once: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """A raw answer, and its cost."""

    #: JSON; not checked against the schema.
    text: str
    tokens_in: int = 0
    tokens_out: int = 0


class LanguageModel(Protocol):
    """Answers prompts, also concurrently."""

    async def ask(self, prompt: Prompt) -> ModelAnswer:
        """Return the model's answer. Raises ModelError."""

    async def close(self) -> None:
        """Close the connections."""


class Advisor(Protocol):
    """Gets prompts answered in the background, within the operator's limits."""

    policy: LanguageModelPolicy

    def is_available(self, now: datetime) -> bool:
        """Return False if the day's budget is spent, or the model has recently failed too often."""

    def has_failed(self, key: str) -> bool:
        """Return whether the prompt with this key was sent and got no answer."""

    def want(self, prompts: Iterable[Prompt]) -> None:
        """Send prompts as soon as possible, except those already sent; the answers go to the store."""


#: Of length 1; the cosine of two is close to 0 for unrelated texts.
Vector: TypeAlias = Sequence[float]


class Encoder(Protocol):
    """A model that encodes texts of several languages."""

    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        """Return one vector for each text, in order. Raises EncoderFailed."""
        ...
