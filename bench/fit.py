"""Where the judge of grouping comes from: boosted trees, fitted on the labelled desks and story sets.

Articles arrive one by one in the real order. Each open story that an article is compared with is one choice: its
evidence, and whether the story was opened by the article's event. The first pass puts every article where it belongs;
the next passes join by the judge fitted so far, its mistakes included, so that it learns what it will meet. Trees are
small, their directions fixed where one makes sense (more shared words never speak against), and the probability is
calibrated on the joins of a judge that has not seen the desk. The choices of a story set are weighed down to a share,
since the product always has a rule.

Printed: for each part of the desks, what a judge makes of it that was fitted without it; with --desks the same for each
fold of desks. Written: bot/stories/judge.json.

    python -m bench.fit [--desks] [--write]

Needs lightgbm and scikit-learn, which are no dependency of the project: pip install lightgbm scikit-learn.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bench import desk_grouping, desk_scores, storysets
from bot import model, rules
from bot.stories import evidence, profile, trees
from bot.stories.evidence import Evidence
from bot.stories.grouping import story_id
from bot.stories.index import Index
from bot.stories.profile import Profile

PARTS = desk_grouping.PARTS
WINDOW = timedelta(days=14)
#: What all choices of a set weigh together, beside some 4,000 choices of the desks under one rule.
SETS = {"lede-feeds": 60, "allsides": 60, "basil": 30, "ecbplus": 40, "gva": 80, "fnc": 40}
#: A story of no shared rule, beside one of the same rule: nearly all are told apart at once.
OTHER_RULE = 0.1
#: The chances from which an article joins in the passes with the judge's own mistakes, and what a choice weighs there.
PASSES, OWN = (0.5, 0.8), 0.5
FOLDS = 6
#: What is made of the desks beside them, and what a choice weighs there, since in the desks the reports of one event
#: follow within the hour and other events do not: beginnings of a rule, other events in the same words, and crowds (of
#: so many of the events).
BEGINNINGS, BEGINNING = 10, 0.2
LOOK_ALIKES, LOOK_ALIKE = 6, 0.5
SYLLABLES = "ba do ver lin mar to ques na rel so vi kan dru pe ost hal".split()
#: What a choice of the project's own example weighs, which every version must get right.
EXAMPLE = 5.0
CROWD, CROWDED, SEEDS = 0.6, 0.4, (1, 2, 3)
SHIPPED = Path(__file__).parents[1] / "bot" / "stories" / "judge.json"
FOR = frozenset(
    "words words_rule near_head near_title title_in_heads title_in_story head_in_story titles_in_head titles_in_article"
    " core_in_title core_in_head core_in_article names_titles names_heads top_title top_head top_any figures same_day"
    " copied lead_words lead_names lead_title".split()
)
AGAINST = frozenset(
    "new_names new_names_share new_head_share lacks_title lacks_head lacks_any figures_new figures_clash another"
    " recalls rival_title strangers_title strangers_head days told".split()
)
PARAMETERS = {
    "objective": "binary",
    "learning_rate": 0.08,
    "num_leaves": 5,
    "min_data_in_leaf": 60,
    "lambda_l2": 5.0,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "monotone_constraints": [(name in FOR) - (name in AGAINST) for name in Evidence._fields],
    "num_threads": 1,
    "verbosity": -1,
    "seed": 1,
}
#: Trees of each kind; those with thresholds drawn at random hold better on subjects that were not seen.
TREES = {False: 130, True: 130}


@dataclass(frozen=True, slots=True)
class Told:
    """An article, read, and the event that it tells."""

    read: Profile
    event: str
    #: A desk or a set.
    source: str
    arrival: model.Arrival | None = None


@dataclass(slots=True)
class Choices:
    """Evidence, whether it was the right story, and weights."""

    evidence: list[Evidence] = field(default_factory=list)
    is_right: list[bool] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    def add(self, other: Choices, by: float = 1.0) -> None:
        self.evidence += other.evidence
        self.is_right += other.is_right
        self.weights += [weight * by for weight in other.weights]
        self.sources += other.sources

    def without(self, sources: frozenset[str]) -> Choices:
        kept = [at for at, source in enumerate(self.sources) if source not in sources]
        return Choices(
            *([column[at] for at in kept] for column in (self.evidence, self.is_right, self.weights, self.sources))
        )


@dataclass(slots=True)
class Run:
    """What a judge made of articles that came one by one."""

    choices: Choices = field(default_factory=Choices)
    stories: list[str] = field(default_factory=list)
    is_shown: list[bool] = field(default_factory=list)
    #: Of each article with a candidate: the best one's score, whether it was right, the source.
    best: list[tuple[float, bool, str]] = field(default_factory=list)


def run(told: Sequence[Told], judge: trees.Judge | None = None, join_from: float = 0.5) -> Run:
    """Join one after another; without a judge each article where it belongs."""
    index, found = Index(), Run()
    opened_by: dict[str, str] = {}
    home_of: dict[str, str] = {}
    for at, one in enumerate(told):
        if at % 20 == 0:
            index.forget(one.read.seen - WINDOW)
        compared = evidence.compare(one.read, index.near(one.read, WINDOW), index.rarity)
        right = [opened_by[each.story.id] == one.event for each in compared]
        for each, is_right in zip(compared, right, strict=True):
            found.choices.evidence.append(each.evidence)
            found.choices.is_right.append(is_right)
            found.choices.weights.append(1.0 if each.evidence.of_rule or not one.read.rules else OTHER_RULE)
            found.choices.sources.append(one.source)
        home = None
        if judge is None:
            home = home_of.get(one.event)
        elif compared:
            scores = [judge.score(each.evidence) for each in compared]
            best = int(np.argmax(scores))
            found.best.append((scores[best], right[best], one.source))
            if judge.chance(compared[best].evidence) >= join_from:
                home = compared[best].story.id
        if home not in index.stories:
            home = story_id(one.read.id)
            opened_by[home] = one.event
            home_of[one.event] = home
            found.is_shown.append(True)
        else:
            found.is_shown.append(False)
        index.add(home, one.read)
        found.stories.append(home)
    return found


def fit(choices: Choices) -> trees.Judge:
    """Boosted trees, not calibrated."""
    import lightgbm

    data = lightgbm.Dataset(
        np.array(choices.evidence, dtype=float), np.array(choices.is_right, dtype=float), weight=choices.weights
    )
    found = []
    for is_extra, count in TREES.items():
        fitted = lightgbm.train(PARAMETERS | {"extra_trees": is_extra}, data, count)
        found += [_tree(tree["tree_structure"], 1 / len(TREES)) for tree in fitted.dump_model()["tree_info"]]
    return trees.Judge(Evidence._fields, tuple(found), 1.0, 0.0)


def _tree(node: dict[str, object], share: float) -> trees.Tree:
    if "leaf_value" in node:
        return round(float(node["leaf_value"]) * share, 4)
    below, above = _tree(node["left_child"], share), _tree(node["right_child"], share)
    return (int(node["split_feature"]), float(f"{node['threshold']:.4g}"), below, above)


def _by_desk(told: Sequence[Told]) -> list[list[list[Told]]]:
    """Desk, event, article."""
    desks: defaultdict[str, defaultdict[str, list[Told]]] = defaultdict(lambda: defaultdict(list))
    for one in told:
        desks[one.source][one.event].append(one)
    return [list(events.values()) for _, events in sorted(desks.items())]


def _starting(event: Sequence[Told], at: datetime) -> list[Told]:
    """An event's articles, the first at this time, the days that they name moved too."""
    by = at - event[0].read.when
    return [
        replace(
            one,
            read=replace(one.read, when=one.read.when + by, days=frozenset(day + by for day in one.read.days)),
        )
        for one in event
    ]


def beginnings(told: Sequence[Told], seed: int = 7) -> Choices:
    """A rule's first stories: in an empty index a few articles of one event, soon the first of another, and more."""
    chance, found = random.Random(seed), Choices()
    for events in _by_desk(told):
        for _ in range(BEGINNINGS):
            one, other = chance.sample(events, 2)
            many = chance.choice((1, 1, 2, 3))
            at = one[:many][-1].read.when + timedelta(hours=6 * chance.random())
            second = _starting(other, at)
            found.add(run([*one[:many], second[0], *one[many : many + 1], *second[1:2]]).choices, BEGINNING)
    return found


def look_alike(one: Told, chance: random.Random) -> Told | None:
    """Another event in the same words: the names and figures of the title are others, throughout.

    None where the title has no name but those of the rule.
    """
    assert one.arrival is not None
    article, taken = one.arrival.article, frozenset().union(*one.read.rules.values())
    names = [written for name, written in one.read.names.items() if name in one.read.title and name not in taken]
    if not names:
        return None
    others = {name: "".join(chance.choice(SYLLABLES) for _ in range(3)).capitalize() for name in names}
    swapped = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b|\d+")

    def swap(found: re.Match[str]) -> str:
        return others.get(found[0]) or str(max(1, round(int(found[0]) * chance.uniform(0.3, 3))))

    made = replace(
        article,
        id=model.ArticleId(f"{article.id} {chance.random()}"),
        title=swapped.sub(swap, article.title),
        text=swapped.sub(swap, article.text),
        outlet=f"{article.outlet} {chance.random()}",
        published=article.when + timedelta(hours=6 * chance.random()),
    )
    return replace(one, read=profile.of(made, one.arrival.matches), event=f"like {one.event}")


def look_alikes(told: Sequence[Told], seed: int = 5) -> Choices:
    """In an empty index an article, then its look-alike, then what follows the first."""
    chance, found = random.Random(seed), Choices()
    for events in _by_desk(told):
        for event in chance.sample(events, min(LOOK_ALIKES, len(events))):
            made = look_alike(event[0], chance)
            if made is not None:
                found.add(run([event[0], made, *event[1:2]]).choices, LOOK_ALIKE)
    return found


def crowded(told: Sequence[Told], seed: int) -> Choices:
    """All events of a desk begin within thirty hours, so that time says little and words must."""
    chance, desks = random.Random(seed), []
    for events in _by_desk(told):
        start = events[0][0].read.when
        moved = [_starting(event, start + timedelta(hours=30 * chance.random())) for event in events]
        kept = [one for event in moved if chance.random() < CROWD for one in event]
        desks.append(sorted(kept, key=lambda one: one.read.when))
    found = Choices()
    found.add(run([one for turn in zip_longest(*desks) for one in turn if one is not None]).choices, CROWDED)
    return found


def learn(parts: Sequence[Sequence[Told]], sets: Choices, leave_out: frozenset[str] = frozenset()) -> trees.Judge:
    """The passes over some parts of the desks."""
    seen = [[one for one in part if one.source not in leave_out] for part in parts]
    choices = Choices()
    choices.add(sets)
    choices.add(run(read_example()).choices, EXAMPLE)
    for part in seen:
        choices.add(run(part).choices)
        choices.add(beginnings(part))
        choices.add(look_alikes(part))
        for seed in SEEDS:
            choices.add(crowded(part, seed))
    judge = fit(choices)
    for part in seen:
        for join_from in PASSES:
            choices.add(run(part, judge, join_from).choices, OWN)
    return fit(choices)


def calibrated(judge: trees.Judge, best: Iterable[tuple[float, bool, str]]) -> trees.Judge:
    """With the probability of each score (Platt), from joins that its like made of desks that it had not seen."""
    from sklearn.linear_model import LogisticRegression

    scores, right, _ = zip(*best, strict=True)
    found = LogisticRegression(C=1e6).fit(np.array(scores)[:, None], np.array(right))
    return replace(judge, slope=round(float(found.coef_[0, 0]), 4), shift=round(float(found.intercept_[0]), 4))


def written(judge: trees.Judge) -> str:
    """As it ships: a tree a line."""
    lines = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in judge.trees)
    calibration = json.dumps([judge.slope, judge.shift])
    return f'{{"features": {json.dumps(judge.features)},\n"calibration": {calibration},\n"trees": [\n{lines}\n]}}\n'


def read_desks(part: str) -> list[Told]:
    found = desk_grouping.rows(desk_scores.load(part))
    return [
        Told(profile.of(row.arrival.article, row.arrival.matches), row.event, f"{part}/{row.item.desk}", row.arrival)
        for row in found
    ]


def read_example() -> list[Told]:
    """The project's own example, as a desk: one thread, and another event with the same names."""
    rule = rules.compile_rule(
        model.Rule(
            name="example",
            notify=("bench",),
            all=(
                model.Line(label="product", terms=("BES", "BlackBerry")),
                model.Line(label="regulator", terms=("PTA", "Pakistan Telecommunication Authority")),
                model.Line(label="demand", terms=("backdoor*", "lawful access", "unfettered access")),
            ),
        )
    )
    ruleset, feed = rules.RuleSet([rule]), model.Feed(url="https://bench.example/feed")
    told = json.loads((SHIPPED.parents[1] / "demo" / "story.json").read_text("utf-8"))
    found = []
    for item in told["items"]:
        at = datetime.fromisoformat(told["start"]) + timedelta(minutes=item["minute"])
        article = model.Article(
            id=model.ArticleId(item["id"]),
            feed=item["feed"],
            outlet=item["feed"],
            owner=item["feed"],
            link=f"https://{item['feed']}.example/{item['id']}",
            title=item["title"],
            text=item["text"],
            published=at,
            first_seen=at,
            fingerprint=item["id"],
        )
        matches = ruleset.match(article, feed, now=at)
        if matches:
            event = "messenger" if "Messenger" in article.title else "exit"
            arrival = model.Arrival(article=article, matches=matches, is_baseline=False)
            found.append(Told(profile.of(article, matches), event, "example", arrival))
    return found


def read_set(name: str) -> list[Told]:
    found = storysets.load(name)
    found = storysets.spread(found) if name in storysets.ONE_TIME else found
    return [Told(profile.of(row.article), row.story, name) for row in found]


def set_choices(names: Iterable[str]) -> Choices:
    """Those of the story sets, each weighed down to its share."""
    found = Choices()
    for name in names:
        choices = run(read_set(name)).choices
        found.add(choices, SETS[name] / len(choices.is_right))
    return found


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
    sets = set_choices(SETS)
    parts = {part: read_desks(part) for part in PARTS}
    table = Table("left out", "joins from", "hidden", "beyond", "pair P", "R")
    best: list[tuple[float, bool, str]] = []
    for held in PARTS:
        judge = learn([parts[part] for part in PARTS if part != held], sets)
        for join_from in (0.5, 0.65, 0.8, 0.9):
            done = run(parts[held], judge, join_from)
            best += done.best if join_from == 0.8 else []
            table.add_row(held, f"{join_from}", *_cells(*scored(parts[held], done)))
    if options.desks:
        folds: defaultdict[int, set[str]] = defaultdict(set)
        for told in parts.values():
            for at, desk in enumerate(sorted({one.source for one in told})):
                folds[at % FOLDS].add(desk)
        by_part: defaultdict[tuple[str, float], list[tuple[Told, str, bool]]] = defaultdict(list)
        for fold in folds.values():
            judge = learn(list(parts.values()), sets, frozenset(fold))
            for part, told in parts.items():
                for join_from in (0.5, 0.65, 0.8, 0.9):
                    done = run([one for one in told if one.source in fold], judge, join_from)
                    best += done.best if join_from == 0.8 else []
                    mine = [one for one in told if one.source in fold]
                    by_part[part, join_from] += zip(mine, done.stories, done.is_shown, strict=True)
        for (part, join_from), rows in sorted(by_part.items()):
            told, found, is_shown = (list(column) for column in zip(*rows, strict=True))
            table.add_row(f"desks of {part}", f"{join_from}", *_cells(*scored(told, Run(Choices(), found, is_shown))))
    Console(width=110).print(table)
    if options.write:
        judge = calibrated(learn(list(parts.values()), sets), best)
        SHIPPED.write_text(written(judge), "utf-8")


def _cells(hidden: int, beyond: int, precision: float, recall: float) -> tuple[str, ...]:
    return str(hidden), str(beyond), f"{precision:.2f}", f"{recall:.2f}"


if __name__ == "__main__":
    main()
