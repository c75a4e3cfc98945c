"""Coverage becomes stories: each article joins the open story that it tells, or opens one.

    article → profile → index.near → resemblance.compare → join, merge or open

In memory and pure: no I/O, no clock. What is new in a story and whether to speak is decided elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot import model
from bot.stories import profile, resemblance
from bot.stories.index import Index
from bot.stories.openstory import OpenStory
from bot.stories.profile import Profile
from bot.stories.resemblance import Evidence

#: The score that an article must have with each of two stories, and they with each other, to make them one: a merge is
#: never undone (2.0 joins fewer repeats, 0.5 hides more).
MERGE = 1.0
#: Added to the score where no words need to be weighed: a copy, and above it the same link.
CERTAIN = 100.0
#: A text is looked for among a story's texts only where its words are this much the story's.
LIKE_A_COPY = 0.3
#: A best story that leads the next by less than this (in likeness of words) must show more: of two that look as near
#: one is a look-alike, and often both are. The cost of a full tie is TIE * TIE_COST.
TIE, TIE_COST = 0.08, 6.0
#: Shared words named in a reason.
NAMED = 4


@dataclass(frozen=True, slots=True)
class _Judged:
    """One open story as the home of an article."""

    story: OpenStory
    score: float
    reason: model.JoinReason
    evidence: Evidence
    copy_of: model.ArticleId | None


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
        self._index = Index()
        self._joins: dict[model.ArticleId, model.Join] = {}

    def knows(self, article: model.ArticleId) -> bool:
        """The article stands in an open story."""
        return article in self._joins

    def load(self, stories: Iterable[model.Story]) -> None:
        """Take up the open stories of the store, at start."""
        for story in stories:
            if story.merged_into is None:
                for member in story.members:
                    self._add(profile.of(member.article), replace(member.join, story=story.id))

    def join_batch(self, articles: Iterable[model.Article]) -> tuple[model.Join, ...]:
        """Join a batch, whose own order does not matter; joins come in the order of joining."""
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
        self._add(read, join)
        return join

    def forget(self, before: datetime) -> None:
        """Let go of the articles that came before, and of the stories whose last they were."""
        for member in self._index.forget(before):
            self._joins.pop(member.id, None)

    def _add(self, read: Profile, join: model.Join) -> None:
        if read.id not in self._joins:
            self._index.add(join.story, read)
            self._joins[read.id] = join

    def _decide(self, read: Profile) -> model.Join:
        judged = _weigh_ties([self._judge(read, story) for story in self._index.near(read, self._window)])
        same = sorted((one for one in judged if one.score > 0), key=lambda one: (-one.score, one.story.rank))
        if not same:
            detail = self._reason_to_open(judged)
            return model.Join(story=story_id(read.id), article=read.id, reason=model.JoinReason.OPENED, detail=detail)
        best = same[0]
        ones = [best.story, *(one.story for one in same[1:] if self._are_one(best, one))]
        home, *younger = sorted(ones, key=lambda story: story.rank)
        return model.Join(
            story=home.id,
            article=read.id,
            reason=best.reason,
            detail=self._reason_to_join(read, best),
            copy_of=best.copy_of,
            merges=tuple(story.id for story in younger),
        )

    def _judge(self, read: Profile, story: OpenStory) -> _Judged:
        since, linked = story.since(read.when), story.links_with(read)
        found = resemblance.compare(read, story, self._index.rarity, since=since, linked=linked)
        score = resemblance.score(found)
        copy = story.original_of(read) if found.words >= LIKE_A_COPY else None
        if read.link and story.has_link(read.link):
            return _Judged(story, CERTAIN * 2 + score, model.JoinReason.SAME_LINK, found, copy)
        if copy is not None:
            return _Judged(story, CERTAIN + score, model.JoinReason.COPY, found, copy)
        return _Judged(story, score, model.JoinReason.SIMILAR, found, None)

    def _are_one(self, best: _Judged, other: _Judged) -> bool:
        """Whether an article that tells both stories shows that they are one."""
        if min(best.score, other.score) < MERGE:
            return False
        first, second = sorted((best.story, other.story), key=lambda story: story.first)
        since = max(second.first - first.last, timedelta())
        found = resemblance.compare(second, first, self._index.rarity, since=since, linked=False)
        return resemblance.score(found) >= MERGE

    def _merge(self, younger: model.StoryId, older: model.StoryId) -> None:
        for member in self._index.stories[younger].members:
            join = self._joins[member.id]
            self._joins[member.id] = replace(join, story=older, reason=model.JoinReason.MERGED, merges=())
        self._index.merge(younger, older)

    def _reason_to_join(self, read: Profile, best: _Judged) -> str:
        found, told = best.evidence, []
        story = best.story.weights
        shared = [word for word in read.weights if word in story]
        telling = sorted(shared, key=lambda word: (word not in read.names, -self._index.rarity.of(word), word))[:NAMED]
        if telling:
            told.append(f"shares {', '.join(read.names.get(word, word) for word in telling)}")
        if found.linked:
            told.append("linked")
        told.append(f"words {found.words:.2f}")
        if found.names:
            told.append(f"names {found.names:.2f}")
        days = round(best.story.since(read.when) / timedelta(days=1))
        if days:
            told.append(f"{days} days apart" + (", name the same day" if found.same_day else ""))
        return "; ".join(told)

    def _reason_to_open(self, judged: Iterable[_Judged]) -> str:
        nearest = max(judged, key=lambda one: one.score, default=None)
        if nearest is None:
            return "no open story shares its words"
        return f"nearest open story: words {nearest.evidence.words:.2f}, names {nearest.evidence.names:.2f}"


def _weigh_ties(judged: list[_Judged]) -> list[_Judged]:
    """The best story's score, less where another is as near; a copy or the same page knows no ties."""
    best = max(judged, key=lambda one: one.score, default=None)
    if best is None or best.reason is not model.JoinReason.SIMILAR:
        return judged
    nearest = max((one.evidence.words for one in judged if one is not best), default=0.0)
    lead = best.evidence.words - nearest
    if lead >= TIE:
        return judged
    weighed = replace(best, score=best.score - TIE_COST * (TIE - lead))
    return [weighed if one is best else one for one in judged]
