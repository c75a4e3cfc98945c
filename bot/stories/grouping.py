"""Group articles into stories: each article joins the open story of its event, or opens one.

    article → profile → index.near → evidence.compare → evidence.Judge → join, join as probable, open as unsure, open
                    → foreign.likeness (with an encoder: stories in other languages) ↗

Grouping is pure and in memory: no I/O, no clock. Other modules decide whether an article has news and is posted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.model.archive import Arrival
from bot.model.rules import Group, Match
from bot.model.stories import Article, ArticleId, Join, JoinReason, Story, StoryId
from bot.stories import evidence, foreign, opinions, roundups
from bot.stories.evidence import Evidence
from bot.stories.index import Index
from bot.stories.openstory import OpenStory
from bot.stories.opinions import Opinion, SecondOpinion, Undecided
from bot.stories.profile import Meaning, Profile, beginning, profile_of

#: An article joins the likeliest story if that story's probability is at least this. The value follows from costs: an
#: event hidden in another event's message costs as much as four extra messages (bench/quality/fit.py --curve).
JOIN_FROM = 0.7
#: Replaces JOIN_FROM if the article matches a rule with ``group: strict``.
STRICT_FROM = 0.95
#: Replaces JOIN_FROM for an article marked as a correction. It is low, because an earlier report must exist.
CORRECTION_FROM = 0.25
#: An article that does not join opens a story, which is marked unsure if the likeliest story has at least this
#: probability.
UNSURE_FROM = 0.4
#: An article merges two stories only if each, as the only candidate, has at least this probability, because a merge is
#: never undone.
MERGE_FROM = 0.97
#: A candidate below this probability adds nothing to the likeliest one (see ``Grouping._pooled``).
RIVAL_FROM = 0.05
#: Minimum probability of a story that has the article's headline, its page or a copy of it.
CERTAIN = 0.99
#: An article can be a copy only if its words give the story at least this probability: press releases on two events may
#: differ only in names.
PLAUSIBLE = 0.3
#: Maximum words of one kind (shared deeds, shared names, new names) in the description of a join.
NAMED = 4
#: Maximum near stories recorded with a join, because they may cover the same event.
BESIDE = 3

Modes = Mapping[str, Group]


@dataclass(frozen=True, slots=True)
class _Judged:
    """An open story as a candidate for an article."""

    story: OpenStory
    #: The probability among all candidates.
    chance: float
    #: The probability as the only candidate.
    alone: float
    reason: JoinReason
    evidence: Evidence
    copy_of: ArticleId | None = None
    #: A description of the similarity in meaning, if it raised the probability; else empty.
    across: str = ""


def order(articles: Iterable[Article]) -> tuple[Article, ...]:
    """Sort articles for joining: by time of publication, then link, then id."""
    return tuple(sorted(articles, key=_order))


def _order(article: Article) -> tuple[datetime, str, str]:
    return article.when, article.link, article.id


def story_id(article: ArticleId) -> StoryId:
    """Return the id of the story that an article opens."""
    return StoryId(hashlib.sha256(f"story\n{article}".encode()).hexdigest()[:20])


class Grouping:
    """The open stories, to which articles are joined one after another.

    ``across`` compares stories in other languages; if it is None, they are compared only by words. Only benches set
    ``join_from`` and ``judge``.
    """

    def __init__(
        self,
        *,
        window: timedelta,
        across: foreign.Foreign | None = None,
        join_from: float = JOIN_FROM,
        judge: evidence.Judge | None = None,
    ) -> None:
        self._window = window
        self._across = across
        self._join_from = join_from
        self._judge = judge or evidence.shipped()
        self._index = Index()
        self._joins: dict[ArticleId, Join] = {}
        #: Stories that articles with a pending opinion would open. They are in the index only during a batch.
        self._waiting: set[StoryId] = set()
        self._agreement = opinions.Agreement()

    def knows(self, article: ArticleId) -> bool:
        """Return whether the article is in an open story."""
        return article in self._joins

    def load(self, stories: Iterable[Story], apart: Iterable[tuple[StoryId, Article]] = ()) -> None:
        """Load the stored open stories at start. ``apart`` pairs a story with an article that people moved out."""
        for story in stories:
            if story.merged_into is None:
                for member in story.members:
                    # An article that is not about its rule must not attract other articles.
                    if member.join.reason is not JoinReason.NOT_ABOUT:
                        self._add(
                            self._profile_of(member.article, member.matches), replace(member.join, story=story.id)
                        )
                    if member.join.reason is JoinReason.SIMILAR and member.join.near:
                        self._agreement.add(story.id, member.join.near, member.article.owner)
        for home, article in apart:
            self._keep_apart(home, profile_of(article))

    def join_batch(
        self, arrivals: Iterable[Arrival], modes: Modes | None = None, second: SecondOpinion | None = None
    ) -> tuple[Join, ...]:
        """Join a batch of articles, passed in any order. Return the joins in the order in which they were made.

        ``modes`` has the rules whose ``group`` is not normal. ``second`` gives an opinion on articles whose story is
        uncertain. An article whose opinion is pending has no join in the result. The caller passes it again in the next
        batch, where it is joined first, so that new articles are compared with it.
        """
        joins = []
        earlier, self._waiting = self._waiting, set()
        for arrival in sorted(
            arrivals, key=lambda arrival: (story_id(arrival.article.id) not in earlier, _order(arrival.article))
        ):
            with suppress(Undecided):
                joins.append(self.join(arrival.article, arrival.matches, modes, second))
        for story in self._waiting:
            self._index.drop(story)
        return tuple(joins)

    def join(
        self,
        article: Article,
        matches: Iterable[Match] = (),
        modes: Modes | None = None,
        second: SecondOpinion | None = None,
    ) -> Join:
        """Decide the article's story and add the article to the index. A known article keeps its story.

        Raises Undecided if ``second`` does.
        """
        known_join = self._joins.get(article.id)
        if known_join is not None:
            return known_join
        profile = self._profile_of(article, matches)
        chosen = {(modes or {}).get(rule, Group.NORMAL) for rule in profile.rules}
        try:
            join = self._decide(profile, article, chosen, second)
            if second and not self._waiting.isdisjoint((join.story, join.near, *join.merges)):
                second(profile.id, ())
                join = self._decide(profile, article, chosen, None)
        except Undecided:
            waiting = story_id(article.id)
            if waiting not in self._index.stories:
                self._index.add(waiting, profile)
                self._waiting.add(waiting)
            raise
        for younger in join.merges:
            self._merge(younger, join.story)
        self._add(profile, join)
        return join

    def split(self, story: Story, apart: Story) -> None:
        """Apply a person's decision that the articles of ``apart`` are about another event than ``story``.

        Both stories are as stored after the split; ``apart`` may be new. From then on, the articles of ``apart``, and
        articles nearer to them than to ``story``, do not join ``story``, nor the reverse.
        """
        for changed_story in (story, apart):
            if changed_story.id in self._index.stories:
                for trace in self._index.drop(changed_story.id).members:
                    self._joins.pop(trace.id, None)
        self.load((story, apart), ((story.id, member.article) for member in apart.members))
        for member in story.members:
            self._keep_apart(apart.id, profile_of(member.article, member.matches))

    def merge(self, story: StoryId, into: StoryId) -> None:
        """Apply a person's decision to merge ``story`` into ``into``. Does nothing if one of them is not open."""
        if story != into and {story, into} <= self._index.stories.keys():
            self._merge(story, into)

    def forget(self, cutoff: datetime) -> None:
        """Delete articles first seen before ``cutoff``, and stories that have only such articles."""
        for member in self._index.forget(cutoff):
            self._joins.pop(member.id, None)
        self._agreement.forget(self._index.stories.keys())

    def _profile_of(self, article: Article, matches: Iterable[Match]) -> Profile:
        profile = profile_of(article, matches)
        if self._across is None:
            return profile
        return replace(profile, meaning=Meaning(beginning(article), profile.language))

    def _keep_apart(self, story: StoryId, profile: Profile) -> None:
        if story in self._index.stories:
            self._index.stories[story].keep_apart(profile)

    def _add(self, profile: Profile, join: Join) -> None:
        if profile.id not in self._joins:
            self._index.add(join.story, profile, is_roundup=join.reason is JoinReason.ROUNDUP)
            self._joins[profile.id] = join

    def _decide(self, profile: Profile, article: Article, modes: set[Group], second: SecondOpinion | None) -> Join:
        near_stories = [story for story in self._index.near(profile, self._window) if not story.is_apart_from(profile)]
        alike = self._across.likeness(profile, self._index.stories.values()) if self._across else {}
        near_stories += self._proposed(profile, alike, near_stories)
        if second is None:
            near_stories = [story for story in near_stories if story.id not in self._waiting]
        judged = self._judge_all(profile, near_stories, alike)
        certain = [candidate for candidate in judged if candidate.reason is not JoinReason.SIMILAR]
        certain.sort(key=lambda candidate: candidate.story.id in self._waiting)
        if certain:
            return self._joined(
                profile, certain[0], [candidate for candidate in judged if candidate is not certain[0]], near_stories
            )
        if profile.rules and self._is_roundup(profile, article, near_stories):
            return self._opened(profile, JoinReason.ROUNDUP, judged)
        judged = self._pooled([candidate for candidate in judged if not candidate.story.is_roundup])
        best = judged[0].chance if judged else 0.0
        # With ``group: strict`` or ``off``, the user has decided where an unsure article goes: no opinion is needed.
        offered = self._offered(profile, judged) if second and modes <= {Group.NORMAL} else []
        opinion = second(profile.id, [candidate.story.id for candidate in offered]) if second and offered else None
        same = self._named(profile, [*offered, *judged], opinion) if opinion else []
        if opinion is None or (opinion.stories and not same):
            if judged and Group.OFF not in modes and best >= self._needed(profile, judged[0], modes):
                return self._joined(profile, judged[0], judged[1:], near_stories)
            is_unsure = best >= UNSURE_FROM
            return self._opened(profile, JoinReason.UNSURE if is_unsure else JoinReason.OPENED, judged)
        if same:
            join = self._joined(profile, same[0], same[1:], near_stories, opinion)
            # The opinion decided, so record at least the confidence of a join. The detail has the bot's own
            # probability.
            sure = round(max(same[0].chance, self._join_from), 3)
            apart = next(
                (candidate.story.id for candidate in same if candidate.story.id not in {join.story, *join.merges}), None
            )
            if apart:
                self._agreement.add(join.story, apart, opinion.owner)
            detail = f"by its words {join.detail}"
            join = replace(join, confidence=sure, detail=detail, near=apart, is_advised=True)
        else:
            join = self._opened(profile, JoinReason.OPENED, judged)
        return replace(join, detail=f"{opinion.detail}; {join.detail}")

    def _is_roundup(self, profile: Profile, article: Article, near_stories: Sequence[OpenStory]) -> bool:
        if roundups.heads_several(article) or len(self._index.linked(article.links)) >= roundups.LINKED:
            return True
        if not roundups.names_period(article.title):
            return False
        return roundups.count_subjects(profile, near_stories, self._index.rarity.under(profile.rules)) >= roundups.NAMED

    def _offered(self, profile: Profile, judged: Sequence[_Judged]) -> list[_Judged]:
        """Return the stories to ask a second opinion about, likeliest first; empty if none is needed."""
        if judged and judged[0].chance >= opinions.ASKED_BELOW:
            return []
        likely = [candidate for candidate in judged[: opinions.ASKED] if candidate.chance >= opinions.OFFERED_FROM]
        known_ids = {candidate.story.id for candidate in likely}
        foreign_stories = foreign.untranslated(
            profile, [story for story in self._index.stories.values() if story.id not in known_ids]
        )
        if not foreign_stories and not any(candidate.chance >= opinions.ASKED_FROM for candidate in likely):
            return []
        return likely + self._judge_all(profile, foreign_stories, {})

    def _named(self, profile: Profile, judged: Sequence[_Judged], opinion: Opinion) -> list[_Judged]:
        """Return the stories that an opinion names, likeliest first; pending stories only if it names no others."""
        homes = {self._home(story) for story in opinion.stories}
        named = {candidate.story.id: candidate for candidate in judged if candidate.story.id in homes}
        moved = [self._index.stories[story] for story in homes - named.keys() if story in self._index.stories]
        same = [*named.values(), *self._judge_all(profile, moved, {})]
        return [candidate for candidate in same if candidate.story.id not in self._waiting] or same

    def _home(self, story: StoryId) -> StoryId:
        """Return ``story`` if it is open, or else the story that its first article has joined instead."""
        if story in self._index.stories:
            return story
        return next((join.story for article, join in self._joins.items() if story_id(article) == story), story)

    def _proposed(
        self, profile: Profile, alike: Mapping[StoryId, foreign.Likeness], near_stories: Sequence[OpenStory]
    ) -> list[OpenStory]:
        """Return the stories in other languages that are nearest in meaning, except ``near_stories``."""
        near_ids = {story.id for story in near_stories}
        proposed = [self._index.stories[story] for story in alike if story not in near_ids]
        proposed = [story for story in proposed if not story.is_apart_from(profile)]
        return sorted(proposed, key=lambda story: -alike[story.id].nearest)[: foreign.PROPOSED]

    def _needed(self, profile: Profile, best: _Judged, modes: set[Group]) -> float:
        if Group.STRICT in modes:
            return STRICT_FROM
        if profile.is_correction:
            return min(CORRECTION_FROM, self._join_from)
        return min(foreign.FROM, self._join_from) if best.across else self._join_from

    def _joined(
        self,
        profile: Profile,
        best: _Judged,
        candidates: Sequence[_Judged],
        near_stories: Sequence[OpenStory],
        opinion: Opinion | None = None,
    ) -> Join:
        same_event = [
            candidate
            for candidate in candidates
            if candidate.story.id not in self._waiting and self._are_one(best, candidate, opinion)
        ]
        same_stories = [
            best.story,
            *(candidate.story for candidate in same_event if not best.story.is_kept_from(candidate.story)),
        ]
        home, *younger = sorted(same_stories, key=lambda story: story.rank)
        return Join(
            story=home.id,
            article=profile.id,
            reason=best.reason,
            detail=self._detail(profile, best),
            confidence=round(best.chance, 3),
            copy_of=best.copy_of,
            merges=tuple(story.id for story in younger),
            beside=tuple(
                [
                    story.id
                    for story in near_stories
                    if story not in same_stories
                    and story.id not in self._waiting
                    and story.rules & profile.rules.keys()
                ][:BESIDE]
            ),
        )

    def _are_one(self, best: _Judged, other: _Judged, opinion: Opinion | None) -> bool:
        """Return whether an article that belongs to both stories merges them. An opinion alone is not enough."""
        likely = min(best.alone, other.alone)
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

    def _opened(self, profile: Profile, reason: JoinReason, judged: Sequence[_Judged]) -> Join:
        nearest = judged[0] if judged else None
        detail = (
            f"nearest open story: {self._detail(profile, nearest)}" if nearest else "no open story shares its words"
        )
        return Join(
            story=story_id(profile.id),
            article=profile.id,
            reason=reason,
            detail=detail,
            confidence=round(nearest.chance, 3) if nearest else 0.0,
            near=nearest.story.id if nearest and reason is JoinReason.UNSURE else None,
        )

    def _judge_all(
        self, profile: Profile, candidates: Sequence[OpenStory], alike: Mapping[StoryId, foreign.Likeness]
    ) -> list[_Judged]:
        """Return the candidates with their probabilities, likeliest first."""
        comparisons = evidence.compare(profile, candidates, self._index.rarity)
        chances = self._judge.chances(comparisons)
        judged = [
            self._judge_one(profile, story, comparison, chance, alike.get(story.id))
            for story, comparison, chance in zip(candidates, comparisons, chances, strict=True)
        ]
        return sorted(judged, key=lambda candidate: (-candidate.chance, candidate.story.rank))

    def _pooled(self, judged: list[_Judged]) -> list[_Judged]:
        """Return the candidates; the likeliest also gets the probability of rivals that may report the same event.

        Without this, two stories about one event share its probability, and neither may have enough for a join.
        """
        if not judged:
            return judged
        best, chance = judged[0], judged[0].chance
        for other in judged[1:]:
            if other.chance >= RIVAL_FROM:
                comparisons = evidence.compare(other.story.samples[-1], [best.story], self._index.rarity)
                chance += other.chance * self._judge.chances(comparisons)[0]
        return [replace(best, chance=chance), *judged[1:]]

    def _judge_one(
        self, profile: Profile, story: OpenStory, comparison: Evidence, chance: float, alike: foreign.Likeness | None
    ) -> _Judged:
        alone = self._judge.chances([comparison])[0]
        original = story.original_of(profile) if alone >= PLAUSIBLE else None
        if original is not None:
            return _Judged(story, max(chance, CERTAIN), max(alone, CERTAIN), JoinReason.COPY, comparison, original)
        if profile.link and profile.link in story.addresses and story.agrees_at(profile):
            return _Judged(story, max(chance, CERTAIN), max(alone, CERTAIN), JoinReason.SAME_LINK, comparison)
        if story.has_headline_of(profile):
            return _Judged(story, max(chance, CERTAIN), max(alone, CERTAIN), JoinReason.SIMILAR, comparison)
        if self._across and alike and foreign.may_decide(profile, story, comparison):
            signs = self._across.signs(profile, story, chance, comparison, alike)
            if (across := self._across.chance(profile, story, signs)) > chance:
                return _Judged(
                    story, across, across, JoinReason.SIMILAR, comparison, across=foreign.detail(alike, signs)
                )
        return _Judged(story, chance, alone, JoinReason.SIMILAR, comparison)

    def _merge(self, younger: StoryId, older: StoryId) -> None:
        for member in self._index.stories[younger].members:
            join = self._joins[member.id]
            self._joins[member.id] = replace(join, story=older, reason=JoinReason.MERGED, merges=())
        self._index.merge(younger, older)

    def _detail(self, profile: Profile, candidate: _Judged) -> str:
        """Return a description for people: the probability, the shared words and the differences."""
        rare = self._index.rarity.at_large
        nearest = max(
            candidate.story.samples, key=lambda sample: sum(rare[word] for word in profile.head & sample.head)
        )
        deeds, names = evidence.shared_words(profile, nearest, rare)
        parts = [
            f"{candidate.chance:.0%} sure that it is the same event",
            *([candidate.across] if candidate.across else []),
        ]
        if deeds:
            parts.append(f"both say {', '.join(deeds[:NAMED])}")
        if names:
            parts.append(f"both name {', '.join(names[:NAMED])}")
        new_names = [word for word in profile.names if word in profile.title and word not in candidate.story.totals]
        if new_names:
            parts.append(f"its title also names {', '.join(profile.names[word] for word in new_names[:NAMED])}")
        if candidate.evidence.figures_clash:
            parts.append("other figures in the titles")
        days = round(candidate.story.since(profile.when) / timedelta(days=1))
        if days:
            parts.append("1 day apart" if days == 1 else f"{days} days apart")
        return "; ".join(parts)
