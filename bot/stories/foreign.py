"""Joins an article to a story in other languages: proposed by meaning, decided by what needs no translation.

    Meaning → ports.Encoder → likeness → signs (names, numbers, days, time) → a probability

Numbers and names that both languages write alike are words that both have: the judge of words weighs them, and its
probability is one of the signs.

What all matches of a rule share says nothing about the event, in meaning as in words: the mean of the vectors is
subtracted before they are compared. Where the encoder fails, nothing is proposed and grouping decides without it.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from heapq import nlargest, nsmallest
from itertools import chain
from operator import mul, sub
from typing import NamedTuple

from bot import model
from bot.stories.evidence import LONG, Evidence
from bot.stories.openstory import OpenStory
from bot.stories.profile import Meaning, Profile

#: The most stories of the rules that are compared, the latest first, and the most articles of each: bounds the time.
STORIES, SAMPLES = 60, 4
#: The most stories that are proposed beside those that share words.
PROPOSED = 3
#: The most stories in other languages alone of which nothing but a second opinion can tell whether an article is
#: theirs, and how long before or after them it may be told.
UNTRANSLATED, SAME_DAYS = 3, timedelta(days=3)
#: The mean of a rule's texts is taken as if it also had so many unrelated texts, whose vectors are 0.
PRIOR = 3.0
#: Reports that are closer in time than this count as equally close: on the desks that these weights are fitted on, all
#: reports of one event come within the hour, and those of other events do not.
AT_ONCE = timedelta(hours=6)
#: From this probability on an article joins: on desks held out of the fit, 196 of 214 were right (fit_foreign.py).
FROM = 0.6
#: A title that says "another" is left to the judge of words: a second event of a kind is worded as the first was. So is
#: one whose names the story lacks, and which lacks the story's, where the story has articles in its language: what the
#: names leave open is only how another language writes them.
SAYS_ANOTHER, STRANGE = 2, 0.5
#: Sure enough to join, never to merge two stories: a merge is never undone.
AT_MOST = 0.96


class Signs(NamedTuple):
    """One article and one story that has articles in another language."""

    #: The logit of what the judge of words says.
    words: float
    #: How far the meaning of the story's nearest article leads over other stories' nearest; the mean over its articles.
    lead: float
    mean: float
    #: Days of the calendar that both name.
    days: float
    #: Rarity of the rarest name that both have in title or first sentence.
    name: float
    #: Days between them (logarithm).
    apart: float
    #: 1: the title has a figure, and the story's titles have others.
    clash: float


class Decision(NamedTuple):
    """A logistic regression over the signs."""

    weights: Signs
    bias: float

    def chance(self, signs: Signs) -> float:
        """Return the probability that the article is about the story's event, 0 to 1."""
        logit = self.bias + _dot(self.weights, signs)
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


class Decisions(NamedTuple):
    """Where the story has an article in the article's language as well, words say more and meaning less."""

    #: Of a story that has no article in the article's language.
    foreign: Decision
    mixed: Decision


#: Written by bench/quality/fit_foreign.py.
SHIPPED = Decisions(
    foreign=Decision(
        Signs(words=0.12, lead=4.33, mean=5.413, days=1.632, name=0.142, apart=-2.238, clash=-1.229), 1.435
    ),
    mixed=Decision(
        Signs(words=0.501, lead=5.038, mean=-1.303, days=1.119, name=0.437, apart=-0.382, clash=-2.282),
        0.5,
    ),
)


class Likeness(NamedTuple):
    """How near an article's meaning is to a story's, -1 to 1."""

    nearest: float
    lead: float
    mean: float


@dataclass(frozen=True, slots=True)
class Foreign:
    """Compares by an encoder, and decides."""

    encoder: model.Encoder
    decisions: Decisions = SHIPPED

    def likeness(self, profile: Profile, stories: Iterable[OpenStory]) -> dict[model.StoryId, Likeness]:
        """Return how near the latest stories of the article's rules are that have articles in another language."""
        near = [story for story in stories if not story.is_roundup and not story.rules.isdisjoint(profile.rules)]
        near = sorted(near, key=lambda story: (story.seen, story.rank), reverse=True)[:STORIES]
        if profile.meaning is None:
            return {}
        own = profile.meaning
        samples = {story.id: [one.meaning for one in story.samples[-SAMPLES:] if one.meaning] for story in near}
        every = [own, *chain.from_iterable(samples.values())]
        if all(one.language == own.language for one in every) or not self._encode(every):
            return {}
        mean = _mean(every)
        ours = _without(own, mean)
        cosines = {
            story: [_dot(ours, _without(one, mean)) for one in each if one.language != own.language]
            for story, each in samples.items()
        }
        nearest = {story: max(each) for story, each in cosines.items() if each}
        best, second = nlargest(2, [0.0, 0.0, *nearest.values()])
        return {
            story: Likeness(near, near - (second if near == best else best), sum(cosines[story]) / len(cosines[story]))
            for story, near in nearest.items()
        }

    def _encode(self, meanings: Sequence[Meaning]) -> bool:
        missing = [one for one in meanings if one.vector is None]
        try:
            found = self.encoder.encode([one.text for one in missing]) if missing else ()
        except model.EncoderFailed:
            return False
        for one, vector in zip(missing, found, strict=True):
            one.vector = array("f", vector)
        return True

    def signs(self, profile: Profile, story: OpenStory, chance: float, found: Evidence, alike: Likeness) -> Signs:
        """Return the signs; ``chance`` is the probability by words alone."""
        chance = min(max(chance, 1e-4), 1 - 1e-4)
        return Signs(
            words=math.log(chance / (1 - chance)),
            lead=alike.lead,
            mean=alike.mean,
            days=len((profile.days & story.days) - {profile.when.date()}),
            name=found.names,
            apart=math.log1p(max(AT_ONCE, min(story.since(profile.when), LONG)) / timedelta(days=1)),
            clash=found.figures_clash,
        )

    def chance(self, profile: Profile, story: OpenStory, signs: Signs) -> float:
        """Return the probability that the article is about the story's event, at most AT_MOST."""
        decision = self.decisions.foreign if is_foreign(profile, story) else self.decisions.mixed
        return min(AT_MOST, decision.chance(signs))


def untranslated(profile: Profile, stories: Iterable[OpenStory]) -> list[OpenStory]:
    """Return stories of the article's rules without an article in its language.

    Stories that share names, figures or days come first, then the nearest in time.
    """
    own = {*profile.names, *profile.figures, *map(str, profile.days)}.difference(*profile.rules.values())

    def strangeness(story: OpenStory) -> tuple[int, timedelta, object]:
        shared = own.intersection([*story.names, *story.figures, *map(str, story.days)])
        return -len(shared), story.since(profile.when), story.rank

    near = [
        story
        for story in stories
        if profile.language
        and story.languages.isdisjoint(("", profile.language))
        and not story.rules.isdisjoint(profile.rules)
        and not story.is_roundup
        and story.since(profile.when) <= SAME_DAYS
        and not story.is_apart_from(profile)
    ]
    return nsmallest(UNTRANSLATED, near, key=strangeness)


def may_decide(profile: Profile, story: OpenStory, found: Evidence) -> bool:
    """Return whether meaning may decide that the article joins the story."""
    return found.another < SAYS_ANOTHER and (found.new_names < STRANGE or is_foreign(profile, story))


def is_foreign(profile: Profile, story: OpenStory) -> bool:
    """Return whether the story has no article in the article's language.

    Where one of these is not known, the story has no word of the article but the rule's own and numbers.
    """
    if profile.meaning is None:
        return False
    if profile.language and "" not in story.languages:
        return profile.language not in story.languages
    terms = frozenset[str]().union(*profile.rules.values())
    return not any(word in story.totals for word in profile.weights if word not in terms and not word[0].isdigit())


def share_no_language(story: OpenStory, other: OpenStory) -> bool:
    """Return whether the two stories have no language in common; False if a language is unknown."""
    return "" not in story.languages | other.languages and story.languages.isdisjoint(other.languages)


def detail(alike: Likeness, signs: Signs) -> str:
    """Return what both share, for people."""
    said = f"told in other languages, meaning {max(0.0, alike.nearest):.0%} alike"
    return f"{said}, the same days" if signs.days else said


def _mean(meanings: Sequence[Meaning]) -> list[float]:
    vectors = [one.vector for one in meanings if one.vector]
    return [sum(column) / (len(vectors) + PRIOR) for column in zip(*vectors, strict=True)]


def _without(meaning: Meaning, mean: Sequence[float]) -> list[float]:
    """Return the article's vector minus the mean, with length 1."""
    own = list(map(sub, meaning.vector or (), mean))
    length = math.hypot(*own) or 1.0
    return [number / length for number in own]


def _dot(one: model.Vector, other: model.Vector) -> float:
    return float(sum(map(mul, one, other)))
