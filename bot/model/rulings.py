"""What people decided about stories: these articles tell another event, those two stories tell one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.ids import ArticleId, StoryId


class RulingKind(StrEnum):
    """What people decided about a story."""

    #: These articles are another event than the story that they are in.
    SPLIT = "split"
    #: The story is the same event as another, which remains.
    MERGE = "merge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One decision of a person about stories; obeyed for the rest of them."""

    #: The same when it is delivered again.
    id: str
    at: datetime
    #: Who: the channel's own id of the person, or the name of the account that ran the command.
    by: str
    kind: RulingKind
    #: That the articles leave, or that is merged into ``other``.
    story: StoryId
    #: Of a split.
    articles: tuple[ArticleId, ...] = ()
    #: Of a merge: the story that remains.
    other: StoryId | None = None
    #: When it was carried out; None: it waits for the next turn.
    done_at: datetime | None = None
