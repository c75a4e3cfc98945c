"""The learned judge of grouping: boosted trees over the evidence, shipped as data, and a calibrated probability.

Made by bench/quality/fit.py; docs/decisions/0014-grouping.md says on what. Knows nothing of articles.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from itertools import accumulate
from operator import getitem
from struct import Struct
from typing import NamedTuple, TypeAlias

from bot.stories.evidence import Evidence

#: The judge was fitted mostly on narrow rules, of some ten open stories. Where a rule collects a topic, the nearest of
#: its stories is mostly another event in the same words. So the odds fall with a power of the open stories beyond
#: fourteen (bench/quality/topics.py).
STORIES, POWER = 14, 4
#: A leaf's score; or feature, threshold, and what follows up to and above it.
Tree: TypeAlias = "float | tuple[int, float, Tree, Tree]"


#: Of a tree so many leaves at most: each is a bit of its lane.
LEAVES = 16


class _Lanes(NamedTuple):
    """All trees side by side: of each the first leaf that is open is reached (QuickScorer, Lucchese et al. 2015)."""

    #: By feature: its thresholds, and the leaves that are open above so many of them.
    steps: list[tuple[list[float], list[int]]]
    #: By tree: the bit of a leaf -> its score.
    scores: list[dict[int, float]]
    #: All bits, and the first of each lane.
    every: int
    firsts: int
    layout: Struct


@dataclass(frozen=True, slots=True)
class Judge:
    """Scores evidence; the score is a logit before calibration. Raises ValueError of a tree of too many leaves."""

    trees: tuple[Tree, ...]
    #: The probability's logit is slope x score + shift.
    slope: float
    shift: float
    _lanes: _Lanes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lanes", _side_by_side(self.trees))

    def score(self, evidence: Sequence[float]) -> float:
        """The sum of the trees' leaves, before it is made a probability."""
        steps, scores, every, firsts, layout = self._lanes
        leaves = every
        for value, (thresholds, masks) in zip(evidence, steps, strict=False):
            leaves &= masks[bisect_left(thresholds, value)]
        # The lowest bit of each lane; a tree's last leaf is always open, so nothing is carried into the next lane.
        first = leaves & ((leaves ^ every) + firsts)
        return sum(map(getitem, scores, layout.unpack(first.to_bytes(layout.size, "little"))), 0.0)

    def chance(self, evidence: Sequence[float], doubt: float = 0.0) -> float:
        """The probability that the article is of the story's event, 0 to 1; ``doubt`` is taken from its logit."""
        logit = self.slope * self.score(evidence) + self.shift - doubt
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


@dataclass(frozen=True, slots=True)
class Judges:
    """One for stories of the article's own rule, fitted on the desks; one for all others, fitted on the story sets."""

    ruled: Judge
    plain: Judge

    def chance(self, evidence: Evidence, doubt: float = 0.0) -> float:
        """The probability that the article is of the story's event, 0 to 1."""
        if not evidence.of_rule:
            return self.plain.chance(evidence)
        return self.ruled.chance(evidence, doubt)


def doubt(of_rule: float) -> float:
    """By how much a rule is broader than those that the judge was fitted on, as a logit, from 0 on.

    ``of_rule``: the logarithm of its open stories and one; 0: no rule.
    """
    return POWER * max(0.0, of_rule - math.log1p(STORIES))


def read(document: str) -> Judges:
    """Both judges from their JSON. Raises ValueError where they were fitted on other evidence than is computed here."""
    found = json.loads(document)
    if tuple(found["features"]) != Evidence._fields:
        raise ValueError("judge.json was fitted on other evidence: run bench/quality/fit.py")
    ruled, plain = (
        Judge(tuple(map(_tree, found[name]["trees"])), *found[name]["calibration"]) for name in ("ruled", "plain")
    )
    return Judges(ruled, plain)


def _side_by_side(trees: Sequence[Tree]) -> _Lanes:
    closed: defaultdict[int, Counter[float]] = defaultdict(Counter)
    scores = [_leaves(tree, LEAVES * at, closed, {}) for at, tree in enumerate(trees)]
    every = (1 << LEAVES * len(trees)) - 1
    steps = []
    for feature in range(1 + max(closed, default=-1)):
        thresholds = sorted(closed[feature])
        gone = [closed[feature][each] for each in thresholds]
        masks = accumulate(gone, lambda mask, more: mask & ~more, initial=every)
        steps.append((thresholds, list(masks)))
    return _Lanes(steps, scores, every, every // ((1 << LEAVES) - 1), Struct(f"<{len(trees)}H"))


def _leaves(tree: Tree, place: int, closed: Mapping[int, Counter[float]], found: dict[int, float]) -> dict[int, float]:
    """The tree's leaves from left to right; ``closed``: by feature and threshold those that are open up to it only."""
    if not isinstance(tree, tuple):
        if len(found) == LEAVES:
            raise ValueError(f"a tree has more than {LEAVES} leaves")
        found[1 << len(found)] = tree
        return found
    feature, threshold, below, above = tree
    first = len(found)
    _leaves(below, place, closed, found)
    closed[feature][threshold] |= ((1 << len(found)) - (1 << first)) << place
    return _leaves(above, place, closed, found)


def _tree(node: float | list[object]) -> Tree:
    if isinstance(node, list):
        feature, threshold, below, above = node
        return (int(feature), float(threshold), _tree(below), _tree(above))  # type: ignore[arg-type, call-overload]
    return float(node)


@cache
def shipped() -> Judges:
    """Read once."""
    return read(resources.files("bot.stories").joinpath("judge.json").read_text("utf-8"))
