"""Compute how much a language model's answers about pairs of reports count, in addition to the words.

    exam: (words, answer, truth) of each pair ─▶ fit_weight ◀─ pairs asked while the bot runs, whose answer is known
                                                     ▼
    logit of the judge + weight · logit of the answer ─▶ probability

The weight is the one parameter of a logistic regression, drawn towards 0. The answers yes and the answers no are fitted
apart, and the smaller weight counts: a model that says yes too often must not hide events, however right its no is.
Decision record 0048 has the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from bot.model.language_models import PairAnswer, answer_logit
from bot.stories import judge

#: The answer "yes" of a server without log probabilities counts as this probability, the answer "no" as the rest.
PLAIN_YES = 0.9
#: The largest weight. Answers of a model with 1.5 billion parameters earned 1.4 to 1.6 on real pairs.
MOST_WEIGHT = 1.5
#: The largest change of the logit by an answer. It lifts a story from 0.5 % to a join.
MOST_EVIDENCE = 5.8
#: Strength with which the weight is drawn towards 0, in pairs that contradict the answers.
_DRAWN = 0.2
#: The number of times that a wrong answer counts in the fit. In news, most pairs are about two events, unlike in the
#: exam, so a wrong yes does more harm there.
_ERROR = 5.0
#: Limit of the logits of the words in the fit, because the look-alikes of the exam are closer than those in news.
_MOST_WORDS = 1.0
#: A pair asked while the bot runs has an obvious answer, so an error counts as much as several of the exam.
_OBVIOUS = 5.0


class _Sample(NamedTuple):
    """A pair in a fit: the logit without the model, the logit of the answer, the truth, and how often it counts."""

    words: float
    answer: float
    is_same: bool
    times: float


def evidence(yes: float, weight: float) -> float:
    """Return what a model's probability of yes adds to the logit of the judge."""
    return max(-MOST_EVIDENCE, min(MOST_EVIDENCE, weight * answer_logit(yes)))


def reach(weight: float) -> float:
    """Return the most that an answer can change the logit of the judge."""
    return evidence(1.0, weight)


def fit_weight(pairs: Sequence[PairAnswer], watched: Iterable[PairAnswer] = ()) -> float:
    """Return the weight that a model has earned with its answers about the pairs of the exam.

    ``watched`` are pairs with an obvious answer. They lower the weight, and never raise it.
    """
    base = _fit_base(pairs)
    samples = [
        _Sample(_limit(pair.words) + base, pair.answer, pair.is_same, 1.0 if _is_right(pair) else _ERROR)
        for pair in pairs
    ]
    earned = _fit_weaker(samples)
    # The words gave these pairs their truth, so they do not also count as evidence.
    samples += [_Sample(0.0, pair.answer, pair.is_same, _OBVIOUS) for pair in watched]
    return min(earned, _fit_weaker(samples))


def _fit_base(pairs: Sequence[PairAnswer]) -> float:
    """Return what must be added to the logits of the words, so that they expect the right number of pairs of one event.

    Without it, an answer that is always the same would earn a weight.
    """
    words, count = [_limit(pair.words) for pair in pairs], sum(pair.is_same for pair in pairs)
    return _bisect(lambda base: count - sum(judge.probability(logit + base) for logit in words), -30.0, 30.0)


def _limit(words: float) -> float:
    return max(-_MOST_WORDS, min(_MOST_WORDS, words))


def _is_right(pair: PairAnswer) -> bool:
    return (pair.answer > 0) is pair.is_same


def _fit_weaker(samples: Sequence[_Sample]) -> float:
    """Return the smaller one of the weights that the answers yes and the answers no have earned."""
    return min(
        _fit([sample for sample in samples if sample.answer > 0]),
        _fit([sample for sample in samples if sample.answer < 0]),
    )


def _fit(samples: Sequence[_Sample]) -> float:
    if not samples:
        return 0.0
    drawn = _DRAWN * sum(abs(sample.answer) for sample in samples) / len(samples)

    def slope(weight: float) -> float:
        """Return the slope of the log likelihood, which falls with the weight."""
        return -drawn + sum(
            sample.times * sample.answer * (sample.is_same - judge.probability(sample.words + weight * sample.answer))
            for sample in samples
        )

    return _bisect(slope, 0.0, MOST_WEIGHT)


def _bisect(slope: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling function is 0, between ``low`` and ``high``."""
    if slope(low) <= 0:
        return low
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return low
