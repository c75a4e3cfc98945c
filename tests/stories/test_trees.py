"""The learned judge: trees as data."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from importlib import resources

import pytest

from bot.stories import trees
from bot.stories.evidence import Evidence

ONE = {"calibration": [0.5, -1.0], "trees": [[0, 0.5, -1, [1, 0.5, 0.5, 2]], 0.5]}
JUDGE = trees.read(json.dumps({"features": Evidence._fields, "ruled": ONE, "plain": ONE})).ruled


@pytest.mark.parametrize(("evidence", "score"), [((0.5, 1.0), -0.5), ((0.6, 0.5), 1.0), ((0.6, 0.6), 2.5)])
def test_a_score_is_the_sum_of_the_leaves_that_the_evidence_leads_to(evidence: tuple[float, ...], score: float) -> None:
    assert JUDGE.score(evidence) == score


@pytest.mark.parametrize("judge", [trees.shipped().ruled, trees.shipped().plain])
def test_a_score_is_that_of_a_walk_down_each_tree(judge: trees.Judge) -> None:
    draw = random.Random(5)
    asked = [split for tree in judge.trees for split in splits(tree)]
    for _ in range(200):
        evidence = [
            draw.choice([at for feature, at in asked if feature == each] or [0.0])
            for each in range(len(Evidence._fields))
        ]
        evidence = [value + draw.choice((-0.1, 0.0, 0.1)) for value in evidence]

        assert judge.score(evidence) == sum(walk(tree, evidence) for tree in judge.trees)


def walk(tree: trees.Tree, evidence: Sequence[float]) -> float:
    if not isinstance(tree, tuple):
        return tree
    feature, threshold, below, above = tree
    return walk(below if evidence[feature] <= threshold else above, evidence)


def splits(tree: trees.Tree) -> list[tuple[int, float]]:
    if not isinstance(tree, tuple):
        return []
    feature, threshold, below, above = tree
    return [(feature, threshold), *splits(below), *splits(above)]


def test_a_tree_of_more_leaves_than_a_lane_has_bits_is_refused() -> None:
    tree: trees.Tree = 0.0
    for at in range(trees.LEAVES):
        tree = (0, float(at), 1.0, tree)

    with pytest.raises(ValueError, match="more than 16 leaves"):
        trees.Judge((tree,), 1.0, 0.0)


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


def test_a_rule_is_doubted_the_more_the_more_stories_beyond_its_bound_it_has_open() -> None:
    narrow, broad, topic = math.log1p(trees.STORIES), math.log1p(20), math.log1p(40)

    assert trees.doubt(0.0) == trees.doubt(narrow) == 0.0
    assert 0.0 < trees.doubt(broad) < trees.doubt(topic)
    assert JUDGE.chance((0.6, 0.6), trees.doubt(broad)) < JUDGE.chance((0.6, 0.6))
