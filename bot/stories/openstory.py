"""An open story in the index: the sums over its articles, to be compared with one more.

Keeps no text; a member is its identity, its links and a sketch.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot import model
from bot.stories import copies
from bot.stories.profile import Profile

#: Copies are looked for among this many latest articles; syndication is a matter of hours.
SKETCHES = 60
#: Words of a story that are compared with an article: bounds the time a long story takes.
WORDS = 150
#: Words kept of a story; beyond twice as many the lightest are let go, so that a story of months stays bounded.
VOCABULARY = 600
#: A recurring text (a weekly notice) after this time is no copy.
COPY_AGE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Trace:
    """What stays of a joined article."""

    id: model.ArticleId
    when: datetime
    seen: datetime
    link: str
    links: tuple[str, ...]
    sketch: copies.Sketch


@dataclass(slots=True)
class OpenStory:
    """One open story; comparable with an article (resemblance.Told)."""

    id: model.StoryId
    #: Order of opening: the older story lives on in a merge.
    rank: tuple[datetime, datetime, str]
    #: From the first to the last telling, and when the last article came.
    first: datetime
    last: datetime
    seen: datetime
    #: Those that came inside the window.
    members: list[Trace] = field(default_factory=list)
    #: Articles that ever joined.
    size: int = 0
    #: Every word of its articles -> sum of weights.
    totals: dict[str, float] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    words_read: int = 0
    _heads: Counter[str] = field(default_factory=Counter)
    head_numbers: set[str] = field(default_factory=set)
    #: Days of the calendar that its articles name.
    days: set[date] = field(default_factory=set)
    _core: dict[str, float] | None = None

    @classmethod
    def opened(cls, story: model.StoryId, read: Profile) -> OpenStory:
        return cls(story, (read.seen, read.when, story), read.when, read.when, read.seen)

    @property
    def is_bare(self) -> bool:
        return all(not member.sketch.length for member in self.members)

    @property
    def length(self) -> float:
        return self.words_read / max(1, self.size)

    @property
    def head_names(self) -> AbstractSet[str]:
        """Names in the heads of at least half of its articles."""
        return {name for name, count in self._heads.items() if 2 * count >= self.size}

    @property
    def weights(self) -> Mapping[str, float]:
        """Its words, of a long story the heaviest."""
        if self._core is None:
            self._core = self.totals
            if len(self.totals) > WORDS:
                heaviest = heapq.nlargest(WORDS, self.totals.items(), key=lambda item: (item[1], item[0]))
                self._core = dict(heaviest)
        return self._core

    def add(self, read: Profile) -> None:
        self._core = None
        self.members.append(Trace(read.id, read.when, read.seen, read.link, read.links, read.sketch))
        self.size += 1
        _pour(read.weights, self.totals)
        for name, written in read.names.items():
            self.names.setdefault(name, written)
        self._heads.update(read.head_names)
        self.head_numbers |= read.head_numbers
        self.days |= read.days
        self.words_read += read.length
        self._span(read.when, read.when, read.seen)

    def absorb(self, younger: OpenStory) -> None:
        """Both are one."""
        self._core = None
        self.members.extend(younger.members)
        self.size += younger.size
        _pour(younger.totals, self.totals)
        for name, written in younger.names.items():
            self.names.setdefault(name, written)
        self._heads.update(younger._heads)
        self.head_numbers |= younger.head_numbers
        self.days |= younger.days
        self.words_read += younger.words_read
        self._span(younger.first, younger.last, younger.seen)

    def trim(self) -> list[str]:
        """Let go of the lightest words of a story that has grown too wide; gives them."""
        if len(self.totals) <= 2 * VOCABULARY:
            return []
        kept = dict(heapq.nlargest(VOCABULARY, self.totals.items(), key=lambda item: (item[1], item[0])))
        gone = [word for word in self.totals if word not in kept]
        self.totals, self._core = kept, None
        self.names = {name: written for name, written in self.names.items() if name in kept}
        self._heads = Counter({name: count for name, count in self._heads.items() if name in kept})
        self.head_numbers &= kept.keys()
        return gone

    def release(self, before: datetime) -> list[Trace]:
        """Let go of the articles that came before; gives them."""
        gone = [member for member in self.members if member.seen < before]
        if gone:
            self.members = [member for member in self.members if member.seen >= before]
        return gone

    def since(self, when: datetime) -> timedelta:
        """From the nearer end of the story's telling."""
        if when > self.last:
            return when - self.last
        return max(self.first - when, timedelta())

    def original_of(self, read: Profile) -> model.ArticleId | None:
        """The earliest of the late articles whose text this one copies."""
        for member in self.members[-SKETCHES:]:
            if abs(read.when - member.when) <= COPY_AGE and copies.is_copy(read.sketch, member.sketch):
                return member.id
        return None

    def links_with(self, read: Profile) -> bool:
        """One names the other's address."""
        return any(
            (member.link and member.link in read.links) or (read.link and read.link in member.links)
            for member in self.members
        )

    def has_link(self, link: str) -> bool:
        return any(member.link == link for member in self.members)

    def _span(self, first: datetime, last: datetime, seen: datetime) -> None:
        self.first = min(self.first, first)
        self.last = max(self.last, last)
        self.seen = max(self.seen, seen)


def _pour(weights: Mapping[str, float], totals: dict[str, float]) -> None:
    for word, weight in weights.items():
        totals[word] = totals.get(word, 0.0) + weight
