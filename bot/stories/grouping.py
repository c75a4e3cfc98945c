"""Coverage becomes stories: each article joins the open story that it tells, or opens one.

    article → profile → index.near → evidence.compare → trees.Judge → join, open or unsure
                    → foreign.likeness (with an encoder: stories in other languages) ↗

In memory and pure: no I/O, no clock. What is new in a story and whether to speak is decided elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot import model
from bot.stories import evidence, foreign, opinions, profile, roundups, trees
from bot.stories.index import Index
from bot.stories.openstory import OpenStory
from bot.stories.opinions import Opinion, SecondOpinion, Undecided
from bot.stories.profile import Profile
from bot.stories.told import Told

#: From this probability on an article joins a story of its rule (bench/quality/desk_grouping.py draws the curve): a
#: hidden event is worse than one message too many.
JOIN_FROM = 0.8
#: The same of an article that no rule matched: only the event can make it look like a story. One that another rule
#: matched must be as sure as one of the story's rule: else each rule's readers find it in another's thread.
PLAIN_FROM = 0.5
#: The same under a rule with ``group: strict``.
STRICT_FROM = 0.96
#: From this probability on an article that does not join is unsure; below it most likely tells another event. Under a
#: rule that is broader than the judge knows nearly no story that is named is right.
UNSURE_FROM = 0.4
#: The probability that an article must have with each of two stories to make them one: a merge is never undone.
MERGE_FROM = 0.97
#: A story with less in common is not weighed at all.
FAINT = 0.02
#: A copy, or the same page under a title or lead that agrees.
CERTAIN = 0.99
#: A copy is one only where the evidence does not speak against: releases on two events can share all but the names.
PLAUSIBLE = 0.3
#: Shared words named in a reason.
NAMED = 4
#: Other stories that are named beside the one that an article joins: one event's coverage may be in two.
BESIDE = 3

Modes = Mapping[str, model.Group]


@dataclass(frozen=True, slots=True)
class _Judged:
    """One open story as the home of an article."""

    story: OpenStory
    chance: float
    #: The same if its rule were narrow.
    likely: float
    reason: model.JoinReason
    evidence: evidence.Evidence
    copy_of: model.ArticleId | None = None
    #: For people: what both share across languages, where that makes it likelier than the words do.
    across: str = ""


def order(articles: Iterable[model.Article]) -> tuple[model.Article, ...]:
    """The order of joining: time of telling, then link, then id."""
    return tuple(sorted(articles, key=_order))


def _order(article: model.Article) -> tuple[datetime, str, str]:
    return article.when, article.link, article.id


def story_id(article: model.ArticleId) -> model.StoryId:
    """The id of the story that an article opens."""
    return model.StoryId(hashlib.sha256(f"story\n{article}".encode()).hexdigest()[:20])


class Grouping:
    """The open stories; joins are decided one after another.

    ``across``: how stories in other languages are compared; None: by their words alone, as all others. ``join_from``
    and ``judge`` are for benches; None is what is shipped.
    """

    def __init__(
        self,
        *,
        window: timedelta,
        across: foreign.Foreign | None = None,
        join_from: float = JOIN_FROM,
        judge: trees.Judges | None = None,
    ) -> None:
        self._window = window
        self._across = across
        self._join_from = join_from
        self._judge = judge or trees.shipped()
        self._index = Index()
        self._joins: dict[model.ArticleId, model.Join] = {}
        self._agreement = opinions.Agreement()

    def knows(self, article: model.ArticleId) -> bool:
        """The article is in an open story."""
        return article in self._joins

    def load(self, stories: Iterable[model.Story], apart: Iterable[tuple[model.StoryId, model.Article]] = ()) -> None:
        """Take up the open stories of the store, at start; ``apart``: what people took out of which story."""
        for story in stories:
            if story.merged_into is None:
                for member in story.members:
                    # An article that is not about its rule is in no index: it must not attract other articles.
                    if member.join.reason is not model.JoinReason.NOT_ABOUT:
                        self._add(self._read(member.article, member.matches), replace(member.join, story=story.id))
                    if member.join.reason is model.JoinReason.SIMILAR and member.join.near:
                        self._agreement.add(story.id, member.join.near, member.article.owner)
        for home, article in apart:
            self._keep_apart(home, profile.of(article))

    def join_batch(
        self, arrivals: Iterable[model.Arrival], modes: Modes | None = None, second: SecondOpinion | None = None
    ) -> tuple[model.Join, ...]:
        """Join a batch, whose own order does not matter; joins come in the order of joining.

        ``modes``: the rules whose ``group`` is not normal. ``second`` is asked where the article is not certainly
        of a story, nor certainly of none; one whose opinion is still to come has no join.
        """
        joins = []
        for arrival in sorted(arrivals, key=lambda each: _order(each.article)):
            with suppress(Undecided):
                joins.append(self.join(arrival.article, arrival.matches, modes, second))
        return tuple(joins)

    def join(
        self,
        article: model.Article,
        matches: Iterable[model.Match] = (),
        modes: Modes | None = None,
        second: SecondOpinion | None = None,
    ) -> model.Join:
        """Decide the article's story and add it to the index; an article that is known keeps its place.

        Raises Undecided, of ``second``.
        """
        known = self._joins.get(article.id)
        if known is not None:
            return known
        read = self._read(article, matches)
        chosen = {(modes or {}).get(rule, model.Group.NORMAL) for rule in read.rules}
        join = self._decide(read, article.title, chosen, second)
        for younger in join.merges:
            self._merge(younger, join.story)
        self._add(read, join)
        return join

    def split(self, story: model.Story, apart: model.Story) -> None:
        """People decided that the articles of ``apart`` are another event than ``story``.

        Both as they are stored afterwards: ``story`` without these articles, ``apart`` a separate story, new or old.
        From now on neither these articles nor any that is nearer to one of them joins ``story``.
        """
        for each in (story, apart):
            if each.id in self._index.stories:
                for trace in self._index.drop(each.id).members:
                    self._joins.pop(trace.id, None)
        self.load((story, apart), ((story.id, member.article) for member in apart.members))
        for member in story.members:
            self._keep_apart(apart.id, profile.of(member.article, member.matches))

    def merge(self, story: model.StoryId, into: model.StoryId) -> None:
        """People decided that ``story`` is the same event as ``into``, which remains; no-op where one is not open."""
        if story != into and {story, into} <= self._index.stories.keys():
            self._merge(story, into)

    def forget(self, before: datetime) -> None:
        """Let go of the articles that came before, and of the stories whose last they were."""
        for member in self._index.forget(before):
            self._joins.pop(member.id, None)
        self._agreement.forget(self._index.stories.keys())

    def _read(self, article: model.Article, matches: Iterable[model.Match]) -> Profile:
        read = profile.of(article, matches)
        return replace(read, told=Told(article, read.language)) if self._across else read

    def _keep_apart(self, story: model.StoryId, read: Profile) -> None:
        if story in self._index.stories:
            self._index.stories[story].keep_apart(read)

    def _add(self, read: Profile, join: model.Join) -> None:
        if read.id not in self._joins:
            self._index.add(join.story, read, is_roundup=join.reason is model.JoinReason.ROUNDUP)
            self._joins[read.id] = join

    def _decide(self, read: Profile, title: str, modes: set[model.Group], second: SecondOpinion | None) -> model.Join:
        near = [story for story in self._index.near(read, self._window) if not story.is_apart_from(read)]
        alike = self._across.likeness(read, self._index.stories.values()) if self._across else {}
        near += self._proposed(read, alike, near)
        compared = evidence.compare(read, near, self._index.rarity)
        judged = sorted(
            (self._judge_one(read, one, alike.get(one.story.id)) for one in compared),
            key=lambda one: (-one.chance, one.story.rank),
        )
        certain = [one for one in judged if one.reason is not model.JoinReason.SIMILAR]
        if certain:
            return self._joined(read, certain[0], [one for one in judged if one is not certain[0]], near)
        told, best = (compared[0].evidence.told, judged[0].chance) if judged else (0, 0.0)
        if read.rules and (read.is_live_blog or roundups.is_roundup(title, int(told), best)):
            return self._opened(read, model.JoinReason.ROUNDUP, judged)
        judged = [one for one in judged if not one.story.is_roundup]
        best = judged[0].chance if judged else 0.0
        # With another mode the user has decided what becomes of an unsure article.
        offered = self._offered(read, judged) if second and modes <= {model.Group.NORMAL} else []
        opinion = second(read.id, [one.story.id for one in offered]) if second and offered else None
        same = [one for one in offered if opinion and one.story.id in opinion.stories]
        if opinion is None or (opinion.stories and not same):
            if judged and model.Group.OFF not in modes and best >= self._needed(read, judged[0], modes):
                return self._joined(read, judged[0], judged[1:], near)
            is_unsure = best >= UNSURE_FROM and not trees.doubt(judged[0].evidence.of_rule)
            return self._opened(read, model.JoinReason.UNSURE if is_unsure else model.JoinReason.OPENED, judged)
        if same:
            join = self._joined(read, same[0], same[1:], near, opinion)
            # The detail says how sure the bot itself was.
            sure = round(max(same[0].chance, self._join_from), 3)
            apart = next((one.story.id for one in same if one.story.id not in {join.story, *join.merges}), None)
            if apart:
                self._agreement.add(join.story, apart, opinion.owner)
            detail = f"by its words {join.detail}"
            join = replace(join, confidence=sure, detail=detail, near=apart, is_advised=True)
        else:
            join = self._opened(read, model.JoinReason.OPENED, judged)
        return replace(join, detail=f"{opinion.detail}; {join.detail}")

    def _offered(self, read: Profile, judged: Sequence[_Judged]) -> list[_Judged]:
        """The stories that a second opinion is asked about, likeliest first; none: it is not asked."""
        if judged and judged[0].chance >= opinions.ASKED_BELOW:
            return []
        # A rule's breadth makes a join a greater risk, not a question.
        likely = [one for one in judged[: opinions.ASKED] if one.likely >= opinions.OFFERED_FROM]
        known = {one.story.id for one in likely}
        others = foreign.untranslated(read, [each for each in self._index.stories.values() if each.id not in known])
        if not others and not any(one.likely >= opinions.ASKED_FROM for one in likely):
            return []
        return likely + [self._judge_one(read, one, None) for one in evidence.compare(read, others, self._index.rarity)]

    def _proposed(
        self, read: Profile, alike: Mapping[model.StoryId, foreign.Likeness], near: Sequence[OpenStory]
    ) -> list[OpenStory]:
        """The stories in other languages that are nearest in meaning, and not found by their words."""
        known = {story.id for story in near}
        others = [self._index.stories[story] for story in alike if story not in known]
        others = [story for story in others if not story.is_apart_from(read)]
        return sorted(others, key=lambda story: -alike[story.id].nearest)[: foreign.PROPOSED]

    def _needed(self, read: Profile, best: _Judged, modes: set[model.Group]) -> float:
        if model.Group.STRICT in modes:
            return STRICT_FROM
        if best.across:
            return min(foreign.FROM, self._join_from)
        return self._join_from if best.evidence.of_rule or read.rules else min(PLAIN_FROM, self._join_from)

    def _joined(
        self,
        read: Profile,
        best: _Judged,
        others: Sequence[_Judged],
        near: Sequence[OpenStory],
        opinion: Opinion | None = None,
    ) -> model.Join:
        told = [one for one in others if self._are_one(best, one, opinion)]
        ones = [best.story, *(one.story for one in told if not best.story.is_kept_from(one.story))]
        home, *younger = sorted(ones, key=lambda story: story.rank)
        return model.Join(
            story=home.id,
            article=read.id,
            reason=best.reason,
            detail=self._detail(read, best),
            confidence=round(best.chance, 3),
            copy_of=best.copy_of,
            merges=tuple(story.id for story in younger),
            beside=tuple(
                [story.id for story in near if story not in ones and story.rules & read.rules.keys()][:BESIDE]
            ),
        )

    def _are_one(self, best: _Judged, other: _Judged, opinion: Opinion | None) -> bool:
        """Whether an article that belongs to two stories merges them: an opinion alone does not."""
        likely = min(best.chance, other.chance)
        if opinion is None:
            return likely >= MERGE_FROM
        pair = best.story.id, other.story.id
        if not opinion.unmergeable.isdisjoint(pair):
            return False
        return (
            likely >= opinions.MERGE_FROM
            or foreign.share_no_language(best.story, other.story)
            or self._agreement.has_another(*pair, opinion.owner)
        )

    def _opened(self, read: Profile, reason: model.JoinReason, judged: Sequence[_Judged]) -> model.Join:
        nearest = judged[0] if judged else None
        detail = f"nearest open story: {self._detail(read, nearest)}" if nearest else "no open story shares its words"
        return model.Join(
            story=story_id(read.id),
            article=read.id,
            reason=reason,
            detail=detail,
            confidence=round(nearest.chance, 3) if nearest else 0.0,
            near=nearest.story.id if nearest and reason is model.JoinReason.UNSURE else None,
        )

    def _judge_one(self, read: Profile, one: evidence.Compared, alike: foreign.Likeness | None) -> _Judged:
        story, found = one.story, one.evidence
        doubt = trees.doubt(found.of_rule)
        chance = self._judge.chance(found, doubt) if found.words >= FAINT or found.top_name else 0.0
        # How broad the rule is says nothing about copies.
        likely = self._judge.chance(found) if doubt and chance else chance
        original = story.original_of(read) if likely >= PLAUSIBLE else None
        if original is not None:
            return _Judged(story, max(chance, CERTAIN), likely, model.JoinReason.COPY, found, original)
        if read.link and read.link in story.addresses and story.agrees_at(read):
            return _Judged(story, max(chance, CERTAIN), likely, model.JoinReason.SAME_LINK, found)
        if self._across and alike and foreign.may_decide(read, story, found):
            signs = self._across.signs(read, story, chance, found, alike)
            if (across := self._across.chance(read, story, signs)) > chance:
                return _Judged(
                    story, across, across, model.JoinReason.SIMILAR, found, across=foreign.detail(alike, signs)
                )
        return _Judged(story, chance, likely, model.JoinReason.SIMILAR, found)

    def _merge(self, younger: model.StoryId, older: model.StoryId) -> None:
        for member in self._index.stories[younger].members:
            join = self._joins[member.id]
            self._joins[member.id] = replace(join, story=older, reason=model.JoinReason.MERGED, merges=())
        self._index.merge(younger, older)

    def _detail(self, read: Profile, one: _Judged) -> str:
        """In plain English: what is shared, how sure, what speaks against."""
        rare = self._index.rarity.under(one.story.rules.intersection(read.rules))
        shared = [word for word in read.weights if word in one.story.weights and rare[word] >= 1]
        telling = sorted(shared, key=lambda word: (word not in read.names, -rare[word], word))[:NAMED]
        told = [f"{one.chance:.0%} sure that it is the same event", *([one.across] if one.across else [])]
        if telling:
            told.append(f"shares {', '.join(read.names.get(word, word) for word in telling)}")
        other = [word for word in read.names if word in read.title and word not in one.story.totals]
        if other:
            told.append(f"its title names {', '.join(read.names[word] for word in other[:NAMED])} too")
        if one.evidence.figures_clash:
            told.append("other figures in the titles")
        days = round(one.story.since(read.when) / timedelta(days=1))
        if days:
            told.append("1 day apart" if days == 1 else f"{days} days apart")
        return "; ".join(told)
