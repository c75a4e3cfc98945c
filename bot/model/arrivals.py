"""Work for the decision queue: matched articles, edits of stored ones, and pending answers of a language model."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.articles import Article
from bot.model.ids import StoryId
from bot.model.prompts import Prompt
from bot.model.rules import Match
from bot.model.stories import Edit, Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A matched article that is not yet in a story."""

    article: Article
    matches: tuple[Match, ...]
    is_baseline: bool
    #: Log id of the poll that found it.
    poll: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A stored article whose text or title changed."""

    article: Article
    matches: tuple[Match, ...]
    #: Material changes only; empty for a typo.
    edits: tuple[Edit, ...]
    #: Log id of the poll that found it.
    poll: str = ""
    #: For a live page, the version before: its additions are news, not corrections. None for an article.
    live_before: Article | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Facts or wording of an article in its story that wait for a language model's answer."""

    story: StoryId
    #: The prompt, built from the story as it was when the article came.
    prompt: Prompt
    #: The facts to post without an answer, and the facts from which the answer chooses.
    facts: tuple[Fact, ...] = ()
    offered: tuple[Fact, ...] = ()
    #: Key of another prompt; this prompt is sent only if that one gets no answer. Empty: send at once.
    unless: str = ""

    @property
    def key(self) -> str:
        """The key in the queue; differs from the article's id, since the article may be queued as well."""
        return f"{self.prompt.use} {self.prompt.key}"
