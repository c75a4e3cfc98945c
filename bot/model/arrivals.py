"""What polling brings to the pipeline: matched articles, and edits of stored ones."""

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
    #: The poll that brought it, as the log names it.
    poll: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A stored article whose text or title changed."""

    article: Article
    matches: tuple[Match, ...]
    #: Material changes only; empty for a typo.
    edits: tuple[Edit, ...]
    #: The poll that brought it, as the log names it.
    poll: str = ""
    #: A live page as it was before: what it adds is news, no correction. None: an article.
    live_before: Article | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What is not told of an article that is in its story, until a language model has answered."""

    story: StoryId
    #: As it was when the article came.
    prompt: Prompt
    #: Told where there is no answer, and those among which the answer chooses.
    facts: tuple[Fact, ...] = ()
    offered: tuple[Fact, ...] = ()
    #: Key of a prompt: only when that one gets no answer is this one asked. Empty: it is asked at once.
    unless: str = ""

    @property
    def key(self) -> str:
        """Another than the article's id, since that may be revised meanwhile."""
        return f"{self.prompt.use} {self.prompt.key}"
