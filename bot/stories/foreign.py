"""Join an article to a story in other languages: meaning proposes stories, and language-independent signs decide.

    Meaning → Encoder → likeness → signs (names, numbers, days, time) → a probability

Numbers, and names that both languages spell alike, count as shared words, so the probability by words is one of the
signs.

All matches of a rule share some meaning, which says nothing about the event. The mean of the vectors is therefore
subtracted before they are compared. If the encoder fails, nothing is proposed and words alone decide.
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

from bot.model.errors import EncoderFailed
from bot.model.language_models import Encoder, Vector
from bot.model.stories import StoryId
from bot.stories.likeness import rarity
from bot.stories.openstory import OpenStory
from bot.stories.profile import Meaning, Profile

#: To limit the time, an article is compared with the latest STORIES stories of its rules, and with the last SAMPLES
#: articles of each.
STORIES, SAMPLES = 60, 4
#: A longer time between an article and a story counts as this time.
LONG = timedelta(days=28)
#: Maximum stories that meaning proposes in addition to the stories that share words.
PROPOSED = 3
#: At most UNTRANSLATED stories without an article in the article's language, and at most SAME_DAYS from the article,
#: are offered to a second opinion. Words alone cannot judge them.
UNTRANSLATED, SAME_DAYS = 3, timedelta(days=3)
#: The mean vector of a rule's texts also counts this many zero vectors, so that a few texts do not determine it.
PRIOR = 3.0
#: Reports less than this time apart count as equally close. In the data that the weights are fitted on, all
#: reports of one event are within an hour, and reports of different events are not.
AT_ONCE = timedelta(hours=6)
#: An article joins a story if the probability is at least this. In data held out of the fit, 196 of 214 joins were
#: right, with an earlier probability by words (decision record 0050).
FROM = 0.6
#: Meaning does not decide if the title contains "another", because a second event of a kind is worded
#: like the first. Nor does it if the story lacks STRANGE of the article's names although it has an article in the same
#: language, because only a different language would explain the lack.
STRANGE = 0.5
#: Maximum probability by meaning. It is enough to join, but too low to merge two stories, because a merge is never
#: undone.
AT_MOST = 0.96


class Signs(NamedTuple):
    """Numbers for one article and one story that has articles in another language."""

    #: The logit of the probability by words.
    words: float
    #: Similarity in meaning of the story's nearest article, minus that of the nearest article in other stories.
    lead: float
    #: Mean similarity in meaning of the story's articles in other languages.
    mean: float
    #: Number of calendar days that both mention, except the article's own date.
    days: float
    #: Rarity of the rarest name that both have in a title or first sentence.
    name: float
    #: Logarithm of the days between the article and the story.
    apart: float
    #: 1 if the article's title and the story's titles have figures, but the story has none of the article's title.
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
    """Two regressions, because shared words weigh more if the story has an article in the article's language."""

    #: For a story that has no article in the article's language.
    foreign: Decision
    #: For all other stories.
    mixed: Decision


#: Fitted on labelled desks in several languages.
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
    """The similarity in meaning of an article and a story, by cosines; ``lead`` and ``mean`` are those of Signs."""

    nearest: float
    lead: float
    mean: float


@dataclass(frozen=True, slots=True)
class Foreign:
    """A comparison of stories across languages, by an encoder and a regression."""

    encoder: Encoder
    decisions: Decisions = SHIPPED

    def likeness(self, profile: Profile, stories: Iterable[OpenStory]) -> dict[StoryId, Likeness]:
        """Return the article's similarity to the latest of these stories that have articles in other languages."""
        listed = [story for story in stories if not story.is_roundup]
        latest = sorted(listed, key=lambda story: (story.seen, story.rank), reverse=True)[:STORIES]
        if profile.meaning is None:
            return {}
        own = profile.meaning
        samples = {
            story.id: [sample.meaning for sample in story.samples[-SAMPLES:] if sample.meaning] for story in latest
        }
        meanings = [own, *chain.from_iterable(samples.values())]
        if all(meaning.language == own.language for meaning in meanings) or not self._encode(meanings):
            return {}
        mean = _mean(meanings)
        ours = _without(own, mean)
        cosines = {
            story: [_dot(ours, _without(meaning, mean)) for meaning in of_story if meaning.language != own.language]
            for story, of_story in samples.items()
        }
        nearest = {story: max(of_story) for story, of_story in cosines.items() if of_story}
        best, second = nlargest(2, [0.0, 0.0, *nearest.values()])
        return {
            story: Likeness(
                cosine, cosine - (second if cosine == best else best), sum(cosines[story]) / len(cosines[story])
            )
            for story, cosine in nearest.items()
        }

    def _encode(self, meanings: Sequence[Meaning]) -> bool:
        missing = [meaning for meaning in meanings if meaning.vector is None]
        try:
            vectors = self.encoder.encode([meaning.text for meaning in missing]) if missing else ()
        except EncoderFailed:
            return False
        for meaning, vector in zip(missing, vectors, strict=True):
            meaning.vector = array("f", vector)
        return True

    def signs(self, profile: Profile, story: OpenStory, chance: float, alike: Likeness) -> Signs:
        """Return the signs. ``chance`` is the probability from words alone."""
        chance = min(max(chance, 1e-4), 1 - 1e-4)
        shared_names = (profile.names.keys() & story.names.keys()) - profile.terms
        figures = {figure for sample in story.samples for figure in sample.figures}
        title_figures = {figure for sample in story.samples for figure in sample.figures & sample.title}
        own_figures = profile.figures & profile.title
        return Signs(
            words=math.log(chance / (1 - chance)),
            lead=alike.lead,
            mean=alike.mean,
            days=len((profile.days & {day for sample in story.samples for day in sample.days}) - {profile.when.date()}),
            name=max((rarity(name) for name in shared_names), default=0.0),
            apart=math.log1p(max(AT_ONCE, min(story.since(profile.when), LONG)) / timedelta(days=1)),
            clash=bool(own_figures and title_figures) and figures.isdisjoint(own_figures),
        )

    def chance(self, profile: Profile, story: OpenStory, signs: Signs) -> float:
        """Return the probability that the article is about the story's event, at most AT_MOST."""
        decision = self.decisions.foreign if is_foreign(profile, story) else self.decisions.mixed
        return min(AT_MOST, decision.chance(signs))


def untranslated(profile: Profile, stories: Iterable[OpenStory]) -> list[OpenStory]:
    """Return at most UNTRANSLATED stories of the article's rules that have no article in the article's language.

    Stories that share names, figures or days come first, then the nearest in time.
    """
    own = {*profile.names, *profile.figures, *map(str, profile.days)} - profile.terms

    def strangeness(story: OpenStory) -> tuple[int, timedelta, object]:
        words = {*story.names}.union(*[{*sample.figures, *map(str, sample.days)} for sample in story.samples])
        return -len(own & words), story.since(profile.when), story.rank

    candidates = [
        story
        for story in stories
        if profile.language
        and story.languages.isdisjoint(("", profile.language))
        and not story.is_roundup
        and story.since(profile.when) <= SAME_DAYS
        and not story.is_apart_from(profile)
    ]
    return nsmallest(UNTRANSLATED, candidates, key=strangeness)


def may_decide(profile: Profile, story: OpenStory) -> bool:
    """Return whether meaning may decide that the article joins the story."""
    if profile.says_another:
        return False
    names = (profile.names.keys() & profile.title) - profile.terms
    new_names = names - story.words
    return len(new_names) < STRANGE * len(names) or not names or is_foreign(profile, story)


def is_foreign(profile: Profile, story: OpenStory) -> bool:
    """Return whether the story has no article in the article's language.

    If one of the languages is unknown, return whether article and story share only numbers and the rule's terms.
    """
    if profile.meaning is None:
        return False
    if profile.language and "" not in story.languages:
        return profile.language not in story.languages
    words = story.words
    return not any(word in words for word in profile.weights if word not in profile.terms and not word[0].isdigit())


def share_no_language(story: OpenStory, other: OpenStory) -> bool:
    """Return whether the two stories have no language in common; False if a language is unknown."""
    return "" not in story.languages | other.languages and story.languages.isdisjoint(other.languages)


def detail(alike: Likeness, signs: Signs) -> str:
    """Return a description of the similarity, for people."""
    description = f"reported in other languages, {max(0.0, alike.nearest):.0%} similar in meaning"
    return f"{description}, the same days" if signs.days else description


def _mean(meanings: Sequence[Meaning]) -> list[float]:
    vectors = [meaning.vector for meaning in meanings if meaning.vector]
    return [sum(column) / (len(vectors) + PRIOR) for column in zip(*vectors, strict=True)]


def _without(meaning: Meaning, mean: Sequence[float]) -> list[float]:
    """Return the article's vector minus the mean, with length 1."""
    own = list(map(sub, meaning.vector or (), mean))
    length = math.hypot(*own) or 1.0
    return [number / length for number in own]


def _dot(vector: Vector, other: Vector) -> float:
    return float(sum(map(mul, vector, other)))
