"""Join an article to a story in other languages: by meaning, and by the time between them.

    Meaning → Encoder → likeness → a probability

All matches of a rule share some meaning, which says nothing about the event. The mean of the vectors is therefore
subtracted before they are compared. If the encoder fails, nothing is proposed and words alone decide. Within one
language the same vectors add nothing to the words (decision record 0014).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from datetime import timedelta
from heapq import nlargest, nsmallest
from itertools import chain
from operator import mul, sub
from typing import NamedTuple

from bot.model.errors import EncoderFailed
from bot.model.language_models import Encoder, Vector
from bot.model.stories import StoryId
from bot.stories.openstory import OpenStory
from bot.stories.profile import Meaning, Profile

#: To limit the time, an article is compared with the latest STORIES stories of its rules, and with the last SAMPLES
#: articles of each.
STORIES, SAMPLES = 60, 4
#: Maximum stories that meaning proposes in addition to the stories that share words.
PROPOSED = 3
#: At most UNTRANSLATED stories without an article in the article's language, and at most SAME_DAYS from the article,
#: are offered to a second opinion. Words alone cannot judge them.
UNTRANSLATED, SAME_DAYS = 3, timedelta(days=3)
#: The mean vector of a rule's texts also counts this many zero vectors, so that a few texts do not determine it.
PRIOR = 3.0
#: The logit of the probability: what similarity in meaning adds, what the logarithm of the days between the article and
#: the story takes, and the rest. Chosen on labelled desks in several languages, in round figures.
MEANING, TIME, BIAS = 5.0, 2.2, 1.2
#: Reports less than this time apart count as equally close.
AT_ONCE = timedelta(hours=6)
#: Maximum probability by meaning. It is enough to join, but too low to merge two stories, because a merge is never
#: undone.
AT_MOST = 0.96


class Likeness(NamedTuple):
    """The similarity in meaning of an article and a story, by cosines."""

    #: The similarity of the story's nearest article.
    nearest: float
    #: ``nearest``, minus that of the nearest article in other stories.
    lead: float
    #: Mean over the story's articles.
    mean: float


def compare(encoder: Encoder, profile: Profile, stories: Iterable[OpenStory]) -> dict[StoryId, Likeness]:
    """Return the article's similarity to the latest of these stories that have no article in its language."""
    if profile.meaning is None:
        return {}
    listed = [story for story in stories if not story.is_roundup and profile.language not in story.languages]
    latest = sorted(listed, key=lambda story: (story.seen, story.rank), reverse=True)[:STORIES]
    own = profile.meaning
    samples = {story.id: [sample.meaning for sample in story.samples[-SAMPLES:] if sample.meaning] for story in latest}
    meanings = [own, *chain.from_iterable(samples.values())]
    if len(meanings) == 1 or not _encode(encoder, meanings):
        return {}
    mean = _mean(meanings)
    ours = _without(own, mean)
    cosines = {
        story: [_dot(ours, _without(meaning, mean)) for meaning in of_story] for story, of_story in samples.items()
    }
    nearest = {story: max(of_story) for story, of_story in cosines.items() if of_story}
    best, second = nlargest(2, [0.0, 0.0, *nearest.values()])
    return {
        story: Likeness(
            cosine, cosine - (second if cosine == best else best), sum(cosines[story]) / len(cosines[story])
        )
        for story, cosine in nearest.items()
    }


def _encode(encoder: Encoder, meanings: Sequence[Meaning]) -> bool:
    missing = [meaning for meaning in meanings if meaning.vector is None]
    try:
        vectors = encoder.encode([meaning.text for meaning in missing]) if missing else ()
    except EncoderFailed:
        return False
    for meaning, vector in zip(missing, vectors, strict=True):
        meaning.vector = array("f", vector)
    return True


def chance(profile: Profile, story: OpenStory, alike: Likeness) -> float:
    """Return the probability by meaning and time that the article reports the story's event, at most AT_MOST."""
    days = max(AT_ONCE, story.since(profile.when)) / timedelta(days=1)
    logit = MEANING * (alike.lead + alike.mean) - TIME * math.log1p(days) + BIAS
    return min(AT_MOST, 1 / (1 + math.exp(-max(-30.0, logit))))


def untranslated(profile: Profile, stories: Iterable[OpenStory]) -> list[OpenStory]:
    """Return at most UNTRANSLATED stories of the article's rules that have no article in the article's language.

    Stories that share words come first (names and figures are alike in many languages), then the nearest in time.
    """
    own_words = profile.weights.keys() - profile.terms

    def strangeness(story: OpenStory) -> tuple[int, timedelta, object]:
        return -len(own_words & story.words), story.since(profile.when), story.rank

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


def share_no_language(story: OpenStory, other: OpenStory) -> bool:
    """Return whether the two stories have no language in common; False if a language is unknown."""
    return "" not in story.languages | other.languages and story.languages.isdisjoint(other.languages)


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
