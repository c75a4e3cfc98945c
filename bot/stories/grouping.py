"""Coverage becomes stories: each article joins the open story that it tells, or opens one.

An index in memory over the open stories; no I/O, no clock. What is new in a story and whether to speak is decided
elsewhere.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot import model
from bot.stories import background, profile, resemblance
from bot.stories.profile import Profile

#: How many open stories are compared in full.
CANDIDATES = 8
#: A word in more open stories than this finds no candidates: it could not tell them apart.
COMMON = 1500


@dataclass(slots=True)
class _Open:
    """One open story in the index."""

    id: model.StoryId
    rank: tuple[datetime, str]
    last: datetime
    members: list[Profile] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)


def order(articles: Iterable[model.Article]) -> tuple[model.Article, ...]:
    """The order of joining: time of telling, then link, then id."""
    return tuple(sorted(articles, key=lambda article: (article.when, article.link, article.id)))


def story_id(article: model.ArticleId) -> model.StoryId:
    """The id of the story that an article opens."""
    return model.StoryId(hashlib.sha256(f"story\n{article}".encode()).hexdigest()[:20])


class Grouping:
    """The open stories; joins are decided one after another."""

    def __init__(self, *, window: timedelta) -> None:
        self._window = window
        self._stories: dict[model.StoryId, _Open] = {}
        self._joins: dict[model.ArticleId, model.Join] = {}
        self._postings: defaultdict[str, dict[model.StoryId, None]] = defaultdict(dict)
        self._links: defaultdict[str, dict[model.StoryId, None]] = defaultdict(dict)

    def knows(self, article: model.ArticleId) -> bool:
        """The article stands in an open story."""
        return article in self._joins

    def load(self, stories: Iterable[model.Story]) -> None:
        """Take up the open stories of the store, at start."""
        for story in stories:
            if story.merged_into is None:
                for member in story.members:
                    self._add(story.id, profile.of(member.article), member.join)

    def join_batch(self, articles: Iterable[model.Article]) -> tuple[model.Join, ...]:
        """Join a batch; its own order does not matter. Joins come in order of joining."""
        return tuple(self.join(article) for article in order(articles))

    def join(self, article: model.Article) -> model.Join:
        """Decide the article's story and add it to the index; an article that is known keeps its place."""
        known = self._joins.get(article.id)
        if known is not None:
            return known
        read = profile.of(article)
        join = self._decide(read)
        for younger in join.merges:
            self._merge(younger, join.story)
        self._add(join.story, read, join)
        return join

    def forget(self, before: datetime) -> None:
        """Drop stories whose last article is older."""
        for story in [story for story in self._stories.values() if story.last < before]:
            self._drop(story)
            for member in story.members:
                del self._joins[member.id]

    def rarity(self, word: str) -> float:
        """The weight of a word by how few stories hold it."""
        return resemblance.rarity(
            background.table().rates.get(word, 0.0), len(self._postings.get(word, ())), len(self._stories)
        )

    def _decide(self, read: Profile) -> model.Join:
        judged = sorted(
            (
                (resemblance.judge(read, story.members, story.weights, self.rarity), story)
                for story in self._candidates(read)
            ),
            key=lambda pair: (-pair[0].score, pair[1].rank),
        )
        same = [(verdict, story) for verdict, story in judged if verdict.is_same]
        if not same:
            return model.Join(story=story_id(read.id), article=read.id, reason=model.JoinReason.OPENED)
        verdict, _ = same[0]
        ones = [story for other, story in same if other.is_sure] or [same[0][1]]
        home, *younger = sorted(ones, key=lambda story: story.rank)
        return model.Join(
            story=home.id,
            article=read.id,
            reason=verdict.reason,
            detail=verdict.detail,
            copy_of=verdict.copy_of,
            merges=tuple(story.id for story in younger),
        )

    def _candidates(self, read: Profile) -> Sequence[_Open]:
        """The open stories that share the most telling words, and those that share a link."""
        found: defaultdict[model.StoryId, float] = defaultdict(float)
        for word, weight in read.weights.items():
            holders = self._postings.get(word)
            if holders and len(holders) <= COMMON:
                worth = weight * self.rarity(word) ** 2
                for story in holders:
                    found[story] += worth
        for link in (read.link, *read.links):
            for story in self._links.get(link, ()) if link else ():
                found[story] += 1000.0
        near = [
            (worth, self._stories[story].rank, story)
            for story, worth in found.items()
            if abs(read.when - self._stories[story].last) <= self._window
        ]
        return [self._stories[story] for _, _, story in heapq.nlargest(CANDIDATES, near)]

    def _add(self, story: model.StoryId, read: Profile, join: model.Join) -> None:
        home = self._stories.get(story)
        if home is None:
            home = self._stories[story] = _Open(story, (read.when, story), read.when)
        home.members.append(read)
        home.last = max(home.last, read.when)
        for word, weight in read.weights.items():
            home.weights[word] = home.weights.get(word, 0.0) + weight
            self._postings[word][story] = None
        for link in (read.link, *read.links):
            if link:
                self._links[link][story] = None
        self._joins[read.id] = join

    def _drop(self, story: _Open) -> None:
        del self._stories[story.id]
        for word in story.weights:
            self._release(self._postings, word, story.id)
        for link in {link for member in story.members for link in (member.link, *member.links) if link}:
            self._release(self._links, link, story.id)

    @staticmethod
    def _release(table: defaultdict[str, dict[model.StoryId, None]], key: str, story: model.StoryId) -> None:
        del table[key][story]
        if not table[key]:
            del table[key]

    def _merge(self, younger: model.StoryId, older: model.StoryId) -> None:
        story = self._stories[younger]
        self._drop(story)
        for member in story.members:
            self._add(older, member, model.Join(story=older, article=member.id, reason=model.JoinReason.MERGED))
