"""The learned judge of grouping: boosted trees over the evidence, shipped as data, and a calibrated probability.

Made by bench/fit.py; docs/decisions/0014-grouping.md says on what. Knows nothing of articles.
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

#: A leaf's score; or feature, threshold, and what follows up to and above it.
Tree: TypeAlias = "float | tuple[int, float, Tree, Tree]"


@dataclass(frozen=True, slots=True)
class Judge:
    """Scores evidence; the score is a logit before calibration."""

    features: tuple[str, ...]
    trees: tuple[Tree, ...]
    #: The probability's logit is slope x score + shift.
    slope: float
    shift: float

    def score(self, evidence: Sequence[float]) -> float:
        total = 0.0
        for tree in self.trees:
            node = tree
            while isinstance(node, tuple):
                node = node[2] if evidence[node[0]] <= node[1] else node[3]
            total += node
        return total

    def chance(self, evidence: Sequence[float]) -> float:
        """The probability that the article is of the story's event, 0 to 1."""
        logit = self.slope * self.score(evidence) + self.shift
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def read(document: str) -> Judge:
    """A judge from its JSON. Raises ValueError where it was fitted on other evidence than this version computes."""
    found = json.loads(document)
    if tuple(found["features"]) != Evidence._fields:
        raise ValueError("judge.json was fitted on other evidence: run bench/fit.py")
    return Judge(Evidence._fields, tuple(map(_tree, found["trees"])), *found["calibration"])


def _tree(node: float | list[object]) -> Tree:
    if isinstance(node, list):
        feature, threshold, below, above = node
        return (int(feature), float(threshold), _tree(below), _tree(above))  # type: ignore[arg-type, call-overload]
    return float(node)


@cache
def shipped() -> Judge:
    """Read once."""
    return read(resources.files("bot.stories").joinpath("judge.json").read_text("utf-8"))
