"""A language model, and what is kept of its answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot import model


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer, and what it cost."""

    #: JSON; not checked against the schema.
    text: str
    tokens_in: int = 0
    tokens_out: int = 0


class LanguageModel(Protocol):
    """Answers prompts, one at a time or several side by side."""

    async def ask(self, prompt: model.Prompt) -> Answered:
        """The model's answer. Raises ModelError."""

    async def close(self) -> None:
        """Close the connections."""


class Advisor(Protocol):
    """Has prompts answered within the operator's limits, beside whoever wants the answers."""

    policy: model.LanguageModelPolicy

    def is_available(self, now: datetime) -> bool:
        """False: the day's budget is spent, or the model has failed too often of late."""

    def has_failed(self, key: str) -> bool:
        """Whether the prompt of this key was asked and got no answer."""

    def want(self, prompts: Iterable[model.Prompt]) -> None:
        """Ask them as soon as there is room; the answers are found in the store. One that is under way is left."""


class Completions(Protocol):
    """Every answer of a language model, and every failure."""

    def add(self, completion: model.Completion) -> None:
        """Keep what one call brought."""

    def answers(self, keys: Collection[str], *, by: str) -> Mapping[str, str]:
        """Key of a prompt -> the newest answer of the model named ``by``; prompts without one are left out."""

    def spent(self, *, since: datetime, owner: str | None = None) -> model.Spent:
        """Return what all calls since then cost, failures included; ``owner``: only those about its articles."""

    def about(self, article: model.ArticleId) -> Sequence[model.Completion]:
        """What was asked about an article, oldest first."""

    def since(self, when: datetime) -> Sequence[model.Completion]:
        """All calls at ``when`` or later, oldest first."""
