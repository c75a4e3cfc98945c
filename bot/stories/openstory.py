"""Hold an open story in memory: sums over its articles, to compare with the next article.

A story keeps no text, and of most articles only the times, the link and a sketch.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice

from bot.model.stories import ArticleId, StoryId
from bot.stories import copies
from bot.stories.profile import Profile

#: Maximum latest articles that are checked for copies, because syndicated copies appear within hours.
SKETCHES = 60
#: Maximum words of a story that are compared with an article, to limit the time for a long story.
WORDS = 120
#: Words kept per story. At twice this number, the lightest are deleted, so that long stories do not grow without limit.
VOCABULARY = 600
#: Number of first and last articles of a story that are compared individually.
FIRST, LAST = 2, 4
#: Maximum number of remembered articles that people moved out of a story.
APART = 12
#: After COPY_AGE, an equal text is a recurring one (a weekly notice), not a copy. After HEADLINE_AGE, an equal headline
#: does not prove the same event.
COPY_AGE, HEADLINE_AGE = timedelta(days=3), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Trace:
    """The data that an open story keeps of an article."""

    id: ArticleId
    when: datetime
    seen: datetime
    link: str
    sketch: copies.Sketch


@dataclass(slots=True)
class OpenStory:
    """An open story with the sums over its articles."""

    id: StoryId
    #: Sort key by time of opening. A merge keeps the oldest story.
    rank: tuple[datetime, datetime, str]
    #: Time of publication of the earliest article.
    first: datetime
    #: Time of publication of the latest article.
    last: datetime
    #: Time at which the last article arrived.
    seen: datetime
    #: Whether the story is a round-up: one article about several events, which only copies join.
    is_roundup: bool = False
    #: The story's number in the index.
    number: int = 0
    #: Articles that ``release`` has not deleted.
    members: list[Trace] = field(default_factory=list)
    #: Articles that are compared individually.
    samples: list[Profile] = field(default_factory=list)
    #: Number of articles that ever joined.
    size: int = 0
    #: Word of the articles -> sum of its weights.
    totals: dict[str, float] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    #: Word -> number of articles with the word in the title.
    titles: Counter[str] = field(default_factory=Counter)
    #: Word -> number of articles with the word in the head.
    heads: Counter[str] = field(default_factory=Counter)
    places: set[str] = field(default_factory=set)
    figures: set[str] = field(default_factory=set)
    days: set[date] = field(default_factory=set)
    #: Articles that people moved out of the story.
    apart: list[Profile] = field(default_factory=list)
    rules: set[str] = field(default_factory=set)
    outlets: set[str] = field(default_factory=set)
    #: Languages of the articles; "" for an unknown language.
    languages: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    _weights: dict[str, float] | None = None
    _core: tuple[str, ...] | None = None

    @classmethod
    def opened(cls, story: StoryId, profile: Profile, *, is_roundup: bool = False) -> OpenStory:
        """Return an empty story; the caller adds the article, which opens it."""
        return cls(story, (profile.seen, profile.when, story), profile.when, profile.when, profile.seen, is_roundup)

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the story's words with their weights; of a long story, only the heaviest words."""
        if self._weights is None:
            self._weights = self.totals
            if len(self.totals) > WORDS:
                heaviest = heapq.nlargest(WORDS, self.totals.items(), key=lambda item: (item[1], item[0]))
                self._weights = dict(heaviest)
        return self._weights

    @property
    def core(self) -> tuple[str, ...]:
        """Return the words that are in the heads of at least half of the story's articles."""
        if self._core is None:
            self._core = tuple([word for word, count in self.heads.items() if 2 * count >= self.size])
        return self._core

    def add(self, profile: Profile) -> None:
        """Add an article to the sums."""
        self._weights = self._core = None
        self.members.append(Trace(profile.id, profile.when, profile.seen, profile.link, profile.sketch))
        self._sample((profile,))
        self.size += 1
        _pour(profile.weights, self.totals)
        self.names = {**profile.names, **self.names}
        self.titles.update(profile.title)
        self.heads.update(profile.head)
        self.places |= profile.places
        self.figures |= profile.figures
        self.days |= profile.days
        self.rules.update(profile.rules)
        self.outlets.add(profile.outlet)
        self.addresses.add(profile.link)
        self.languages.add(profile.language)
        self._span(profile.when, profile.when, profile.seen)

    def absorb(self, younger: OpenStory) -> None:
        """Add all articles of a younger story."""
        self._weights = self._core = None
        self.members.extend(younger.members)
        self._sample(younger.samples)
        self.size += younger.size
        _pour(younger.totals, self.totals)
        self.names = {**younger.names, **self.names}
        self.titles.update(younger.titles)
        self.heads.update(younger.heads)
        self.places |= younger.places
        self.figures |= younger.figures
        self.days |= younger.days
        self.rules |= younger.rules
        self.outlets |= younger.outlets
        self.addresses |= younger.addresses
        self.languages |= younger.languages
        self.apart += younger.apart
        self._span(younger.first, younger.last, younger.seen)

    def trim(self) -> list[str]:
        """Delete the lightest words if the story has too many, and return the deleted words."""
        if len(self.totals) <= 2 * VOCABULARY:
            return []
        kept = dict(heapq.nlargest(VOCABULARY, self.totals.items(), key=lambda item: (item[1], item[0])))
        gone = [word for word in self.totals if word not in kept]
        self.totals, self._weights, self._core = kept, None, None
        self.names = {name: written for name, written in self.names.items() if name in kept}
        self.titles = Counter({word: count for word, count in self.titles.items() if word in kept})
        self.heads = Counter({word: count for word, count in self.heads.items() if word in kept})
        self.figures &= kept.keys()
        return gone

    def release(self, cutoff: datetime) -> list[Trace]:
        """Delete and return the articles first seen before ``cutoff``."""
        gone = [member for member in self.members if member.seen < cutoff]
        if gone:
            self.members = [member for member in self.members if member.seen >= cutoff]
            self.addresses = {member.link for member in self.members}
        return gone

    def since(self, when: datetime) -> timedelta:
        """Return the time between ``when`` and the nearer end of the story, or zero if ``when`` is within the story."""
        if when > self.last:
            return when - self.last
        return max(self.first - when, timedelta())

    def latest(self, profile: Profile, age: timedelta) -> Iterator[Trace]:
        """Yield those of the last SKETCHES articles that are within ``age`` of the given one, last first."""
        return (member for member in islice(reversed(self.members), SKETCHES) if abs(profile.when - member.when) <= age)

    def original_of(self, profile: Profile) -> ArticleId | None:
        """Return the earliest article that the given one copies, among those within COPY_AGE of it, or None."""
        copied = [
            member.id for member in self.latest(profile, COPY_AGE) if copies.is_copy(profile.sketch, member.sketch)
        ]
        return copied[-1] if copied else None

    def agrees_at(self, profile: Profile) -> bool:
        """Return whether an article with the same link has about the same title or lead."""
        return any(
            member.link == profile.link and copies.agree(member.sketch, profile.sketch) for member in self.members
        )

    def has_headline_of(self, profile: Profile) -> bool:
        """Return whether a recent article has nearly the same headline, and about the same lead if both have one."""
        return any(
            copies.is_same_headline(profile.sketch, member.sketch) for member in self.latest(profile, HEADLINE_AGE)
        )

    def keep_apart(self, profile: Profile) -> None:
        """Record that people moved the article out, so that it and articles nearer to it do not join again."""
        self.apart = [*self.apart[1 - APART :], profile]

    def is_apart_from(self, profile: Profile) -> bool:
        """Return whether the article was moved out, or is nearer to such an article than to the story."""
        if not self.apart:
            return False
        if any(moved.id == profile.id for moved in self.apart):
            return True
        return _nearest(profile, self.apart) >= _nearest(profile, self.samples)

    def is_kept_from(self, other: OpenStory) -> bool:
        """Return whether people moved articles of either story out of the other."""
        return any(
            {profile.id for profile in mine.apart} & {member.id for member in theirs.members}
            for mine, theirs in ((self, other), (other, self))
        )

    def _sample(self, profiles: Iterable[Profile]) -> None:
        self.samples.extend(profiles)
        if len(self.samples) > FIRST + LAST:
            self.samples[FIRST:-LAST] = []

    def _span(self, first: datetime, last: datetime, seen: datetime) -> None:
        self.first = min(self.first, first)
        self.last = max(self.last, last)
        self.seen = max(self.seen, seen)


def _nearest(profile: Profile, profiles: Iterable[Profile]) -> float:
    """Return the highest similarity to one profile: the share of common head words plus that of all common words."""
    return max(
        (
            len(profile.head & other.head) / (1 + min(len(profile.head), len(other.head)))
            + len(profile.weights.keys() & other.weights.keys()) / (1 + min(len(profile.weights), len(other.weights)))
            for other in profiles
        ),
        default=0.0,
    )


def _pour(weights: Mapping[str, float], totals: dict[str, float]) -> None:
    for word, weight in weights.items():
        totals[word] = totals.get(word, 0.0) + weight
