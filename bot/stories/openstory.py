"""An open story in the index: the sums over its articles, to be compared with one more.

Keeps no text; of most members only the identity, the link and a sketch.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice

from bot import model
from bot.stories import copies
from bot.stories.profile import Profile

#: Copies are looked for among this many latest articles; syndication is a matter of hours.
SKETCHES = 60
#: Words of a story that are compared with an article: bounds the time a long story takes.
WORDS = 120
#: Words kept of a story; beyond twice as many the lightest are deleted, so that a story of months stays bounded.
VOCABULARY = 600
#: Articles of a story that are compared one by one: the first and the last.
FIRST, LAST = 2, 4
#: So many articles that were taken out are remembered.
APART = 12
#: A recurring text (a weekly notice) after this time is no copy, a recurring headline no sign of one event.
COPY_AGE, HEADLINE_AGE = timedelta(days=3), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Trace:
    """The data that is kept of an article after it joined."""

    id: model.ArticleId
    when: datetime
    seen: datetime
    link: str
    sketch: copies.Sketch


@dataclass(slots=True)
class OpenStory:
    """One open story."""

    id: model.StoryId
    #: Order of opening: in a merge the older story remains.
    rank: tuple[datetime, datetime, str]
    #: Times of the first and last article, and when the last one arrived.
    first: datetime
    last: datetime
    seen: datetime
    #: One article on several events: only its copies join.
    is_roundup: bool = False
    #: In the index.
    number: int = 0
    #: Articles inside the window.
    members: list[Trace] = field(default_factory=list)
    #: Articles that are compared one by one.
    samples: list[Profile] = field(default_factory=list)
    #: Articles that ever joined.
    size: int = 0
    #: Every word of its articles -> sum of weights.
    totals: dict[str, float] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    #: Word -> articles that have it in the title, in the head.
    titles: Counter[str] = field(default_factory=Counter)
    heads: Counter[str] = field(default_factory=Counter)
    figures: set[str] = field(default_factory=set)
    days: set[date] = field(default_factory=set)
    meanings: set[str] = field(default_factory=set)
    #: Articles that people took out of it.
    apart: list[Profile] = field(default_factory=list)
    rules: set[str] = field(default_factory=set)
    outlets: set[str] = field(default_factory=set)
    #: Of its articles; "" where it is not known.
    languages: set[str] = field(default_factory=set)
    #: Addresses of its articles.
    addresses: set[str] = field(default_factory=set)
    _weights: dict[str, float] | None = None
    _core: tuple[str, ...] | None = None

    @classmethod
    def opened(cls, story: model.StoryId, profile: Profile, *, is_roundup: bool = False) -> OpenStory:
        """Return an empty story that starts with this article."""
        return cls(story, (profile.seen, profile.when, story), profile.when, profile.when, profile.seen, is_roundup)

    @property
    def weights(self) -> Mapping[str, float]:
        """The story's words; only the heaviest of a long story."""
        if self._weights is None:
            self._weights = self.totals
            if len(self.totals) > WORDS:
                heaviest = heapq.nlargest(WORDS, self.totals.items(), key=lambda item: (item[1], item[0]))
                self._weights = dict(heaviest)
        return self._weights

    @property
    def core(self) -> tuple[str, ...]:
        """Words in the heads of at least half of its articles."""
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
        for name, written in profile.names.items():
            self.names.setdefault(name, written)
        self.titles.update(profile.title)
        self.heads.update(profile.head)
        self.figures |= profile.figures
        self.days |= profile.days
        self.meanings |= profile.meanings
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
        for name, written in younger.names.items():
            self.names.setdefault(name, written)
        self.titles.update(younger.titles)
        self.heads.update(younger.heads)
        self.figures |= younger.figures
        self.days |= younger.days
        self.meanings |= younger.meanings
        self.rules |= younger.rules
        self.outlets |= younger.outlets
        self.addresses |= younger.addresses
        self.languages |= younger.languages
        self.apart += younger.apart
        self._span(younger.first, younger.last, younger.seen)

    def trim(self) -> list[str]:
        """Delete the lightest words of a story with too many words; return them."""
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

    def release(self, before: datetime) -> list[Trace]:
        """Delete older articles; return them."""
        gone = [member for member in self.members if member.seen < before]
        if gone:
            self.members = [member for member in self.members if member.seen >= before]
            self.addresses = {member.link for member in self.members}
        return gone

    def since(self, when: datetime) -> timedelta:
        """Return the time from the nearer end of the story."""
        if when > self.last:
            return when - self.last
        return max(self.first - when, timedelta())

    def latest(self, profile: Profile, age: timedelta) -> Iterator[Trace]:
        """Yield the late articles, latest first, that are at most so much older or younger than the article."""
        return (one for one in islice(reversed(self.members), SKETCHES) if abs(profile.when - one.when) <= age)

    def original_of(self, profile: Profile) -> model.ArticleId | None:
        """Return the earliest recent article that this one copies."""
        copied = [one.id for one in self.latest(profile, COPY_AGE) if copies.is_copy(profile.sketch, one.sketch)]
        return copied[-1] if copied else None

    def agrees_at(self, profile: Profile) -> bool:
        """Return whether an article with the same link has about the same title or lead."""
        return any(one.link == profile.link and copies.agree(one.sketch, profile.sketch) for one in self.members)

    def has_headline_of(self, profile: Profile) -> bool:
        """Return whether a recent article has nearly the same headline, and the same first words if both have any."""
        return any(copies.is_same_headline(profile.sketch, one.sketch) for one in self.latest(profile, HEADLINE_AGE))

    def keep_apart(self, profile: Profile) -> None:
        """Record that people took the article out, so that it and articles nearer to it do not join again."""
        self.apart = [*self.apart[1 - APART :], profile]

    def is_apart_from(self, profile: Profile) -> bool:
        """Return whether it was taken out, or is nearer to articles that were than to the story."""
        if not self.apart:
            return False
        if any(one.id == profile.id for one in self.apart):
            return True
        return _nearest(profile, self.apart) >= _nearest(profile, self.samples)

    def is_kept_from(self, other: OpenStory) -> bool:
        """Return whether people took articles of one out of the other."""
        return any(
            {one.id for one in mine.apart} & {one.id for one in theirs.members}
            for mine, theirs in ((self, other), (other, self))
        )

    def _sample(self, reads: Iterable[Profile]) -> None:
        self.samples.extend(reads)
        if len(self.samples) > FIRST + LAST:
            self.samples[FIRST:-LAST] = []

    def _span(self, first: datetime, last: datetime, seen: datetime) -> None:
        self.first = min(self.first, first)
        self.last = max(self.last, last)
        self.seen = max(self.seen, seen)


def _nearest(profile: Profile, others: Iterable[Profile]) -> float:
    """The largest share of title words and first sentence, and of all words, that one of them has in common."""
    return max(
        (
            len(profile.head & one.head) / (1 + min(len(profile.head), len(one.head)))
            + len(profile.weights.keys() & one.weights.keys()) / (1 + min(len(profile.weights), len(one.weights)))
            for one in others
        ),
        default=0.0,
    )


def _pour(weights: Mapping[str, float], totals: dict[str, float]) -> None:
    for word, weight in weights.items():
        totals[word] = totals.get(word, 0.0) + weight
