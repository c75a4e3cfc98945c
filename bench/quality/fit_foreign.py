"""Fit the decision across languages: a logistic regression over seven signs, on the desks.

Articles arrive one at a time in their real order and are put in their right stories. For each article, each story that
has articles in another language is one choice: its signs, and whether the article's event opened the story. There are
two fits: for stories without an article in the article's language ("foreign"), and for all others ("mixed"). The sign
from the words comes from a judge that was fitted without the part, so that it is as uncertain as on a new desk.

Prints, for each part of the desks, the results of a decision fitted without it, with and without the signs of meaning,
and then the lines for bot/stories/foreign.py.

    python -m bench.quality.fit_foreign [--languages multilingual-e5]

Needs numpy and scikit-learn.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.quality import fit
from bench.quality.desk_rows import WINDOW
from bench.quality.streams import read_desks
from bot.model.language_models import Encoder
from bot.model.settings import Languages
from bot.model.stories import StoryId
from bot.stories import evidence, foreign, grouping, profile
from bot.stories.foreign import Decision, Decisions, Foreign, Signs
from bot.stories.index import Index
from bot.text import encoders

#: Without an encoder.
OF_MEANING = frozenset({"lead", "mean"})
SURE = 0.9

Choice = tuple[Signs, bool]


class Choices(NamedTuple):
    """Of each article and each story that has articles in another language."""

    foreign: list[Choice]
    mixed: list[Choice]


def choices(part: str, judge: evidence.Judge, across: Foreign) -> Choices:
    """Of a part of the desks."""
    index, found = Index(), Choices([], [])
    opened_by: dict[StoryId, str] = {}
    home_of: dict[str, StoryId] = {}
    for one in read_desks(part):
        meaning = profile.Meaning(profile.beginning(one.arrival.article), one.read.language)
        read = replace(one.read, meaning=meaning)
        index.forget(read.seen - WINDOW)
        near = index.near(read, WINDOW)
        alike = across.likeness(read, index.stories.values())
        near += [index.stories[story] for story in alike if index.stories[story] not in near]
        compared = evidence.compare(read, near, index.rarity)
        for story, of_story, chance in zip(near, compared, judge.chances(compared), strict=True):
            if story.id in alike:
                signs = across.signs(read, story, chance, of_story, alike[story.id])
                of_kind = found.foreign if foreign.is_foreign(read, story) else found.mixed
                of_kind.append((signs, opened_by[story.id] == one.event))
        home = home_of.get(one.event)
        if home is None or home not in index.stories:
            home = home_of[one.event] = grouping.story_id(read.id)
            opened_by[home] = one.event
        index.add(home, read)
    return found


def fitted(found: Sequence[Choice], without: frozenset[str] = frozenset()) -> Decision:
    """The signs are fitted at one scale and written at their own; ``without``: signs that are left out."""
    from sklearn.linear_model import LogisticRegression

    kept = np.array([name not in without for name in Signs._fields])
    signs = np.array([signs for signs, _ in found]) * kept
    scale = np.where(signs.std(axis=0) > 0, signs.std(axis=0), 1)
    made = LogisticRegression(C=0.3).fit(signs / scale, [is_right for _, is_right in found])
    weights = made.coef_[0] / scale
    return Decision(Signs(*(round(float(weight), 3) for weight in weights)), round(float(made.intercept_[0]), 3))


def decisions(parts: Iterable[Choices]) -> Decisions:
    """Fitted on these parts."""
    return Decisions(*(fitted([*chain.from_iterable(of_kind)]) for of_kind in zip(*parts, strict=True)))


def without_each(judges: Mapping[str, evidence.Judge], encoder: Encoder) -> dict[str, Decisions]:
    """For each part the decisions that were fitted without it."""
    parts = {part: choices(part, judges[part], Foreign(encoder)) for part in judges}
    return {held: decisions(found for part, found in parts.items() if part != held) for held in parts}


def recall(sure: Sequence[float], is_right: Sequence[bool]) -> float:
    """The share of what is right that is found among the surest, as long as nine in ten of these are right."""
    best = right = 0
    for at, (_, is_one) in enumerate(sorted(zip((-each for each in sure), is_right, strict=True)), start=1):
        right += is_one
        best = right if right >= SURE * at else best
    return best / max(1, sum(is_right))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--languages", default=Languages.UNIVERSAL.value)
    encoder = encoders.of(Languages(parser.parse_args().languages))
    assert encoder is not None
    across = Foreign(encoder)
    judges = fit.without_each_part()
    parts = {part: choices(part, judges[part], across) for part in judges}
    names = ("left out", "choices", "right", "by words", "without meaning", "all signs", "words sure", "signs sure")
    table = Table(*names)
    for kind in Choices._fields:
        every: list[tuple[float, float, float, bool]] = []
        for held, mine in parts.items():
            others = [choice for part, found in parts.items() if part != held for choice in getattr(found, kind)]
            bare, whole = fitted(others, OF_MEANING), fitted(others)
            told = [
                (_chance(each.words), bare.chance(each), whole.chance(each), right)
                for each, right in getattr(mine, kind)
            ]
            table.add_row(f"{held}, {kind}", *_cells(told))
            every += told
        table.add_row(f"all, {kind}", *_cells(every), end_section=True)
    Console(width=110).print(table, "Recall of right choices at a precision of 0.9.")
    for kind, decision in decisions(parts.values())._asdict().items():
        print(f"{kind}={_shown(decision)},")


def _cells(told: Sequence[tuple[float, float, float, bool]]) -> tuple[str, ...]:
    right = [each[3] for each in told]
    recalls = [f"{recall([each[at] for each in told], right):.2f}" for at in range(3)]
    joined = [
        [each[3] for each in told if each[at] >= sure] for at, sure in ((0, grouping.JOIN_FROM), (2, foreign.FROM))
    ]
    return (str(len(told)), str(sum(right)), *recalls, *(f"{sum(each)} of {len(each)} right" for each in joined))


def _chance(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def _shown(decision: Decision) -> str:
    weights: Mapping[str, float] = decision.weights._asdict()
    return f"Decision(Signs({', '.join(f'{name}={weight}' for name, weight in weights.items())}), {decision.bias})"


if __name__ == "__main__":
    main()
