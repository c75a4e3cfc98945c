"""New facts on the labelled desks: of what is stated the right share, and of the news the share told, for each part.

Stories are as labelled, or with some articles joined to the most alike wrong story (``--noise``). Each part is judged
by a model fitted on the others (leave one part out), so that no figure is of a desk that the model has seen.
Right: one of the item's expected wordings stands in what is said; whatever is said of an item without news is false.

    uv run --with scikit-learn python -m bench.quality.desk_facts [--fit] [--noise 0.08] [--threshold 0.6] [--show]

``--fit`` writes bot/facts/news-model.json, fitted on all parts. ``--shipped`` needs no scikit-learn and
judges by that file: it has seen these desks.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.quality.desk_scores import Desk, Item, load, says
from bot import facts, model
from bot.facts import evidence, judge

PARTS = ("a", "b", "c")
TARGET = Path(judge.__file__).with_name("news-model.json")
#: Wrong joins among the examples that are fitted on, and how often the examples are drawn.
_NOISE, _DRAWS = 0.12, 4
#: What an example counts that was seen without noise already, when it is drawn again.
_AGAIN = 0.2
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True)
class Case:
    """An article that joined a story that had articles."""

    part: str
    item: Item
    is_wrong_story: bool
    evidence: tuple[float, ...]
    facts: tuple[model.Fact, ...]

    @property
    def is_news(self) -> bool:
        return bool(self.item.news) and not self.is_wrong_story

    @property
    def is_right(self) -> bool:
        return self.is_news and any(says(say, _told(self.facts)) for fact in self.item.news for say in fact)


def _told(found: Sequence[model.Fact]) -> str:
    """What a reply shows of the facts."""
    changes = [f"{fact.label}: {fact.before} → {fact.after}" for fact in found if not fact.is_sentence]
    return " | ".join([*changes, *dict.fromkeys(fact.sentence for fact in found)])


def cases(part: str, desk: Desk, *, noise: float, seed: int, judged_by: judge.Model | None) -> Iterator[Case]:
    """The desk's items in order. Without a judge the claims learn what is news from the labels."""
    chance = random.Random(f"{seed} {desk.name}")
    claims: dict[str, facts.StoryClaims] = {}
    for item, text in zip(desk.items, _without_footers(desk.items), strict=True):
        if item.event is None:
            continue
        reading = facts.read(_article(item, text))
        event = item.event
        if chance.random() < noise:
            event = _nearest(reading, claims, item.event) or event
        story = claims.setdefault(event, facts.StoryClaims())
        told = facts.news(story, reading, judged_by=judged_by) if judged_by else ()
        case = Case(part, item, event != item.event, evidence.evidence(story, reading), told)
        is_first = not story.count
        story.add(reading, is_news=bool(told) if judged_by else case.is_news)
        if not is_first:
            yield case


def _nearest(reading: facts.Reading, claims: dict[str, facts.StoryClaims], event: str) -> str | None:
    """The wrong story that shares most words: where a mistake would put it."""
    said = {word for statement in reading.statements for word in statement.words}
    others = [(evidence.weight(said & story.words.keys()), name) for name, story in claims.items() if name != event]
    return max(others)[1] if others else None


def _without_footers(items: Sequence[Item]) -> list[str]:
    """As intake leaves the texts: what three items of a source repeat is no text."""
    split = [[_SENTENCE_END.split(line) for line in item.text.split("\n")] for item in items]
    seen = Counter(
        (item.source, sentence)
        for item, lines in zip(items, split, strict=True)
        for sentence in {sentence for line in lines for sentence in line}
    )
    return [
        "\n".join(" ".join(each for each in line if seen[item.source, each] < 3) for line in lines)
        for item, lines in zip(items, split, strict=True)
    ]


def _article(item: Item, text: str) -> model.Article:
    key = f"{item.desk}/{item.id}"
    return model.Article(
        id=model.ArticleId(key),
        feed=item.source,
        outlet=item.source,
        owner=item.source,
        link=item.link,
        title=item.title,
        text=text,
        language=item.language,
        published=item.at,
        first_seen=item.at,
        fingerprint=key,
    )


Example = tuple[str, tuple[float, ...], bool, float]


def examples(parts: Sequence[str]) -> list[Example]:
    """Part, evidence, whether it is news, and what the example counts; drawn once as labelled and again with noise."""
    found: list[Example] = []
    for draw in range(_DRAWS + 1):
        for part in parts:
            for desk in load(part):
                found += [
                    (part, case.evidence, case.is_news, 1.0 if case.is_wrong_story or not draw else _AGAIN)
                    for case in cases(part, desk, noise=_NOISE if draw else 0.0, seed=draw, judged_by=None)
                ]
    return found


def fitted(found: Sequence[Example], threshold: float) -> dict[str, Any]:
    """The document of a model; needs scikit-learn."""
    from sklearn.ensemble import GradientBoostingClassifier

    boosted = GradientBoostingClassifier(
        n_estimators=250,
        max_depth=2,
        learning_rate=0.06,
        subsample=0.6,
        max_features=0.3,
        min_samples_leaf=8,
        random_state=0,
    )
    boosted.fit([each[1] for each in found], [each[2] for each in found], sample_weight=[each[3] for each in found])
    trees = [_tree(tree.tree_, boosted.learning_rate) for (tree,) in boosted.estimators_]
    bias = float(boosted._raw_predict_init([found[0][1]])[0][0])
    return {"features": list(evidence.FEATURES), "threshold": threshold, "bias": round(bias, 5), "trees": trees}


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


def _row(table: Table, name: str, found: Sequence[Case]) -> None:
    stated = [case for case in found if case.facts]
    with_news = [case for case in found if case.is_news]
    right = sum(case.is_right for case in stated)
    changes = [fact for case in stated for fact in case.facts if fact.before]
    table.add_row(
        name,
        f"{right} of {len(stated)}",
        f"{right / max(len(stated), 1):.3f}",
        f"{right} of {len(with_news)}",
        f"{right / max(len(with_news), 1):.3f}",
        str(len(changes)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--noise", type=float, default=0.0, help="share of articles in a wrong story")
    parser.add_argument("--threshold", type=float, default=0.6, help="sureness from which on something is stated")
    parser.add_argument("--fit", action="store_true", help="write the model that is shipped")
    parser.add_argument("--shipped", action="store_true", help="judge by the shipped model, which has seen these desks")
    parser.add_argument("--show", action="store_true", help="what was said falsely and what was missed")
    chosen = parser.parse_args()
    out = Console(width=140)
    table = Table(
        "part", "right", "", "told", "", "changes A → B", title=f"New facts on the desks, noise {chosen.noise}"
    )
    learned = [] if chosen.shipped else examples(PARTS)
    found: list[Case] = []
    for part in PARTS:
        others = [each for each in learned if each[0] != part]
        judged_by = judge.loads(json.dumps(fitted(others, chosen.threshold))) if others else judge.shipped()
        here = [
            case for desk in load(part) for case in cases(part, desk, noise=chosen.noise, seed=99, judged_by=judged_by)
        ]
        _row(table, part, here)
        found += here
    _row(table, "all", found)
    out.print(table)
    for case in found if chosen.show else ():
        if case.facts and not case.is_right:
            out.print(f"FALSE {case.item.desk} {case.item.id} {case.item.kind}: {_told(case.facts)}", markup=False)
    changes = [(case.item, fact) for case in found for fact in case.facts if fact.before]
    for item, fact in changes if chosen.show else ():
        told = f"{fact.label}: {fact.before} → {fact.after}"
        out.print(f"{item.desk} {item.id} {told}  [{fact.sentence}]", markup=False)
    if chosen.fit:
        document = fitted(learned, chosen.threshold)
        TARGET.write_text(json.dumps(document, separators=(",", ":")).replace('{"ask"', '\n{"ask"') + "\n", "utf-8")


if __name__ == "__main__":
    main()
