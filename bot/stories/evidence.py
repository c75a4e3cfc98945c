"""Compare an article with open stories, and turn the resulting numbers into probabilities of one event.

These are pure functions of one article, the candidate stories and the rarity of words. An article is compared with the
first and last articles of a story, and the most similar of them counts. bench/quality/fit.py fits the weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import NamedTuple

from bot.stories.openstory import OpenStory
from bot.stories.profile import Profile
from bot.stories.rarity import Rarity, Under

#: A longer time between an article and a story counts as this time.
LONG = timedelta(days=28)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: A word with less rarity does not describe an event. A word with this rarity is in one article in eight.
PLAIN = 2.0
#: Two heads agree in their deeds if the ``deeds`` of the evidence are at least this. If neither deeds nor figures
#: agree, a shared place does not count.
AGREED = 2.0


class Evidence(NamedTuple):
    """Numbers for one article and one story: shares from 0 to 1, sums of rarities, logarithms of times.

    The head is the title and the first sentence; deeds are its words for what happened. The rule's terms and words that
    are common under the rule count little. A place in both counts only if deeds or figures agree too.
    """

    #: Similarity of the words in title and lead to all words of the story.
    text: float
    #: ``text`` plus the similarity of the heads, minus the average of this sum over the other candidates.
    lead: float
    #: The deeds that both heads contain: the sum by which their rarities exceed PLAIN.
    deeds: float
    #: Rarity of the rarest name in both heads.
    names: float
    #: Share, by rarity, of the names in the article's head that the story lacks.
    new_names: float
    #: Sum of the rarities of the names in the article's title that no head of the story has.
    new_in_title: float
    #: Sum of the rarities of the figures in both.
    figures: float
    #: 1 if the article's title and the story's titles have figures, but the story has none of the article's title.
    figures_clash: float
    #: Number of calendar days that both mention, at most 2.
    days: float
    #: Logarithm of the hours between the article and the most similar article of the story.
    hours: float
    #: Logarithm of the number of articles of the story within a day of the article.
    recent: float
    #: Logarithm of the number of words of the article.
    length: float
    #: Logarithm of the number of open stories of the rule; 0 if article and story share no rule.
    of_rule: float
    #: 1 if the rule always matches with several lines. Such a rule collects fewer events, and other weights apply.
    narrow: float
    #: 2 if the title contains a word like "another", 1 if only the first sentence does.
    another: float
    #: 1 if the article seems to be the next of an outlet's series: the same opening of the title, but another title.
    series: float


class Weights(NamedTuple):
    """Weights of the evidence: a score is the sum of a piecewise linear function of each number."""

    bias: float
    #: For each number of the evidence, pairs of a value and the change of the slope from this value on.
    slopes: tuple[tuple[tuple[float, float], ...], ...]

    def score(self, evidence: Evidence) -> float:
        """Return the logarithm of the odds that the article belongs to the story if there is no other candidate."""
        score = self.bias
        for value, bends in zip(evidence, self.slopes, strict=True):
            for start, slope in bends:
                if value > start:
                    score += slope * (value - start)
        return score


@dataclass(frozen=True, slots=True)
class Judge:
    """A converter of evidence to probabilities, with different weights for narrow and broad rules.

    The candidates compete: a story weighs the exponential of its score, "another event" weighs 1.
    """

    broad: Weights
    narrow: Weights

    def chances(self, candidates: Iterable[Evidence]) -> list[float]:
        """Return, for each candidate, the probability that the article reports its event."""
        scores = [(self.narrow if evidence.narrow else self.broad).score(evidence) for evidence in candidates]
        highest = max(scores, default=0.0)
        shares = [math.exp(score - max(highest, 0.0)) for score in scores]
        whole = math.exp(-max(highest, 0.0)) + sum(shares)
        return [share / whole for share in shares]


@cache
def shipped() -> Judge:
    """Return the default judge. Raises ValueError if its weights do not belong to the fields of Evidence."""
    document = json.loads(resources.files("bot.stories").joinpath("judge.json").read_text("utf-8"))
    if any(tuple(weights["slopes"]) != Evidence._fields for weights in document.values()):
        raise ValueError("judge.json was fitted on other evidence: run bench/quality/fit.py")
    return Judge(
        **{
            kind: Weights(weights["bias"], tuple(tuple(map(tuple, bends)) for bends in weights["slopes"].values()))
            for kind, weights in document.items()
        }
    )


def compare(profile: Profile, candidates: Sequence[OpenStory], rarity: Rarity) -> list[Evidence]:
    """Return the evidence for each candidate."""
    articles: dict[str, _Article] = {}
    compared = []
    for story in candidates:
        rare = rarity.under(story.rules.intersection(profile.rules))
        if rare.rule not in articles:
            articles[rare.rule] = _Article(profile, rare, rarity)
        compared.append(articles[rare.rule].beside(story))
    whole, rivals = sum([evidence.lead for evidence in compared]), max(1, len(compared) - 1)
    return [evidence._replace(lead=evidence.lead - (whole - evidence.lead) / rivals) for evidence in compared]


class _Article:
    """An article under one rule, to be compared with several stories."""

    def __init__(self, profile: Profile, rare: Under, rarity: Rarity) -> None:
        self._profile = profile
        self._rare = rare
        self._large = rarity.at_large
        self._terms = rare.terms | profile.rules.get(rare.rule, frozenset())
        self._square = rare.square(profile.weights)
        self._head_square = _square(profile.head, rare)

    def beside(self, story: OpenStory) -> Evidence:
        """Return the evidence for one story. In its ``lead``, the average of other candidates is not yet subtracted."""
        profile, rare, large = self._profile, self._rare, self._large
        shared_heads = [profile.head & sample.head for sample in story.samples]
        figures = _sum(profile.figures & story.figures, rare)
        deeds = max(map(self._sum_of_deeds, shared_heads, story.samples))
        places = frozenset[str]() if figures or deeds >= AGREED else profile.places | story.places
        heads = [
            _cosine(_square(head - places, rare), self._head_square, _square(sample.head, rare))
            for head, sample in zip(shared_heads, story.samples, strict=True)
        ]
        nearest = story.samples[heads.index(max(heads))]
        names = {
            word for word in profile.head if word in profile.names or (word in story.names and word in story.heads)
        } - self._terms
        new_names = [word for word in names if word not in story.totals]
        title_figures = profile.figures & profile.title
        ours, theirs = profile.weights, story.weights
        shared = sum([ours[word] * theirs[word] * rare[word] ** 2 for word in (ours.keys() & theirs.keys()) - places])
        text = _cosine(shared, self._square, rare.square(theirs)) if shared > 0 else 0.0
        return Evidence(
            text=text,
            lead=text + max(heads),
            deeds=deeds,
            names=max([large[word] for word in names if word in story.heads and word not in places], default=0.0),
            new_names=_sum(new_names, rare) / _sum(names, rare) if new_names else 0.0,
            new_in_title=_sum([word for word in names if word in profile.title and word not in story.heads], rare),
            figures=figures,
            figures_clash=bool(title_figures)
            and story.figures.isdisjoint(title_figures)
            and not story.figures.isdisjoint(story.titles),
            days=min(2, len(profile.days & story.days)),
            hours=math.log1p(min(abs(profile.when - nearest.when), LONG) / HOUR),
            recent=math.log1p(sum(1 for _ in story.latest(profile, DAY))),
            length=math.log(profile.length or 1),
            of_rule=math.log1p(rare.stories),
            narrow=rare.is_narrow,
            another=profile.another,
            series=any(
                sample.outlet == profile.outlet and sample.opening == profile.opening and sample.title != profile.title
                for sample in story.samples
            ),
        )

    def _sum_of_deeds(self, shared_head: AbstractSet[str], sample: Profile) -> float:
        """Return the sum by which the rarities of the deeds in both heads exceed PLAIN."""
        shared = shared_head & self._profile.deeds & sample.deeds
        return sum([max(0.0, self._large[word] - PLAIN) for word in shared])


def shared_words(profile: Profile, sample: Profile, rare: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """Return the deeds in both heads, and the names in both heads, each rarest first."""
    shared = sorted(profile.head & sample.head, key=lambda word: (-rare[word], word))
    deeds = [word for word in shared if word in profile.deeds and word in sample.deeds]
    return deeds, [profile.names[word] for word in shared if word in profile.names]


def _square(words: Iterable[str], rare: Mapping[str, float]) -> float:
    return sum([rare[word] ** 2 for word in words])


def _sum(words: Iterable[str], rare: Mapping[str, float]) -> float:
    return sum([rare[word] for word in words])


def _cosine(shared: float, square: float, other_square: float) -> float:
    return shared / math.sqrt(square * other_square) if shared > 0 else 0.0
