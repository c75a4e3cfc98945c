"""A language model, and the advisor that sends prompts to it within limits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.model.ids import ArticleId
from bot.model.prompts import Completion, LanguageModelPolicy, Prompt, Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A raw answer, and its cost."""

    #: JSON; not checked against the schema.
    text: str
    tokens_in: int = 0
    tokens_out: int = 0


class LanguageModel(Protocol):
    """Answers prompts, also concurrently."""

    async def ask(self, prompt: Prompt) -> Answered:
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


class Completions(Protocol):
    """Every answer of a language model, and every failure."""

    def add(self, completion: Completion) -> None:
        """Keep what one call brought."""

    def answers(self, keys: Collection[str], *, by: str) -> Mapping[str, str]:
        """Key of a prompt -> the newest answer of the model named ``by``; prompts without one are left out."""

    def spent(self, *, since: datetime, owner: str | None = None) -> Spent:
        """Return what all calls since then cost, failures included; ``owner``: only those about its articles."""

    def about(self, article: ArticleId) -> Sequence[Completion]:
        """What was asked about an article, oldest first."""

    def since(self, when: datetime) -> Sequence[Completion]:
        """All calls at ``when`` or later, oldest first."""
