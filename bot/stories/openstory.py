"""Hold an open story in memory, to compare with the next article.

A story keeps the words of its first report and of members that surely belong to it, and of all other members only the
times, the link and a sketch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

import msgspec

from bot.model.stories import ArticleId, StoryId
from bot.stories import copies, likeness
from bot.stories.profile import Profile

#: Maximum latest articles that are checked for copies, because syndicated copies appear within hours.
SKETCHES = 60
#: Number of first and last sure members whose words are kept.
FIRST, LAST = 4, 8
#: Maximum number of remembered articles that people moved out of a story.
APART = 12
#: After COPY_AGE, an equal text is a recurring one (a weekly notice), not a copy. After HEADLINE_AGE, an equal headline
#: does not prove the same event.
COPY_AGE, HEADLINE_AGE = timedelta(days=3), timedelta(days=1)


class Trace(msgspec.Struct, frozen=True):
    """The data that an open story keeps of every article."""

    id: ArticleId
    when: datetime
    seen: datetime
    link: str
    owner: str
    sketch: copies.Sketch


class OpenStory(msgspec.Struct):
    """An open story."""

    id: StoryId
    #: Sort key by time of opening. A merge keeps the oldest story.
    rank: tuple[datetime, datetime, str]
    #: Times of publication of the earliest and of the latest article.
    first: datetime
    last: datetime
    #: Time at which the last article arrived.
    seen: datetime
    #: Whether the story is a round-up: one article about several events, which only copies join.
    is_roundup: bool = False
    #: Articles that ``release`` has not deleted.
    members: list[Trace] = msgspec.field(default_factory=list)
    #: The first report and sure members, with which articles are compared.
    samples: list[Profile] = msgspec.field(default_factory=list)
    #: Articles that people moved out of the story.
    apart: list[Profile] = msgspec.field(default_factory=list)
    rules: set[str] = msgspec.field(default_factory=set)
    addresses: set[str] = msgspec.field(default_factory=set)

    @classmethod
    def opened(cls, story: StoryId, profile: Profile, *, is_roundup: bool = False) -> OpenStory:
        """Return an empty story; the caller adds the article, which opens it."""
        return cls(story, (profile.seen, profile.when, story), profile.when, profile.when, profile.seen, is_roundup)

    @property
    def opened_at(self) -> datetime:
        """Return when the first article of the story arrived."""
        return self.rank[0]

    @property
    def words(self) -> set[str]:
        """Return the words of the samples."""
        return {word for sample in self.samples for word in sample.weights}

    @property
    def names(self) -> dict[str, str]:
        """Return the names in the samples, with their spelling."""
        return {name: written for sample in self.samples for name, written in sample.names.items()}

    @property
    def is_background(self) -> bool:
        """Return whether the story began with comment, a guide or a question."""
        return bool(self.samples) and self.samples[0].is_background

    def add(self, profile: Profile, *, is_sure: bool) -> None:
        """Add an article. If it does not surely belong to the story, no later article is compared with it."""
        self.members.append(Trace(profile.id, profile.when, profile.seen, profile.link, profile.owner, profile.sketch))
        if is_sure or not self.samples:
            self._sample((profile,))
        self.rules |= profile.rules
        self.addresses.add(profile.link)
        self._extend(profile.when, profile.when, profile.seen)

    def absorb(self, younger: OpenStory) -> None:
        """Add all articles of a younger story."""
        self.members.extend(younger.members)
        self._sample(younger.samples)
        self.rules |= younger.rules
        self.addresses |= younger.addresses
        self.apart += younger.apart
        self._extend(younger.first, younger.last, younger.seen)

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
        """Yield, of the last SKETCHES articles, the ones within ``age`` of this article, last first."""
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
        rarities = likeness.Rarities()
        moved, kept = (
            max(likeness.cosines(profile.weights, [sample.weights for sample in samples], rarities))
            for samples in (self.apart, self.samples)
        )
        return moved >= kept

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

    def _extend(self, first: datetime, last: datetime, seen: datetime) -> None:
        self.first = min(self.first, first)
        self.last = max(self.last, last)
        self.seen = max(self.seen, seen)
