"""Decisions of people about stories: articles that are about a different event, stories that are the same event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.ids import ArticleId, StoryId


class RulingKind(StrEnum):
    """The kind of a ruling."""

    #: These articles are about a different event than their story.
    SPLIT = "split"
    #: The story is the same event as another, which remains.
    MERGE = "merge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One decision of a person about stories; grouping never undoes it."""

    #: The same if the request is delivered again.
    id: str
    at: datetime
    #: The channel's id of the person, or the name of the account that ran the command.
    by: str
    kind: RulingKind
    #: The story that the articles leave, or that is merged into ``other``.
    story: StoryId
    #: For a split: the articles that leave.
    articles: tuple[ArticleId, ...] = ()
    #: For a merge: the story that remains.
    other: StoryId | None = None
    #: When it was carried out; None: in the next turn.
    done_at: datetime | None = None
