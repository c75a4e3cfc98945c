"""Turn the numbers that compare an article with a story into the probability that both report one event.

    likeness of words, likeness in meaning and in names (if both texts have a vector), a language model's number
    (if it was asked) → logit → probability

The numbers of each form were fitted once, on labelled news; decision record 0014 has the figures.
"""

from __future__ import annotations

import math
from typing import NamedTuple

#: Limit of a logit in either direction, so that exp() never overflows.
_MOST = 30.0


class Form(NamedTuple):
    """The weight of each number in the logit, and the rest."""

    words: float
    meaning: float
    names: float
    rest: float


#: Used if the article or the story has no vector of meaning.
WORDS_ALONE = Form(words=12.0, meaning=0.0, names=0.0, rest=-2.16)
#: Used if both have a vector. A vector hardly changes with a name, so names count too.
WITH_MEANING = Form(words=3.56, meaning=45.7, names=-4.0, rest=-42.04)


def logit(words: float, meaning: float | None = None, other_names: float = 0.0) -> float:
    """Return the logit of the probability that an article reports a story's event.

    ``words`` is the likeness of their words, less what time and outlet cost. ``meaning`` is the cosine of their
    vectors, or None if one of them has none. ``other_names`` says how far their headlines differ only in names, 0 to 1.
    """
    form = WORDS_ALONE if meaning is None else WITH_MEANING
    return form.words * words + form.meaning * (meaning or 0.0) + form.names * other_names + form.rest


def probability(logit: float) -> float:
    """Return the probability of a logit. Further evidence is added to the logit before, as log odds."""
    return 1 / (1 + math.exp(-max(-_MOST, min(_MOST, logit))))


def log_odds(probability: float) -> float:
    """Return the logit of a probability."""
    return max(-_MOST, min(_MOST, math.log(max(probability, 1e-13) / max(1 - probability, 1e-13))))
