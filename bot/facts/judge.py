"""The learned part: how surely an article brings something new. Trees shipped as data, in pure Python.

Made by `python -m bench.quality.desk_facts --fit`; decision record 0028 says on what and how it was tested.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from bot.facts.evidence import FEATURES


@dataclass(frozen=True, slots=True)
class Model:
    """Boosted trees of two levels."""

    #: The logit before any tree has spoken.
    bias: float
    #: From this sureness on an article's news is told.
    threshold: float
    #: Feature, threshold and the two below it, as a whole tree: three questions, then four values.
    trees: tuple[tuple[tuple[int, float], tuple[int, float], tuple[int, float], tuple[float, float, float, float]], ...]

    def sureness(self, evidence: Sequence[float]) -> float:
        """0 to 1: how likely the article brings something materially new."""
        total = self.bias
        for (feature, least), low, high, values in self.trees:
            is_high = evidence[feature] > least
            next_feature, next_least = high if is_high else low
            total += values[2 * is_high + (evidence[next_feature] > next_least)]
        return 1 / (1 + math.exp(-total))


@cache
def shipped() -> Model:
    """The model that is part of the package."""
    return loads(resources.files(__package__).joinpath("news-model.json").read_text("utf-8"))


def loads(text: str) -> Model:
    """Raises ValueError where the model was made for other evidence."""
    row = json.loads(text)
    if row["features"] != list(FEATURES):
        raise ValueError("the model of new facts was made for other evidence: fit it again")
    places = {name: at for at, name in enumerate(FEATURES)}
    trees = []
    for tree in row["trees"]:
        first, low, high = (
            (places[name], float(least)) for name, least in zip(tree["ask"], tree["least"], strict=True)
        )
        one, two, three, four = map(float, tree["values"])
        trees.append((first, low, high, (one, two, three, four)))
    return Model(row["bias"], row["threshold"], tuple(trees))
