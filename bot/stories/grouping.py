"""Group articles into stories: each article joins the open story of its event, or opens one.

    arrival → index.profile → find_candidates → weigh_answers → place → Join → index.add
                                    ↑                ↑
                        the open stories       a language model's answers, if there is a model

Nothing here does I/O or reads a clock. Two numbers decide: the likeness of two texts by their words, less for a story
that is old or that has an article of the same outlet, and their likeness in meaning, if an encoder is installed, less
for headlines that differ only in names (``judge``). A language model's answer about the article and a story is one more
number beside these. Decision record 0014 has the figures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cache, partial
from operator import mul
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from bot.model.archive import Arrival
from bot.model.rules import Group
from bot.model.stories import Article, ArticleId, Join, JoinReason, StoryId
from bot.stories import judge, likeness
from bot.stories.index import Index
from bot.stories.likeness import Rarities
from bot.stories.openstory import OpenStory
from bot.stories.profile import Profile

#: The cost in the score of each day since the story's last article, and of an outlet that is already in the
#: story, because an outlet that has reported an event usually reports the next development.
DAY_COST, OUTLET_COST = 0.06, 0.25
#: An article is compared with this many articles of a story that are most like it.
NEAREST = 2
#: An article joins the likeliest story if that story's probability is at least this.
JOIN_FROM = 0.6
#: Replaces JOIN_FROM if the article matches a rule with ``group: strict``.
STRICT_FROM = 0.95
#: Replaces JOIN_FROM for comment, guides and questions, and for a story that began with one.
BACKGROUND_FROM = 0.8
#: Replaces JOIN_FROM for an article marked as a correction. It is low, because an earlier report must exist.
CORRECTION_FROM = 0.25
#: The probability of a story that has the article's headline, its page or a copy of it.
CERTAIN = 0.99
#: A new story names the likeliest story as related if that story's probability is at least RELATED_FROM, and its last
#: article at most RELATED_WITHIN away.
RELATED_FROM, RELATED_WITHIN = 0.3, timedelta(days=2)
#: Maximum words of one kind (shared words, shared names, new names) in the description of a join.
NAMED = 4
#: An article is a round-up if its title names a period and it names the subjects of NAMES_STORIES open stories, or if
#: it links to LINKS_STORIES of them.
NAMES_STORIES, LINKS_STORIES = 2, 3

#: Maximum questions to a language model about one article; they are about the likeliest stories.
MOST_ASKED = 4


class WeighedAnswer(NamedTuple):
    """A language model's answer to the question whether an article reports a story's event."""

    #: The model's name.
    by: str
    #: The model's probability.
    yes: float
    #: The number that it adds to the logit of the story's probability.
    evidence: float


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An open story of one of the article's rules, and what is known of whether the article reports its event."""

    story: OpenStory
    #: The likeness of the words, 0 to 1, less the costs of time and outlet.
    score: float
    #: The likeness in meaning, as a cosine, or None if the article or the story has no vector.
    meaning: float | None = None
    #: The calibrated probability that the article reports the story's event, with the answer of a language model.
    probability: float
    #: The answer, and the probability without it. None if no model has answered.
    answer: WeighedAnswer | None = None
    probability_alone: float | None = None
    #: The words that the article shares with the most similar article of the story, the most distinctive first.
    shared: tuple[str, ...]
    reason: JoinReason = JoinReason.SIMILAR
    #: Whether the story has the article's headline, its page or a copy of it.
    is_certain: bool = False
    copy_of: ArticleId | None = None

    @property
    def id(self) -> StoryId:
        """The story's id."""
        return self.story.id


def order(articles: Iterable[Article]) -> tuple[Article, ...]:
    """Sort articles for joining: by time of publication, then link, then id."""
    return tuple(sorted(articles, key=lambda article: (article.when, article.link, article.id)))


def story_id(article: ArticleId) -> StoryId:
    """Return the id of the story that an article opens."""
    return StoryId(hashlib.sha256(f"story\n{article}".encode()).hexdigest()[:20])


def find_candidates(index: Index, profile: Profile) -> tuple[Candidate, ...]:
    """Return the open stories that may report the article's event, likeliest first."""
    rarities_under = cache(partial(index.rarities, profile))
    candidates = [_judge(index, profile, story, rarities_under) for story in index.near(profile, rarities_under)]
    candidates.sort(key=lambda candidate: (-candidate.score, candidate.story.rank))
    return _likeliest_first(candidates)


def weigh_answers(candidates: Iterable[Candidate], answers: Mapping[StoryId, WeighedAnswer]) -> tuple[Candidate, ...]:
    """Return the candidates with a language model's answers about them, likeliest first."""
    weighed = [
        replace(
            candidate,
            probability=judge.probability(judge.log_odds(candidate.probability) + answers[candidate.id].evidence),
            answer=answers[candidate.id],
            probability_alone=candidate.probability,
        )
        if candidate.id in answers and not candidate.is_certain
        else candidate
        for candidate in candidates
    ]
    return _likeliest_first(weighed)


def _likeliest_first(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Sort by certainty and probability; candidates that are alike in these keep their order."""
    return tuple(sorted(candidates, key=lambda candidate: (not candidate.is_certain, -candidate.probability)))


def _without_answer(candidate: Candidate) -> float:
    """Return the probability without a model's answer."""
    return candidate.probability if candidate.probability_alone is None else candidate.probability_alone


def choose_asked(
    candidates: Sequence[Candidate],
    profile: Profile,
    *,
    reach: float,
    modes: Iterable[Group] = (),
    given_up: Collection[StoryId] = (),
) -> Candidate | None:
    """Return the story for the next question to a language model, or None if no answer can change the decision.

    ``candidates`` have the answers so far. ``reach`` is the most that an answer can change a logit. The stories
    ``given_up`` are skipped, because they have no answer.
    """
    modes = set(modes)
    if {Group.STRICT, Group.OFF} & modes or (candidates and candidates[0].is_certain):
        # With ``group: strict`` or ``off``, the user has decided where an unsure article goes.
        return None
    if _is_roundup(profile, candidates):
        return None
    stories = [candidate for candidate in candidates if not candidate.story.is_roundup]
    if stories and stories[0].answer and stories[0].probability >= _needed(profile, stories[0], modes):
        return None
    likeliest = sorted(stories, key=lambda candidate: -_without_answer(candidate))
    for candidate in likeliest[:MOST_ASKED]:
        if candidate.answer is not None or candidate.id in given_up:
            continue
        logit = judge.log_odds(candidate.probability)
        needed = judge.log_odds(_needed(profile, candidate, modes))
        if logit - reach >= needed:
            return None
        if logit + reach >= needed:
            return candidate
    return None


def place(candidates: Sequence[Candidate], profile: Profile, *, modes: Iterable[Group] = ()) -> Join:
    """Decide which story the article joins or opens."""
    best = candidates[0] if candidates else None
    if best and best.is_certain:
        return _joined(profile, best, candidates)
    if _is_roundup(profile, candidates):
        return _opened(profile, JoinReason.ROUNDUP, best)
    candidates = [candidate for candidate in candidates if not candidate.story.is_roundup]
    best = candidates[0] if candidates else None
    strict = set(modes)
    if best is None:
        return _opened(profile, JoinReason.OPENED, None)
    if best.probability >= _needed(profile, best, strict) and Group.OFF not in strict:
        return _joined(profile, best, candidates)
    if best.probability >= JOIN_FROM:
        return _opened(profile, JoinReason.UNSURE, best)
    if profile.is_correction or profile.is_denial:
        # It is about an earlier report, even if it hardly repeats its words, so point to a story with all of its names.
        names = profile.names.keys() & profile.title
        for candidate in candidates:
            if names and names <= candidate.story.words:
                return _opened(profile, JoinReason.UNSURE, candidate)
    return _opened(profile, JoinReason.OPENED, best)


def _needed(profile: Profile, candidate: Candidate, modes: Collection[Group]) -> float:
    """Return the probability from which the article joins the story."""
    if profile.is_correction and Group.STRICT not in modes:
        return CORRECTION_FROM
    needed = STRICT_FROM if Group.STRICT in modes else JOIN_FROM
    if profile.is_background or candidate.story.is_background:
        return max(needed, BACKGROUND_FROM)
    return needed


def join(index: Index, arrival: Arrival, *, modes: Iterable[Group] = ()) -> Join:
    """Find the article's story and add the article to it. A known article keeps its story."""
    known_join = index.joins.get(arrival.article.id)
    if known_join is not None:
        return known_join
    profile = index.profile(arrival)
    placement = place(find_candidates(index, profile), profile, modes=modes)
    index.add(profile, placement)
    return placement


def _judge(index: Index, profile: Profile, story: OpenStory, rarities_under: Callable[[str], Rarities]) -> Candidate:
    rule = index.narrowest(story.rules & profile.rules)
    rarities = rarities_under(rule)
    likenesses = likeness.cosines(profile.weights, [sample.weights for sample in story.samples], rarities)
    nearest = story.samples[likenesses.index(max(likenesses))]
    shared = sorted(
        profile.weights.keys() & nearest.weights.keys(),
        key=lambda word: (-profile.weights[word] * rarities[word], word),
    )
    score = _mean_of_nearest(likenesses)
    score -= DAY_COST * max(0.0, (profile.seen - story.seen) / timedelta(days=1))
    if any(member.owner == profile.owner for member in story.members):
        score -= OUTLET_COST
    meaning = _compare_meanings(profile, story)
    probability = judge.probability(judge.logit(score, meaning, _other_names(profile, story)))
    judged = Candidate(story=story, score=score, meaning=meaning, probability=probability, shared=tuple(shared))
    certain = replace(judged, probability=max(probability, CERTAIN), is_certain=True)
    original = story.original_of(profile)
    if original is not None:
        return replace(certain, reason=JoinReason.COPY, copy_of=original)
    if profile.link and profile.link in story.addresses and story.agrees_at(profile):
        return replace(certain, reason=JoinReason.SAME_LINK)
    if not story.is_roundup and story.has_headline_of(profile):
        return certain
    return judged


def _compare_meanings(profile: Profile, story: OpenStory) -> float | None:
    """Return the likeness in meaning of an article and a story, or None if it is not known."""
    if profile.meaning is None:
        return None
    own = profile.meaning
    cosines = [sum(map(mul, own, sample.meaning)) for sample in story.samples if sample.meaning is not None]
    return _mean_of_nearest(cosines) if cosines else None


def _other_names(profile: Profile, story: OpenStory) -> float:
    """Return how far the headlines of an article and of a story's first report differ only in names, 0 to 1.

    It is the share of names that the other side lacks, of the side that lacks fewer, times the share of the other words
    in the article's headline that the story has. Names on which a rule matched do not count.
    """
    first, terms = story.samples[0], profile.terms
    names = (profile.names.keys() & profile.title) - terms
    first_names = (first.names.keys() & first.title) - first.terms - terms
    plain = profile.title - profile.names.keys()
    if not names or not first_names:
        return 0.0
    story_words = story.words
    missing = min(
        len(names - story_words) / len(names),
        len(first_names - profile.weights.keys()) / len(first_names),
    )
    return missing * (len(plain & story_words) / len(plain) if plain else 1.0)


def _mean_of_nearest(likenesses: Sequence[float]) -> float:
    """Return the mean of an article's likenesses to the NEAREST articles of a story that are most like it."""
    nearest = sorted(likenesses)[-NEAREST:]
    return sum(nearest) / len(nearest)


def _is_roundup(profile: Profile, candidates: Sequence[Candidate]) -> bool:
    """Return whether the article reports several events."""
    if profile.is_correction:
        return False
    if profile.is_marked_roundup:
        return True
    if sum(not candidate.story.addresses.isdisjoint(profile.links) for candidate in candidates) >= LINKS_STORIES:
        return True
    if not profile.names_period:
        return False
    names = [(candidate.story.names.keys() & profile.weights.keys()) - profile.terms for candidate in candidates]
    own_names = [mine.difference(*[other for other in names if other is not mine]) for mine in names if mine]
    return sum(bool(mine) for mine in own_names) >= NAMES_STORIES


def _joined(profile: Profile, best: Candidate, candidates: Sequence[Candidate]) -> Join:
    same_event = [
        candidate
        for candidate in candidates
        if candidate.id == best.id
        # A merge is never undone, so a probability is not enough.
        or (best.is_certain and candidate.is_certain and not candidate.story.is_roundup)
    ]
    same_stories = [
        candidate.story
        for candidate in same_event
        if candidate.id == best.id or not best.story.is_kept_from(candidate.story)
    ]
    home, *younger = sorted(same_stories, key=lambda story: story.rank)
    return Join(
        story=home.id,
        article=profile.id,
        reason=best.reason,
        detail=_detail(profile, best),
        probability=round(best.probability, 3),
        copy_of=best.copy_of,
        merges=tuple(story.id for story in younger),
    )


def _opened(profile: Profile, reason: JoinReason, nearest: Candidate | None) -> Join:
    detail = f"nearest open story: {_detail(profile, nearest)}" if nearest else "no open story shares its words"
    is_related = nearest is not None and (
        reason is JoinReason.UNSURE
        or (nearest.probability >= RELATED_FROM and nearest.story.since(profile.when) <= RELATED_WITHIN)
    )
    return Join(
        story=story_id(profile.id),
        article=profile.id,
        reason=reason,
        detail=detail,
        probability=round(nearest.probability, 3) if nearest else 0.0,
        near=nearest.id if nearest and is_related else None,
    )


def _detail(profile: Profile, candidate: Candidate) -> str:
    """Return a description for people: the probability, the shared words and the differences."""
    story = candidate.story
    names = [profile.names[word] for word in candidate.shared if word in profile.names]
    plain_words = [
        profile.spellings[word] for word in candidate.shared if word in profile.spellings.keys() - profile.names
    ]
    parts = [f"{candidate.probability:.0%} sure that it is the same event"]
    if candidate.answer is not None and candidate.probability_alone is not None:
        by, yes, _ = candidate.answer
        parts.append(f"{candidate.probability_alone:.0%} without a model, and {by} answers {yes:.0%}")
    if plain_words:
        parts.append(f"both say {', '.join(plain_words[:NAMED])}")
    if names:
        parts.append(f"both name {', '.join(names[:NAMED])}")
    new_names = sorted((profile.names.keys() & profile.title) - story.words)
    if new_names:
        parts.append(f"its title also names {', '.join(profile.names[word] for word in new_names[:NAMED])}")
    days = round(story.since(profile.when) / timedelta(days=1))
    if days:
        parts.append("1 day apart" if days == 1 else f"{days} days apart")
    return "; ".join(parts)
