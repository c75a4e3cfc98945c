"""Turn the numbers that compare an article with a story into the probability that both report one event.

    likeness of words, likeness in meaning and in names (if both texts have a vector), a language model's number
    (if it has answered) → logit → probability

The numbers of each form were fitted once, on labelled news; decision record 0014 has the figures.
"""

from __future__ import annotations

import math
from typing import NamedTuple

#: Limit of a logit in either direction, so that exp() never overflows.
_MOST = 30.0


class Weights(NamedTuple):
    """The weight of each number in the logit, and the rest."""

    words: float
    rest: float
    meaning: float = 0.0
    names: float = 0.0


#: Used if the article or the story has no vector of meaning.
WORDS_ALONE = Weights(words=12.0, rest=-2.16)
#: Used if both have a vector. A vector hardly changes with a name, so names count too.
WITH_MEANING = Weights(words=5.5, meaning=60.0, names=-2.8, rest=-54.5)
#: A likeness in meaning counts as at most this much. From here on, two events of one affair are as alike as two reports
#: of one event, so only words distinguish them.
MOST_MEANING = 0.9


def logit(words: float, meaning: float | None = None, other_names: float = 0.0) -> float:
    """Return the logit of the probability that an article reports a story's event.

    ``words`` is the likeness of their words, less what time and outlet cost. ``meaning`` is the cosine of their
    vectors, or None if one of them has none. ``other_names`` says how far their headlines differ only in names, 0 to 1.
    """
    if meaning is None:
        return WORDS_ALONE.words * words + WORDS_ALONE.rest
    form = WITH_MEANING
    return form.words * words + form.meaning * min(meaning, MOST_MEANING) + form.names * other_names + form.rest


def probability(logit: float) -> float:
    """Return the probability of a logit. Further evidence is added to the logit before, as log odds."""
    return 1 / (1 + math.exp(-max(-_MOST, min(_MOST, logit))))


def log_odds(probability: float) -> float:
    """Return the logit of a probability."""
    return max(-_MOST, min(_MOST, math.log(max(probability, 1e-13) / max(1 - probability, 1e-13))))
