"""Where the judge of grouping comes from: boosted trees, fitted on the labelled desks and story sets.

Articles arrive one by one in the real order. Each open story that an article is compared with is one choice: its
evidence, and whether the story was opened by the article's event. The first pass puts every article where it belongs;
the next passes join by the judge fitted so far, its mistakes included, so that it learns what it will meet. What rules
collect of real news (set_rules.py, feed_rows.py) is learned too, at a small weight. Trees are small, and the
probability is calibrated on the joins of a judge that has not seen the desk. Stories that share no rule with the
article have a judge of their own, fitted on the story sets in two passes.

Printed: for each part of the desks, what a judge makes of it that was fitted without it, with --desks the same for each
fold of desks; one half of the events under rules on local news by what was fitted on the other; and the same for each
story set. Written: bot/stories/judge.json.

    python -m bench.quality.fit [--desks] [--write]

Needs lightgbm and scikit-learn, which are no dependency of the project: pip install lightgbm scikit-learn.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.quality import desk_rows, desk_scores, feed_rows, set_rules, storysets
from bench.quality.fit_choices import (
    Choices,
    Run,
    Told,
    beginnings,
    look_alikes,
    read_desks,
    read_examples,
    read_set,
    run,
)
from bench.quality.stories import marks
from bot.stories import profile, trees
from bot.stories.evidence import Evidence

#: Beside the real desks those that were written for fitting.
PARTS = (*desk_rows.PARTS, *desk_scores.OWN_PARTS)
#: What a choice weighs under the rules drawn for the story sets, and under everyday rules over real feeds: where they
#: weigh much more, the desks' events are told apart less well.
DRAWN, EVERYDAY = 0.05, 0.2
#: What all choices of a set weigh together.
SETS = {"lede-feeds": 1200, "allsides": 1200, "basil": 600, "ecbplus": 800, "gva": 1600, "fnc": 800}
#: The chances from which an article joins in the passes with the judge's own mistakes, and what a choice weighs there.
PASSES, OWN = (0.5, 0.8), 0.5
FOLDS = 6
CURVE, MIDDLE = (0.6, 0.7, 0.8, 0.9), 0.8
#: What a choice of the project's own example weighs, which every version must get right.
EXAMPLE = 15.0
SHIPPED = Path(__file__).parents[2] / "bot" / "stories" / "judge.json"
PARAMETERS = {
    "objective": "binary",
    "learning_rate": 0.08,
    "num_leaves": 12,
    "min_data_in_leaf": 40,
    "lambda_l2": 5.0,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "num_threads": 1,
    "verbosity": -1,
    "seed": 1,
}
#: Of the judge of other stories, which has ten times as many choices to learn from.
PLAIN = PARAMETERS | {"num_leaves": 10, "min_data_in_leaf": 20, "lambda_l2": 1.0}
#: Trees of each kind; those with thresholds drawn at random hold better on subjects that were not seen.
TREES = {False: 150, True: 150}


def fit(choices: Choices, parameters: Mapping[str, object] = PARAMETERS) -> trees.Judge:
    """Boosted trees, not calibrated."""
    import lightgbm

    data = lightgbm.Dataset(
        np.array(choices.evidence, dtype=float), np.array(choices.is_right, dtype=float), weight=choices.weights
    )
    found = []
    for is_extra, count in TREES.items():
        fitted = lightgbm.train(dict(parameters) | {"extra_trees": is_extra}, data, count)
        found += [_tree(tree["tree_structure"], 1 / len(TREES)) for tree in fitted.dump_model()["tree_info"]]
    return trees.Judge(tuple(found), 1.0, 0.0)


def _tree(node: dict[str, Any], share: float) -> trees.Tree:
    if "leaf_value" in node:
        return round(float(node["leaf_value"]) * share, 4)
    below, above = _tree(node["left_child"], share), _tree(node["right_child"], share)
    return (int(node["split_feature"]), float(f"{node['threshold']:.4g}"), below, above)


@dataclass(frozen=True, slots=True)
class Collected:
    """What rules collect of real news."""

    #: By rule, and what each of its choices weighs.
    rules: list[tuple[list[Told], float]]
    #: Those of the first pass.
    choices: Choices


def collected(half: int | None = None) -> Collected:
    """All of it; or one half of the events, and of the everyday rules."""
    found = [(told, DRAWN) for name in set_rules.DRAWN for told in set_rules.drawn(name, half)]
    for at, name in enumerate(feed_rows.HALVES):
        if half in (None, at):
            rows = feed_rows.rows(name)
            told = [Told(profile.of(row.arrival.article, row.arrival.matches), row.event, row.rule) for row in rows]
            found.append((told, EVERYDAY))
    choices = Choices()
    for told, weight in found:
        choices.add(run(told).choices, weight)
    return Collected(found, choices)


def learn(parts: Sequence[Sequence[Told]], real: Collected, leave_out: frozenset[str] = frozenset()) -> trees.Judge:
    """The judge of stories of the same rule: the passes over some parts of the desks, and over real news."""
    seen = [[one for one in part if one.source not in leave_out] for part in parts]
    choices = Choices()
    choices.add(real.choices)
    for example in read_examples():
        choices.add(run(example).choices, EXAMPLE)
    for part in seen:
        choices.add(run(part).choices)
        choices.add(beginnings(part))
        choices.add(look_alikes(part))
    judge = fit(choices)
    for part in seen:
        for join_from in PASSES:
            choices.add(run(part, judge, join_from).choices, OWN)
    for told, weight in real.rules:
        choices.add(run(told, judge, MIDDLE).choices, OWN * weight)
    return fit(choices)


def without_each(
    parts: Mapping[str, Sequence[Told]] | None = None, plain: trees.Judge | None = None
) -> dict[str, trees.Judges]:
    """For each part the judges that were fitted without it; calibrated on what all of them made of their parts.

    Of real news they have seen one half. ``plain``: the judge of stories of no shared rule; None: as shipped.
    """
    parts, real = parts or {part: read_desks(part) for part in PARTS}, collected(half=0)
    judges = {held: learn([told for part, told in parts.items() if part != held], real) for held in parts}
    best = [one for held, judge in judges.items() for one in run(parts[held], judge, MIDDLE).best]
    plain = plain or trees.shipped().plain
    return {held: trees.Judges(calibrated(judge, best), plain) for held, judge in judges.items()}


def calibrated(judge: trees.Judge, best: Iterable[tuple[float, bool, str]]) -> trees.Judge:
    """With the probability of each score (Platt), from joins that its like made of desks that it had not seen."""
    from sklearn.linear_model import LogisticRegression

    scores, right, _ = zip(*best, strict=True)
    found = LogisticRegression(C=1e6).fit(np.array(scores)[:, None], np.array(right))
    return replace(judge, slope=round(float(found.coef_[0, 0]), 4), shift=round(float(found.intercept_[0]), 4))


def written(judges: trees.Judges) -> str:
    """As they ship: a tree a line."""
    parts = []
    for name, judge in (("ruled", judges.ruled), ("plain", judges.plain)):
        lines = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in judge.trees)
        calibration = json.dumps([judge.slope, judge.shift])
        parts.append(f'"{name}": {{"calibration": {calibration}, "trees": [\n{lines}\n]}}')
    return f'{{"features": {json.dumps(Evidence._fields)},\n{", ".join(parts)}}}\n'


def learn_plain(sets: Mapping[str, Sequence[Told]]) -> trees.Judge:
    """The judge of all other stories: two passes over the story sets, each of its weight whatever its size."""
    choices, judge = Choices(), None
    for _ in range(2):
        for name, told in sets.items():
            found = run(told, judge).choices
            choices.add(found, SETS[name] / len(found.is_right))
        judge = fit(choices, PLAIN)
    assert judge is not None
    return judge


def scored(told: Sequence[Told], done: Run) -> tuple[int, int, float, float]:
    """Events hidden, items shown beyond one per event, precision and recall of pairs."""
    events = Counter(one.event for one in told)
    shown = Counter(one.event for one, is_shown in zip(told, done.is_shown, strict=True) if is_shown)
    both = Counter((one.event, story) for one, story in zip(told, done.stories, strict=True))
    joined = Counter((one.source, story) for one, story in zip(told, done.stories, strict=True))
    pairs = [sum(n * (n - 1) // 2 for n in count.values()) for count in (both, joined, events)]
    hidden = len(events.keys() - shown.keys())
    return hidden, shown.total() - len(events), pairs[0] / max(1, pairs[1]), pairs[0] / pairs[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--desks", action="store_true", help="also without each fold of the desks")
    parser.add_argument("--write", action="store_true", help="write bot/stories/judge.json")
    options = parser.parse_args()
    table = Table("left out", "joins from", "hidden", "beyond", "pair P", "R")
    sets = {name: read_set(name) for name in SETS}
    halves = [{name: _half(told, number) for name, told in sets.items()} for number in (0, 1)]
    judge, best = learn_plain(halves[0]), []
    of_sets = []
    for name, told in halves[1].items():
        done = run(told, judge)
        best += done.best
        found = marks([one.event for one in told], done.stories)
        of_sets.append((f"half of {name}: F1 {found.f1:.3f}", "0.5", "", "", *_shares(found.precision, found.recall)))
    plain = calibrated(learn_plain(sets), best)
    parts = {part: read_desks(part) for part in PARTS}
    unseen = without_each(parts, plain)
    # Of one calibration.
    like = unseen[PARTS[0]].ruled
    for held, judges in unseen.items():
        for join_from in CURVE:
            done = run(parts[held], judges.ruled, join_from)
            table.add_row(held, f"{join_from}", *_cells(*scored(parts[held], done)))
    if options.desks:
        for part, join_from, told, done in _folds(parts, like):
            table.add_row(f"desks of {part}", f"{join_from}", *_cells(*scored(told, done)))
    for told in set_rules.local():
        table.add_row(f"half of local news: {told[0].source}", f"{MIDDLE}", *_local(told, like))
    for row in of_sets:
        table.add_row(*row)
    Console(width=110).print(table)
    if options.write:
        ruled = replace(learn(list(parts.values()), collected()), slope=like.slope, shift=like.shift)
        SHIPPED.write_text(written(trees.Judges(ruled, plain)), "utf-8")


def _local(told: Sequence[Told], judge: trees.Judge) -> tuple[str, ...]:
    """As scored, of the events that the judge has not seen."""
    done, kept = run(told, judge, MIDDLE), {id(one) for one in _half(told, 1)}
    places = [at for at, one in enumerate(told) if id(one) in kept]
    mine = Run(stories=[done.stories[at] for at in places], is_shown=[done.is_shown[at] for at in places])
    return _cells(*scored([told[at] for at in places], mine))


def _folds(parts: Mapping[str, Sequence[Told]], like: trees.Judge) -> Iterator[tuple[str, float, list[Told], Run]]:
    """For each part and chance: its desks, each judged by what was fitted without it."""
    desks = [sorted({one.source for one in told}) for told in parts.values()]
    found: defaultdict[tuple[str, float], tuple[list[Told], Run]] = defaultdict(lambda: ([], Run()))
    real = collected(half=0)
    for fold in range(FOLDS):
        left_out = frozenset(desk for of_part in desks for desk in of_part[fold::FOLDS])
        judge = replace(learn(list(parts.values()), real, left_out), slope=like.slope, shift=like.shift)
        for part, told in parts.items():
            mine = [one for one in told if one.source in left_out]
            for join_from in CURVE:
                done = run(mine, judge, join_from)
                all_told, all_done = found[part, join_from]
                all_told += mine
                all_done.stories += done.stories
                all_done.is_shown += done.is_shown
    for (part, join_from), (told, done) in sorted(found.items(), key=lambda item: item[0]):
        yield part, join_from, told, done


def _half(told: Sequence[Told], number: int) -> list[Told]:
    return [one for one in told if storysets.draw(one.event) % 2 == number]


def _cells(hidden: int, beyond: int, precision: float, recall: float) -> tuple[str, ...]:
    return str(hidden), str(beyond), *_shares(precision, recall)


def _shares(precision: float, recall: float) -> tuple[str, str]:
    return f"{precision:.2f}", f"{recall:.2f}"


if __name__ == "__main__":
    main()
