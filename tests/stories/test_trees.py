"""The learned judge: trees as data."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from bot.stories import trees
from bot.stories.evidence import Evidence

ONE = {"calibration": [0.5, -1.0], "trees": [[0, 0.5, -1, [1, 0.5, 0.5, 2]], 0.5]}
JUDGE = trees.read(json.dumps({"features": Evidence._fields, "ruled": ONE, "plain": ONE})).ruled


@pytest.mark.parametrize(("evidence", "score"), [((0.5, 1.0), -0.5), ((0.6, 0.5), 1.0), ((0.6, 0.6), 2.5)])
def test_a_score_is_the_sum_of_the_leaves_that_the_evidence_leads_to(evidence: tuple[float, ...], score: float) -> None:
    assert JUDGE.score(evidence) == score


@pytest.mark.parametrize(("evidence", "chance"), [((0.5, 1.0), 0.223), ((0.6, 0.5), 0.378), ((0.6, 0.6), 0.562)])
def test_a_probability_is_the_calibrated_score(evidence: tuple[float, ...], chance: float) -> None:
    assert JUDGE.chance(evidence) == pytest.approx(chance, abs=0.001)


def test_the_shipped_judge_fits_the_evidence_and_stays_small() -> None:
    packed = resources.files("bot.stories").joinpath("judge.json").read_bytes()

    assert len(packed) < 150_000
    assert min(trees.shipped().ruled.slope, trees.shipped().plain.slope) > 0


def test_a_judge_of_other_evidence_is_refused() -> None:
    with pytest.raises(ValueError, match="other evidence"):
        trees.read(json.dumps({"features": ["words"], "ruled": ONE, "plain": ONE}))
