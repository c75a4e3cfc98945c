"""Define second opinions on articles whose story is uncertain, and when grouping asks for one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from bot.model.stories import ArticleId, StoryId

#: Grouping asks for a second opinion if the likeliest story's probability is from ASKED_FROM to below ASKED_BELOW, or
#: is lower and a story has no article in the article's language. The range is wide because an article in the wrong
#: story hides its event (bench/quality/desk_grouping.py --oracle; decision record 0048).
ASKED_FROM, ASKED_BELOW = 0.05, 0.95
#: Grouping offers at most ASKED stories with at least the probability OFFERED_FROM, and stories without an article in
#: the article's language.
ASKED, OFFERED_FROM = 3, 0.02
#: An opinion merges two stories if the bot's own probability of each is at least this.
MERGE_FROM = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """An answer about one article. It decides which story the article joins, but never merges two stories alone."""

    #: The stories whose event the article reports, if any.
    stories: tuple[StoryId, ...]
    #: A description for people: the source of the opinion, and its reason.
    detail: str
    #: The owner of the article's outlet. If opinions about two articles of different owners name the same two stories,
    #: those stories are merged.
    owner: str = ""
    #: Stories that an opinion never merges with other stories.
    unmergeable: frozenset[StoryId] = frozenset()


class Agreement:
    """For each pair of stories, the owners of the articles for which an opinion named both stories."""

    def __init__(self) -> None:
        self._owners: dict[frozenset[StoryId], set[str]] = {}

    def add(self, story: StoryId, other: StoryId, owner: str) -> None:
        """Record that an opinion named both stories for an article of this owner."""
        self._owners.setdefault(frozenset((story, other)), set()).add(owner)

    def has_another(self, story: StoryId, other: StoryId, owner: str) -> bool:
        """Return whether an opinion named both stories for an article of another owner."""
        return bool(self._owners.get(frozenset((story, other)), set()) - {owner})

    def forget(self, open_stories: Collection[StoryId]) -> None:
        """Delete the records about stories that are not open."""
        self._owners = {pair: owners for pair, owners in self._owners.items() if pair <= set(open_stories)}


class Undecided(Exception):
    """The opinion is pending, so the article is joined later."""


#: A function of an article and the nearest stories, nearest first. It returns None if it has no opinion, and raises
#: Undecided while the opinion is pending. A call without stories asks whether the article must wait for another
#: article's pending opinion; then None means that it has waited long enough.
SecondOpinion = Callable[[ArticleId, Sequence[StoryId]], Opinion | None]
