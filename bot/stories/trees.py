"""The learned judge of grouping: boosted trees over the evidence, shipped as data, and a calibrated probability.

Made by bench/quality/fit.py; docs/decisions/0014-grouping.md says on what. Knows nothing of articles.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TypeAlias

from bot.stories.evidence import Evidence

#: The judge was fitted on narrow rules: ten open stories, and every second article joins one. Where a rule collects a
#: whole topic, the nearest of its stories is mostly another event in the same words. So the odds fall with the open
#: stories beyond ten; and with the square of the odds that an article of the rule joins any story, where fewer than FEW
#: of its latest did, but by no more than MOST, so that what is surely one event joins (bench/quality/topics.py).
STORIES, FEW, MOST = 10, 0.4, 2.0
#: A leaf's score; or feature, threshold, and what follows up to and above it.
Tree: TypeAlias = "float | tuple[int, float, Tree, Tree]"


@dataclass(frozen=True, slots=True)
class Judge:
    """Scores evidence; the score is a logit before calibration."""

    trees: tuple[Tree, ...]
    #: The probability's logit is slope x score + shift.
    slope: float
    shift: float

    def score(self, evidence: Sequence[float]) -> float:
        """The sum of the trees' leaves, before it is made a probability."""
        total = 0.0
        for tree in self.trees:
            node = tree
            # `isinstance` would take a third of the time.
            while type(node) is tuple:
                node = node[2] if evidence[node[0]] <= node[1] else node[3]
            total += node  # type: ignore[operator]
        return total

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


def doubt(of_rule: float, joined: float) -> float:
    """By how much a rule is broader than those that the judge was fitted on, as a logit, from 0 on.

    ``of_rule``: the logarithm of its open stories and one; 0: no rule. ``joined``: of its latest articles the share
    that joined a story.
    """
    rarely = 2 * (_logit(FEW) - _logit(joined))
    return max(0.0, of_rule - math.log1p(STORIES)) + min(MOST, max(0.0, rarely))


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def read(document: str) -> Judges:
    """Both judges from their JSON. Raises ValueError where they were fitted on other evidence than is computed here."""
    found = json.loads(document)
    if tuple(found["features"]) != Evidence._fields:
        raise ValueError("judge.json was fitted on other evidence: run bench/quality/fit.py")
    ruled, plain = (
        Judge(tuple(map(_tree, found[name]["trees"])), *found[name]["calibration"]) for name in ("ruled", "plain")
    )
    return Judges(ruled, plain)


def _tree(node: float | list[object]) -> Tree:
    if isinstance(node, list):
        feature, threshold, below, above = node
        return (int(feature), float(threshold), _tree(below), _tree(above))  # type: ignore[arg-type, call-overload]
    return float(node)


@cache
def shipped() -> Judges:
    """Read once."""
    return read(resources.files("bot.stories").joinpath("judge.json").read_text("utf-8"))
