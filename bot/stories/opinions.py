"""Define a language model's opinion about the event of one article, and the stories that a question offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.model.stories import StoryId

if TYPE_CHECKING:
    from bot.stories.grouping import Candidate

#: A question is worth asking if the likeliest story's probability is from ASKED_FROM to below ASKED_BELOW, or if a
#: story has no article in the article's language. The range is wide, because an article in the wrong story hides its
#: event.
ASKED_FROM, ASKED_BELOW = 0.02, 0.95
#: A question offers at most ASKED stories with at least the probability OFFERED_FROM, and stories without an article in
#: the article's language.
ASKED, OFFERED_FROM = 3, 0.01
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
    #: Sentences of the article that are news in the story.
    updates: tuple[str, ...] = ()


def choose_offered(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the stories to offer in a question, likeliest first; empty if no question is needed."""
    if any(candidate.is_certain or candidate.chance >= ASKED_BELOW for candidate in candidates):
        return []
    foreign_stories = [candidate for candidate in candidates if candidate.is_untranslated]
    likely = [
        candidate
        for candidate in candidates
        if candidate.chance >= OFFERED_FROM and not candidate.story.is_roundup and not candidate.is_untranslated
    ][:ASKED]
    if not foreign_stories and not any(candidate.chance >= ASKED_FROM for candidate in likely):
        return []
    return likely + foreign_stories
