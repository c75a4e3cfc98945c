"""Define a language model's opinion about the event of one article."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.model.stories import StoryId

#: An opinion alone joins an article only to a story with at least this probability; below it, two owners must agree.
ALONE_FROM = 0.1
#: Replaces ALONE_FROM for articles that match a rule of severity high, and for merging two stories.
HIGH_FROM = 0.5
#: The number of owners whose articles must have the same answer where one is not enough.
OWNERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """A language model's answer about the event of one article. It counts only for the stories it was asked about."""

    #: The stories that the question offered.
    asked: frozenset[StoryId]
    #: The stories of ``asked`` whose event the article reports, the best first; empty if it reports another event.
    same: tuple[StoryId, ...]
    #: A description for people: the source of the opinion, and its reason.
    detail: str
    #: Story -> the owners of the articles whose answers named it, this article's owner among them.
    owners: Mapping[StoryId, frozenset[str]] = field(default_factory=dict)
