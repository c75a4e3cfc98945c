"""Fit the judge of grouping: a conditional logit over the evidence, on labelled news.

Articles arrive one at a time in their real order. An article with candidates is one choice: one of the open stories, or
none. In the first pass, each article is put in its right story. In the second, a judge that was fitted without the
article's group decides, and its mistakes remain, so that the fit also learns from stories with mistakes. Each number of
the evidence adds to a story's score by a piecewise linear function; the candidates and "none" share the probability.

Prints the results of the whole grouping for each group, by a judge fitted without it: events that are readable nowhere
(each of their articles is folded under a nearly equal headline), events without their own message, messages in addition
to one per event, the share of joins that are right, pairs, and the cost: 20 for an event that is readable nowhere, 4
for an event without a message, 1 for a surplus message.

--curve      several probabilities from which an article joins
--ablation   the value of each number of the evidence
--report     also the third part of the labels and unseen_families.yaml, on which nothing is fitted
--write      write bot/stories/judge.json

    python -m bench.quality.fit [--curve] [--ablation] [--report] [--write]

Needs numpy, which the project does not depend on.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.quality import desk_rows, desk_scores, pools, streams
from bench.quality.desk_rows import WINDOW
from bench.quality.streams import Report, Stream
from bot import stories
from bot.model.stories import StoryId
from bot.stories import evidence, roundups
from bot.stories.evidence import Evidence, Judge, Weights
from bot.stories.grouping import JOIN_FROM, story_id
from bot.stories.index import Index
from bot.stories.openstory import OpenStory
from bot.text import words

SHIPPED = Path(__file__).parents[2] / "bot" / "stories" / "judge.json"
#: Where the lines bend: at these shares of the values above 0.
BENDS = {
    "text": (0.3, 0.7, 0.93),
    "lead": (0.3, 0.7, 0.93),
    "deeds": (0.3, 0.7),
    "names": (0.3, 0.7),
    "new_in_title": (0.3, 0.7),
    "hours": (0.3, 0.7),
    "recent": (0.3, 0.7),
    "length": (0.3, 0.7),
    "of_rule": (0.5,),
}
#: More of these never lowers a probability, more of the others never raises it; these may do either.
RISING = frozenset(("text", "lead", "deeds", "names", "figures", "days"))
FREE = frozenset(("length", "recent"))
RIDGE, STEPS = 4.0, 40
#: Digits of the evidence after the point.
DIGITS = 6
#: The second pass: an article joins from this probability on; a choice counts so much beside one of the first pass.
OWN_FROM, OWN_WEIGHT = 0.7, 0.7
#: What a choice under a narrow rule counts for broad rules, and the other way round.
OTHER_KIND = 0.25
#: Prices of an event that is readable nowhere, of one without a message of its own, of a message beyond one an event.
NOWHERE, HIDDEN, BEYOND = 20, 4, 1
CURVE = (0.5, 0.6, 0.7, 0.8, 0.9)
#: Titles that share this part of their words are folded into one line of a message.
FOLDED = 0.8
#: Of which group a figure is given together.
KINDS = ("labels", "everyday", "desk", "families", "gva", "sets")

Matrix = NDArray[np.float64]
Joins = Callable[[Sequence[Evidence]], int | None]


@dataclass(slots=True)
class Choices:
    """Articles with their candidates."""

    evidence: list[Matrix] = field(default_factory=list)
    #: Of each candidate: its story was opened by the article's event.
    is_right: list[NDArray[np.bool_]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)

    def __iadd__(self, other: Choices) -> Self:
        self.evidence += other.evidence
        self.is_right += other.is_right
        self.weights += other.weights
        self.groups += other.groups
        return self


def choices(stream: Stream, weight: float = 1.0, judge: Judge | None = None) -> Choices:
    """Return the choices of a stream; without a judge each article goes where it belongs."""
    index, found = Index(), Choices()
    opened_by: dict[StoryId, str] = {}
    home_of: dict[str, StoryId] = {}
    for at, one in enumerate(stream.reports):
        if at % 20 == 0:
            index.forget(one.read.seen - WINDOW)
        near = index.near(one.read, WINDOW)
        is_roundup = _is_roundup(one, near, index)
        near = [] if is_roundup else [story for story in near if not story.is_roundup]
        compared = evidence.compare(one.read, near, index.rarity)
        is_right = np.array([opened_by[story.id] == one.event for story in near], dtype=bool)
        if near:
            # Sums over sets differ in their last digits from run to run; rounded, the same data give the same judge.
            found.evidence.append(np.round(np.array(compared, dtype=float), DIGITS))
            found.is_right.append(is_right)
            found.weights.append(stream.weight * weight)
            found.groups.append(stream.group)
        home = home_of.get(one.event) if judge is None else None
        if judge is not None and near:
            chances = judge.chances(compared)
            best = int(np.argmax(chances))
            home = near[best].id if chances[best] >= OWN_FROM else None
        if home is None or home not in index.stories:
            home = home_of[one.event] = story_id(one.read.id)
            opened_by[home] = one.event
        index.add(home, one.read, is_roundup=is_roundup)
    return found


def _is_roundup(one: Report, near: Sequence[OpenStory], index: Index) -> bool:
    article = one.arrival.article
    if roundups.heads_several(article):
        return True
    return (
        roundups.names_period(article.title)
        and roundups.count_subjects(one.read, near, index.rarity.under(one.read.rules)) >= roundups.NAMED
    )


def fit(found: Choices, without: Collection[str] = (), left_out: Collection[str] = ()) -> Judge:
    """Return the judge of these choices, ``without`` some groups; ``left_out``: numbers of the evidence."""
    return Judge(*(fit_weights(found, is_narrow, without, left_out) for is_narrow in (False, True)))


def fit_weights(found: Choices, is_narrow: bool, without: Collection[str], left_out: Collection[str]) -> Weights:
    """Return the weights under narrow or broad rules; what the other rules teach counts a little."""
    kept = [at for at, group in enumerate(found.groups) if group not in without]
    rows = np.vstack([found.evidence[at] for at in kept])
    is_right = np.concatenate([found.is_right[at] for at in kept])
    narrow = Evidence._fields.index("narrow")
    weights = np.array(
        [found.weights[at] * (1.0 if found.evidence[at][0, narrow] == is_narrow else OTHER_KIND) for at in kept]
    )
    sizes = np.array([len(found.evidence[at]) for at in kept])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    article = np.repeat(np.arange(len(sizes)), sizes)
    bends = [
        () if name in left_out or name == "narrow" else _bends(name, rows[:, at])
        for at, name in enumerate(Evidence._fields)
    ]
    # A column is the part of a value that lies between two bends; its weight is the slope there.
    pieces = [(at, start, end) for at, starts_of in enumerate(bends) for start, end in pairwise((*starts_of, np.inf))]
    columns = np.stack([np.clip(rows[:, at] - start, 0.0, end - start) for at, start, end in pieces], axis=1)
    signs = np.array([_sign(Evidence._fields[at]) for at, _, _ in pieces] + [0])
    scale = columns.std(axis=0)
    scale[scale == 0] = 1.0
    columns = np.hstack([columns / scale, np.ones((len(columns), 1))])
    ridge = np.full(columns.shape[1], RIDGE)
    ridge[-1] = 0.0

    def shares(solution: Matrix) -> tuple[Matrix, Matrix, float]:
        """Return each candidate's share, its share if the article's right ones are given, and the loss."""
        scores = columns @ solution
        highest = np.maximum(np.maximum.reduceat(scores, starts), 0.0)
        share = np.exp(scores - highest[article])
        whole = np.add.reduceat(share, starts) + np.exp(-highest)
        share /= whole[article]
        right = np.add.reduceat(share * is_right, starts)
        has_right = np.add.reduceat(is_right.astype(float), starts) > 0
        likelihood = np.where(has_right, right, np.exp(-highest) / whole)
        given = np.where(is_right, share / np.maximum(right[article], 1e-12), 0.0)
        loss = -(weights * np.log(likelihood + 1e-12)).sum() + 0.5 * (ridge * solution**2).sum()
        return share, given, float(loss)

    def allowed(solution: Matrix) -> Matrix:
        return np.where(signs * solution < 0, 0.0, solution)

    solution = np.zeros(columns.shape[1])
    share, given, loss = shares(solution)
    for _ in range(STEPS):
        each = weights[article]
        gradient = columns.T @ (each * (share - given)) + ridge * solution
        means = np.add.reduceat(columns * share[:, None], starts)
        curvature = (columns * (each * share)[:, None]).T @ columns - (means * weights[:, None]).T @ means
        is_free = ~((signs != 0) & (solution == 0) & (signs * gradient > 0))
        step = np.zeros_like(solution)
        step[is_free] = np.linalg.solve(
            (curvature + np.diag(ridge + 1e-3))[np.ix_(is_free, is_free)], gradient[is_free]
        )
        for half in range(10):
            trial = allowed(solution - step / 2**half)
            after = shares(trial)
            if after[2] < loss:
                break
        else:
            break
        gain, solution = loss - after[2], trial
        share, given, loss = after
        if gain < 1e-3:
            break
    slopes: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for (at, start, _), slope in zip(pieces, solution[:-1] / scale, strict=True):
        slopes[at].append((start, float(slope) - sum(each for _, each in slopes[at])))
    return Weights(
        round(float(solution[-1]), 3),
        tuple(
            tuple((start, float(f"{slope:.4g}")) for start, slope in slopes[at]) for at in range(len(Evidence._fields))
        ),
    )


def _sign(name: str) -> int:
    return 0 if name in FREE else 1 if name in RISING else -1


def _bends(name: str, values: Matrix) -> tuple[float, ...]:
    above = values[values > 0]
    inner = list(np.quantile(above, BENDS[name])) if name in BENDS and len(above) else []
    return (0.0, *sorted({float(f"{start:.3g}") for start in inner if start > 0}))


@dataclass(slots=True)
class Outcome:
    """What a channel would show of some streams."""

    articles: int = 0
    events: int = 0
    nowhere: int = 0
    hidden: int = 0
    beyond: int = 0
    joins: int = 0
    right: int = 0
    #: Pairs of articles of one event and in one story, in one story, of one event.
    pairs_right: int = 0
    pairs_joined: int = 0
    pairs: int = 0
    #: Unsure articles, and those whose nearest story was of their event.
    unsure: int = 0
    unsure_right: int = 0
    #: Tenth of the probability -> joins, right ones.
    sure: Counter[int] = field(default_factory=Counter)
    sure_right: Counter[int] = field(default_factory=Counter)

    def __iadd__(self, other: Outcome) -> Self:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    @property
    def cost(self) -> int:
        """Return the price of all mistakes."""
        return NOWHERE * self.nowhere + HIDDEN * (self.hidden - self.nowhere) + BEYOND * self.beyond


def outcome(reports: Sequence[Report], judge: Judge | None, join_from: float = JOIN_FROM) -> Outcome:
    """Return what the grouping makes of a stream; None: the judge that ships."""
    grouping = stories.Grouping(window=WINDOW, judge=judge, join_from=join_from)
    made = Outcome(articles=len(reports), events=len({one.event for one in reports}))
    opened_by: dict[StoryId, str] = {}
    lives_in: dict[StoryId, StoryId] = {}
    headlines: defaultdict[StoryId, list[str]] = defaultdict(list)
    is_folded: defaultdict[str, list[bool]] = defaultdict(list)
    homes: list[StoryId] = []
    opened: Counter[str] = Counter()
    for at, one in enumerate(reports):
        if at % 20 == 0:
            grouping.forget(one.read.seen - WINDOW)
        article = one.arrival.article
        join = grouping.join(article, one.arrival.matches)
        for younger in join.merges:
            lives_in[younger] = join.story
            headlines[join.story] += headlines.pop(younger, [])
        homes.append(join.story)
        if join.story in opened_by:
            tenth = min(9, int(10 * (join.confidence or 0.0)))
            is_right = opened_by[join.story] == one.event
            made.joins += 1
            made.right += is_right
            made.sure[tenth] += 1
            made.sure_right[tenth] += is_right
            is_folded[one.event].append(
                join.copy_of is not None or any(_is_folded(article.title, title) for title in headlines[join.story])
            )
        else:
            opened_by[join.story] = one.event
            opened[one.event] += 1
            is_folded[one.event].append(False)
            if join.near is not None:
                made.unsure += 1
                made.unsure_right += opened_by.get(join.near) == one.event
        headlines[join.story].append(article.title)
    final = [_home(home, lives_in) for home in homes]
    hidden = {one.event for one in reports} - opened.keys()
    made.hidden = len(hidden)
    made.nowhere = sum(all(is_folded[event]) for event in hidden)
    made.beyond = opened.total() - len(opened)
    made.pairs_right = _pairs((one.event, home) for one, home in zip(reports, final, strict=True))
    made.pairs_joined = _pairs((one.source, home) for one, home in zip(reports, final, strict=True))
    made.pairs = _pairs(one.event for one in reports)
    return made


def _home(story: StoryId, lives_in: Mapping[StoryId, StoryId]) -> StoryId:
    while story in lives_in:
        story = lives_in[story]
    return story


def _pairs(keys: Iterable[object]) -> int:
    return sum(count * (count - 1) // 2 for count in Counter(keys).values())


def _is_folded(title: str, other: str) -> bool:
    mine, theirs = ({token.stem for token in words.words_of(each)} for each in (title, other))
    return len(mine & theirs) >= FOLDED * len(mine | theirs)


def all_choices(every: Sequence[Stream]) -> Choices:
    """Return the choices of both passes; in the second, each half of the groups is judged by what the other taught."""
    found = Choices()
    for stream in every:
        found += choices(stream)
    groups = sorted({stream.group for stream in every})
    halves = [set(groups[at::2]) for at in (0, 1)]
    judges = [fit(found, without=half) for half in halves]
    for half, judge in zip(halves, judges, strict=True):
        for stream in every:
            if stream.group in half:
                found += choices(stream, OWN_WEIGHT, judge)
    return found


def without_each_part() -> dict[str, Judge]:
    """Return for each part of the desks the judge that was fitted without it."""
    found = all_choices(streams.load())
    parts = (*desk_rows.PARTS, *desk_scores.OWN_PARTS)
    return {part: fit(found, without={f"desk-{part}"}) for part in parts}


def measured(every: Sequence[Stream]) -> list[Stream]:
    """Return the streams of which figures are given: without what was made of them."""
    return [stream for stream in every if stream.weight != streams.MADE]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--curve", action="store_true", help="for several probabilities from which an article joins")
    parser.add_argument("--ablation", action="store_true", help="what each number of the evidence is worth")
    parser.add_argument("--report", action="store_true", help="the third part of the labels and unseen families too")
    parser.add_argument("--write", action="store_true", help="write bot/stories/judge.json")
    options = parser.parse_args()
    every = streams.load()
    found = all_choices(every)
    groups = sorted({stream.group for stream in every})
    unseen = {group: fit(found, without={group}) for group in groups}
    whole = fit(found)
    table = _table("left out")
    for join_from in CURVE if options.curve else (JOIN_FROM,):
        by_group: defaultdict[str, Outcome] = defaultdict(Outcome)
        for stream in measured(every):
            by_group[stream.group] += outcome(stream.reports, unseen[stream.group], join_from)
        for group, made in by_group.items():
            table.add_row(group, f"{join_from}", *_cells(made))
        for kind in KINDS:
            total = Outcome()
            for group, made in by_group.items():
                total += made if group.startswith(kind) else Outcome()
            cells = (f"{join_from}", *_cells(total))
            table.add_row(f"all of {kind}", *cells, end_section=kind == KINDS[-1])
    if options.report:
        total = Outcome()
        for reports in streams.read_labels(pools.PARTS[-1]):
            total += outcome(reports, whole)
        table.add_row("labels-c", f"{JOIN_FROM}", *_cells(total))
        total = Outcome()
        for reports in streams.read_families(streams.UNSEEN_FAMILIES):
            total += outcome(reports, whole)
        table.add_row("unseen families", f"{JOIN_FROM}", *_cells(total))
    console = Console(width=170)
    console.print(table)
    if options.ablation:
        console.print(_ablation(found, groups))
    if options.write:
        SHIPPED.write_text(_written(whole), "utf-8")


def _written(judge: Judge) -> str:
    """Return the judge as JSON, a line for each number of the evidence."""
    kinds = []
    for kind, weights in (("broad", judge.broad), ("narrow", judge.narrow)):
        slopes = zip(Evidence._fields, weights.slopes, strict=True)
        lines = ",\n".join(f'  "{name}": {json.dumps(bends)}' for name, bends in slopes)
        kinds.append(f'"{kind}": {{"bias": {weights.bias}, "slopes": {{\n{lines}\n}}}}')
    return f"{{{', '.join(kinds)}}}\n"


def _ablation(found: Choices, groups: Sequence[str]) -> Table:
    """Return how much worse a choice is judged without each number: the mean logarithm of the right choice's share."""
    table = Table("without", *KINDS, title="loss of a choice, more than with all")
    whole = _losses(found, groups, ())
    table.add_row("(with all)", *(f"{whole[kind]:.4f}" for kind in KINDS))
    for name in Evidence._fields:
        losses = _losses(found, groups, (name,))
        table.add_row(name, *(f"{losses[kind] - whole[kind]:+.4f}" for kind in KINDS))
    return table


def _losses(found: Choices, groups: Sequence[str], left_out: Collection[str]) -> dict[str, float]:
    judges = {group: fit(found, {group}, left_out) for group in groups}
    sums: defaultdict[str, float] = defaultdict(float)
    counts: Counter[str] = Counter()
    for rows, is_right, group in zip(found.evidence, found.is_right, found.groups, strict=True):
        chances = np.array(judges[group].chances([Evidence(*row) for row in rows]))
        share = chances[is_right].sum() if is_right.any() else 1.0 - chances.sum()
        kind = next((kind for kind in KINDS if group.startswith(kind)), group)
        sums[kind] -= float(np.log(share + 1e-9))
        counts[kind] += 1
    return {kind: sums[kind] / count for kind, count in counts.items()}


def _table(first: str) -> Table:
    return Table(
        first,
        "joins from",
        "articles",
        "events",
        "nowhere",
        "no message",
        "beyond",
        "joins right",
        "pair P",
        "R",
        "unsure right",
        "cost",
        ".7 to .9",
        "from .9",
    )


def _cells(made: Outcome) -> tuple[str, ...]:
    def share(part: int, whole: int) -> str:
        return f"{part} of {whole} ({100 * part / max(1, whole):.1f} %)"

    return (
        str(made.articles),
        str(made.events),
        share(made.nowhere, made.events),
        share(made.hidden, made.events),
        share(made.beyond, made.events),
        share(made.right, made.joins),
        f"{made.pairs_right / max(1, made.pairs_joined):.2f}",
        f"{made.pairs_right / max(1, made.pairs):.2f}",
        f"{made.unsure_right} of {made.unsure}",
        str(made.cost),
        f"{sum(made.sure_right[tenth] for tenth in (7, 8))} of {sum(made.sure[tenth] for tenth in (7, 8))}",
        f"{made.sure_right[9]} of {made.sure[9]}",
    )


if __name__ == "__main__":
    main()
