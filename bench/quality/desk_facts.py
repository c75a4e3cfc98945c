"""New facts on the labelled desks: of what is stated the right share, and of the news the share told, for each part.

Articles join the stories that a judge of grouping makes of them which was fitted without the part, mistakes included;
what is stated is judged by a model fitted without the part too (leave one part out), so that no figure is of a desk
that either has seen. Right: one of the item's expected wordings stands in what is said; whatever is said of an item
without news is false.

    python -m bench.quality.desk_facts [--fit] [--threshold 0.6] [--shipped] [--show]

``--fit`` writes bot/facts/news-model.json, fitted on all parts. ``--shipped`` judges both by what is shipped, which has
seen these desks; all else needs lightgbm and scikit-learn.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.quality import desk_rows, fit
from bench.quality.desk_scores import Item, load, says
from bot import facts, model, stories
from bot.facts import evidence, judge
from bot.facts.news import OFFERED_FROM
from bot.stories import trees
from testbed import updates

PARTS = fit.PARTS
TARGET = Path(judge.__file__).with_name("news-model.json")
#: The chances of joining with which examples are made: more and fewer mistakes.
JOINS_FROM = (stories.grouping.JOIN_FROM, 0.65)
#: Of bench/quality/facts.py; the others are held out.
UPDATES = ("development", "sentences_development")
#: Models whose mean is taken.
DRAWINGS = 5
CURVE = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An article that joined a story that had articles."""

    item: Item
    is_wrong_story: bool
    evidence: tuple[float, ...]
    #: The same were it the only story.
    alone: tuple[float, ...]
    facts: tuple[model.Fact, ...]
    #: A language model would be asked what is new.
    is_asked: bool

    @property
    def is_news(self) -> bool:
        return bool(self.item.news) and not self.is_wrong_story

    @property
    def is_right(self) -> bool:
        return any(says(say, _told(self.facts)) for fact in self.item.news for say in fact)


@dataclass(slots=True)
class _Story:
    """What has joined it."""

    claims: facts.StoryClaims = field(default_factory=facts.StoryClaims)
    articles: list[model.Article] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)


def _told(found: Sequence[model.Fact]) -> str:
    """What a reply shows of the facts."""
    changes = [f"{fact.label}: {fact.before} → {fact.after}" for fact in found if not fact.is_sentence]
    return " | ".join([*changes, *dict.fromkeys(fact.sentence for fact in found)])


def _claims(articles: Sequence[model.Article]) -> facts.StoryClaims:
    """Of the articles, without a model that says which of them had news."""
    claims = facts.StoryClaims()
    for article in articles:
        claims.add(facts.read(article))
    return claims


def cases(
    part: str, grouped_by: trees.Judges, *, join_from: float = JOINS_FROM[0], judged_by: judge.Model | None = None
) -> Iterator[Case]:
    """The part's items as they come. Without a model of facts the claims learn what is news from the labels."""
    grouping = stories.Grouping(window=desk_rows.WINDOW, join_from=join_from, judge=grouped_by)
    found: defaultdict[str, _Story] = defaultdict(_Story)
    for row in desk_rows.rows(load(part)):
        article = row.arrival.article
        join = grouping.join(article, row.arrival.matches)
        home = found[join.story]
        for younger in join.merges:
            gone = found.pop(younger)
            home.articles += gone.articles
            home.events += gone.events
            home.claims = _claims(home.articles)
        reading = facts.read(article)
        beside = [found[story].claims for story in join.beside]
        sure = join.confidence or 0.0
        told = facts.news(home.claims, reading, beside, sure, judged_by=judged_by) if judged_by else ()
        if home.articles:
            is_wrong = home.events.most_common(1)[0][0] != row.event
            vector = evidence.evidence(home.claims, reading, beside, sure)
            alone = evidence.evidence(home.claims, reading, (), sure)
            is_asked = bool(told) or (judged_by is not None and judged_by.sureness(vector) >= OFFERED_FROM)
            yield Case(
                item=row.item, is_wrong_story=is_wrong, evidence=vector, alone=alone, facts=told, is_asked=is_asked
            )
        home.claims.add(reading, is_news=bool(told) if judged_by else bool(row.item.news))
        home.articles.append(article)
        home.events[row.event] += 1


Example = tuple[str, tuple[float, ...], bool]


def examples(grouped_by: Mapping[str, trees.Judges]) -> list[Example]:
    """Part, evidence, and whether it is news; beside the desks, updates of single stories."""
    of_desks = [
        (part, vector, case.is_news)
        for part, judges in grouped_by.items()
        for join_from in JOINS_FROM
        for case in cases(part, judges, join_from=join_from)
        for vector in (case.evidence, case.alone)
    ]
    of_updates = [
        ("updates", evidence.evidence(_claims(each.earlier), facts.read(each.article)), each.is_material)
        for name in UPDATES
        for each in updates.load(name)
    ]
    return of_desks + of_updates


def fitted(found: Sequence[Example], threshold: float) -> dict[str, Any]:
    """The document of a model: the mean of some, since one drawing is not like the next. Needs scikit-learn."""
    from sklearn.ensemble import GradientBoostingClassifier

    trees_of, biases = [], []
    for seed in range(DRAWINGS):
        boosted = GradientBoostingClassifier(
            n_estimators=150,
            max_depth=2,
            learning_rate=0.06,
            subsample=0.6,
            max_features=0.3,
            min_samples_leaf=8,
            random_state=seed,
        )
        boosted.fit([each[1] for each in found], [each[2] for each in found])
        biases.append(float(boosted._raw_predict_init([found[0][1]])[0][0]))
        trees_of += [_tree(tree.tree_, boosted.learning_rate / DRAWINGS) for (tree,) in boosted.estimators_]
    bias = round(sum(biases) / DRAWINGS, 5)
    return {"features": list(evidence.FEATURES), "threshold": threshold, "bias": bias, "trees": trees_of}


def _tree(tree: Any, rate: float) -> dict[str, Any]:
    """A tree of at most two levels as a whole one: a question that is not asked has the same answer on both sides."""

    def question(node: int) -> tuple[str, float]:
        if tree.children_left[node] < 0:
            return evidence.FEATURES[0], 0.0
        return evidence.FEATURES[tree.feature[node]], float(f"{tree.threshold[node]:.5g}")

    def answers(node: int) -> list[float]:
        pair = (node, node) if tree.children_left[node] < 0 else (tree.children_left[node], tree.children_right[node])
        return [round(rate * float(tree.value[leaf][0][0]), 5) for leaf in pair]

    below = (0, 0) if tree.children_left[0] < 0 else (int(tree.children_left[0]), int(tree.children_right[0]))
    asked = [question(0), question(below[0]), question(below[1])]
    return {
        "ask": [name for name, _ in asked],
        "least": [least for _, least in asked],
        "values": [*answers(below[0]), *answers(below[1])],
    }


def _row(table: Table, name: str, found: Sequence[Case], with_news: int) -> None:
    stated = [case for case in found if case.facts]
    right = sum(case.is_right for case in stated)
    changes = sum(fact.before is not None for case in stated for fact in case.facts)
    table.add_row(
        name,
        f"{right} of {len(stated)}",
        f"{right / max(len(stated), 1):.3f}",
        f"{right} of {with_news}",
        f"{right / max(with_news, 1):.3f}",
        f"{sum(case.is_wrong_story for case in stated)}",
        str(changes),
        f"{sum(case.is_asked for case in found)} of {len(found)}",
        f"{sum(case.is_asked and case.is_news for case in found)} of {sum(case.is_news for case in found)}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threshold", type=float, default=0.84, help="sureness to state anything")
    parser.add_argument("--curve", action="store_true", help="for other thresholds too")
    parser.add_argument("--fit", action="store_true", help="write the model that is shipped")
    parser.add_argument("--shipped", action="store_true", help="judge by what is shipped, which has seen these desks")
    parser.add_argument("--show", action="store_true", help="what was said falsely, and each change")
    chosen = parser.parse_args()
    out = Console(width=140)
    columns = ("right", "", "told", "", "in a wrong story", "changes A → B", "a model asked", "news among these")
    table = Table("part", *columns, title="New facts on the desks")
    if chosen.shipped:
        grouped_by, learned = dict.fromkeys(PARTS, trees.shipped()), []
    else:
        grouped_by = fit.without_each()
        learned = examples(grouped_by)
    for threshold in CURVE if chosen.curve else (chosen.threshold,):
        found: list[Case] = []
        total = 0
        for part in PARTS:
            others = [each for each in learned if each[0] != part]
            model_of = judge.loads(json.dumps(fitted(others, threshold))) if others else judge.shipped()
            here = list(cases(part, grouped_by[part], judged_by=model_of))
            with_news = sum(bool(item.news) for desk in load(part) for item in desk.items)
            _row(table, f"{part}, from {threshold}", here, with_news)
            found += here
            total += with_news
        _row(table, f"all, from {threshold}", found, total)
        for case in found if chosen.show else ():
            if case.facts and not case.is_right:
                where = "in a wrong story" if case.is_wrong_story else case.item.kind
                out.print(f"FALSE {case.item.desk} {case.item.id} {where}: {_told(case.facts)}", markup=False)
            for fact in case.facts:
                if fact.before:
                    told = f"{fact.label}: {fact.before} → {fact.after}"
                    out.print(f"{case.item.desk} {case.item.id} {told}  [{fact.sentence}]", markup=False)
    out.print(table)
    if chosen.fit:
        document = fitted(learned, chosen.threshold)
        TARGET.write_text(json.dumps(document, separators=(",", ":")).replace('{"ask"', '\n{"ask"') + "\n", "utf-8")


if __name__ == "__main__":
    main()
