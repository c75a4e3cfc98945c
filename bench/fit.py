"""Where the weights of grouping come from: a logistic regression on the choices of a running grouping.

Over each labelled set (bench/storysets.py) the articles arrive as in bench/stories.py and join by the shipped weights.
Each open story that an article is compared with is one choice: its evidence, and whether most of that story's articles
have the article's label. Each set counts as much as any other, whatever its size. Printed: the fitted weights beside
the shipped ones; then, for each set, B-cubed F1 with the shipped weights, with those fitted on all sets, and with those
fitted on all sets but it, which is what a fit is worth on news that it has not seen.

The shipped weights are not the fitted ones. They began as such a fit, on half of the stories, and were rounded and
moved by hand: a fit counts wrong choices, while one wrong join hides all that joins after it; sets of one kind (no
times, bare headlines, one affair) decide a weight that is then wrong for the others; and look-alikes of our own had to
stay apart (tests/stories/test_look_alikes.py). ``linked`` occurs in no set and stays as shipped.

    python -m bench.fit [--sets lede-feeds gva] [--most 1500] [--half 0]
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.stories import BATCH, WINDOW, grouped, marks
from bench.storysets import SETS, Labelled, load
from bot import model, stories
from bot.stories import index, profile, resemblance
from bot.stories.resemblance import BIAS, WEIGHTS, Evidence

Numbers = NDArray[np.float64]

#: What is fitted; the rest is set by hand.
FITTED = tuple(name for name in Evidence._fields if name != "linked")
#: Pull of each standardised weight towards 0: keeps evidence that a set hardly has from weighing without bound.
RIDGE = 1e-3
STEPS = 50


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices of one set."""

    #: A row a choice, in the order of FITTED.
    evidence: Numbers
    #: 1 where the story was the right one, else 0.
    is_right: Numbers


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights as grouping takes them."""

    weights: Evidence
    bias: float


SHIPPED = Fit(WEIGHTS, BIAS)


def choices(rows: Sequence[Labelled]) -> Choices:
    """What a running grouping had to choose from; a second index, kept equal to its own, shows it."""
    grouping, seen = stories.Grouping(window=WINDOW), index.Index()
    label = {row.article.id: row.story for row in rows}
    evidence: list[list[float]] = []
    is_right: list[bool] = []
    for at, row in enumerate(rows):
        if at % BATCH == 0:
            grouping.forget(row.article.first_seen - WINDOW)
            seen.forget(row.article.first_seen - WINDOW)
        read = profile.of(row.article)
        for story in seen.near(read, WINDOW):
            since = story.since(read.when)
            found = resemblance.compare(read, story, seen.rarity, since=since, linked=False)
            evidence.append([float(getattr(found, name)) for name in FITTED])
            is_right.append(2 * sum(label[member.id] == row.story for member in story.members) > len(story.members))
        _follow(seen, read, grouping.join(row.article))
    return Choices(np.array(evidence), np.array(is_right, dtype=np.float64))


def _follow(seen: index.Index, read: profile.Profile, join: model.Join) -> None:
    for younger in join.merges:
        seen.merge(younger, join.story)
    seen.add(join.story, read)


def fit(sets: Sequence[Choices]) -> Fit:
    """Logistic regression by Newton's method on standardised evidence, each set of equal weight."""
    evidence = np.concatenate([one.evidence for one in sets])
    is_right = np.concatenate([one.is_right for one in sets])
    share = np.concatenate([np.full(len(one.is_right), 1 / len(one.is_right) / len(sets)) for one in sets])
    centre = share @ evidence
    spread = np.sqrt(share @ (evidence - centre) ** 2) + 1e-9
    standard = np.column_stack([(evidence - centre) / spread, np.ones(len(evidence))])
    pull = np.full(standard.shape[1], RIDGE)
    pull[-1] = 0.0
    found = np.zeros(standard.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(standard @ found, -30, 30)))
        slope = standard.T @ (share * (chance - is_right)) + pull * found
        bend = (standard * (share * chance * (1 - chance) + 1e-12)[:, None]).T @ standard + np.diag(pull)
        step = np.linalg.solve(bend, slope)
        found = found - step
        if np.abs(step).max() < 1e-6:
            break
    weights = found[:-1] / spread
    named = dict(zip(FITTED, map(float, weights), strict=True))
    return Fit(WEIGHTS._replace(**named), float(found[-1] - weights @ centre))


@contextmanager
def in_use(chosen: Fit) -> Iterator[None]:
    """Grouping weighs by these meanwhile."""
    resemblance.WEIGHTS, resemblance.BIAS = chosen.weights, chosen.bias
    try:
        yield
    finally:
        resemblance.WEIGHTS, resemblance.BIAS = SHIPPED.weights, SHIPPED.bias


def quality(rows: Sequence[Labelled], chosen: Fit) -> float:
    """B-cubed F1."""
    with in_use(chosen):
        return marks([row.story for row in rows], grouped(rows)).f1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(SETS), help="names of sets, two or more")
    parser.add_argument("--most", type=int, default=3500, help="articles of a set, by whole stories")
    parser.add_argument(
        "--half", type=int, choices=(0, 1), help="fit on this half of the stories, measure on the other"
    )
    options = parser.parse_args()
    if len(options.sets) < 2:
        parser.error("one set cannot be left out of itself")
    learned = {name: choices(load(name, most=options.most, half=options.half)) for name in options.sets}
    other = None if options.half is None else 1 - options.half
    measured = {name: load(name, most=options.most, half=other) for name in options.sets}
    fitted = fit(list(learned.values()))
    console = Console(width=120)
    console.print(_weights(fitted))
    console.print(_qualities(learned, measured, fitted))


def _weights(fitted: Fit) -> Table:
    table = Table("evidence", "shipped", "fitted", title="Weights")
    for name in Evidence._fields:
        is_fitted = name in FITTED
        table.add_row(
            name, f"{getattr(WEIGHTS, name):.2f}", f"{getattr(fitted.weights, name):.2f}" if is_fitted else "-"
        )
    table.add_row("bias", f"{BIAS:.2f}", f"{fitted.bias:.2f}")
    return table


def _qualities(learned: dict[str, Choices], measured: dict[str, list[Labelled]], fitted: Fit) -> Table:
    table = Table("set", "choices", "right", "shipped", "fitted on all", "on all others", title="B-cubed F1")
    sums: Counter[int] = Counter()
    for name, rows in measured.items():
        others = fit([one for left, one in learned.items() if left != name])
        found = [quality(rows, chosen) for chosen in (SHIPPED, fitted, others)]
        sums.update(dict(enumerate(found)))
        one = learned[name]
        table.add_row(name, str(len(one.is_right)), f"{one.is_right.mean():.0%}", *(f"{mark:.3f}" for mark in found))
    table.add_row("mean", "", "", *(f"{sums[at] / len(measured):.3f}" for at in range(3)))
    return table


if __name__ == "__main__":
    main()
