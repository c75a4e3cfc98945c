"""The refit of grouping's weights on made-up choices, in which the words of an article alone decide."""

from __future__ import annotations

import numpy as np
import pytest

from bench import fit
from bot.stories.resemblance import WEIGHTS


def made_up(count: int, *, cut: float, seed: int = 1) -> fit.Choices:
    """Choices that are right where the likeness of words is above the cut, up to noise; all else is chance."""
    chance = np.random.default_rng(seed)
    evidence = chance.random((count, len(fit.FITTED)))
    noise = chance.normal(scale=0.1, size=count)
    return fit.Choices(evidence, (evidence[:, fit.FITTED.index("words")] + noise > cut).astype(np.float64))


def test_the_evidence_that_decides_weighs_most_and_the_bias_puts_the_cut_in_its_place() -> None:
    found = fit.fit([made_up(4000, cut=0.7)])

    others = sum(getattr(found.weights, name) / 2 for name in fit.FITTED if name != "words")
    assert found.weights.words > 10 * max(abs(getattr(found.weights, name)) for name in fit.FITTED if name != "words")
    assert -(found.bias + others) / found.weights.words == pytest.approx(0.7, abs=0.02)


def test_a_set_counts_as_much_as_another_however_large_it_is() -> None:
    small, large = made_up(500, cut=0.3), made_up(4000, cut=0.7, seed=2)
    twice = fit.Choices(np.tile(large.evidence, (2, 1)), np.tile(large.is_right, 2))

    assert fit.fit([small, twice]).weights == pytest.approx(fit.fit([small, large]).weights, abs=1e-6)


def test_what_occurs_in_no_set_stays_as_shipped() -> None:
    assert fit.fit([made_up(500, cut=0.5)]).weights.linked == WEIGHTS.linked
