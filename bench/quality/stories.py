"""Measure grouping on the labelled story sets, compared with TF-IDF centroids at one threshold for all sets.

Prints for each set of ../shared/data/stories: B-cubed F1, pairwise precision and recall, and per hundred stories the
articles hidden in the thread of another story and the surplus messages. Articles arrive one at a time, in order of time
if the set has times. Sets whose stories have one time for all articles are also measured with the articles spread over
three days. An unsure article counts as a separate story.

    python -m bench.quality.stories [--sets lede-feeds gva] [--most 2500]
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from rich.console import Console
from rich.table import Table

from bench.quality import centroid
from bench.quality.storysets import ONE_TIME, SETS, Labelled, load, spread
from bot.model.archive import Arrival
from bot.stories import grouping
from bot.stories.index import Index

WINDOW = timedelta(days=14)
#: Articles between two times of forgetting.
BATCH = 50


@dataclass(frozen=True, slots=True)
class Marks:
    """How well threads agree with labels."""

    f1: float
    precision: float
    recall: float
    #: For each hundred stories.
    hidden: float
    extra: float


def marks(labels: Sequence[str], threads: Sequence[str]) -> Marks:
    """Compare the thread of each article with its labelled story; both in order of arrival."""
    both = Counter(zip(labels, threads, strict=True))
    of_label, of_thread = Counter(labels), Counter(threads)
    precision = sum(n * n / of_thread[thread] for (_, thread), n in both.items()) / len(labels)
    recall = sum(n * n / of_label[label] for (label, _), n in both.items()) / len(labels)
    shared = _pairs(both)
    opener: dict[str, str] = {}
    for label, thread in zip(labels, threads, strict=True):
        opener.setdefault(thread, label)
    opened = Counter(opener.values())
    hidden = sum(opener[thread] != label for label, thread in zip(labels, threads, strict=True))
    extra = sum(count - 1 for count in opened.values())
    return Marks(
        f1=2 * precision * recall / (precision + recall),
        precision=shared / max(1, _pairs(of_thread)),
        recall=shared / max(1, _pairs(of_label)),
        hidden=100 * hidden / len(of_label),
        extra=100 * extra / len(of_label),
    )


def _pairs(counts: Counter[str] | Counter[tuple[str, str]]) -> int:
    return sum(n * (n - 1) // 2 for n in counts.values())


def grouped(rows: Sequence[Labelled]) -> list[str]:
    """The thread of each article at the end, after all merges."""
    index = Index(window=WINDOW)
    joined: list[str] = []
    lives_in: dict[str, str] = {}
    for at, row in enumerate(rows):
        if at % BATCH == 0:
            index.forget(row.article.first_seen - WINDOW)
        join = grouping.join(index, Arrival(article=row.article, matches=(), is_baseline=False))
        lives_in.update(dict.fromkeys(join.merges, join.story))
        joined.append(join.story)
    return [_home(story, lives_in) for story in joined]


def _home(story: str, lives_in: dict[str, str]) -> str:
    while story in lives_in:
        story = lives_in[story]
    return story


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(SETS), help="names of sets")
    parser.add_argument("--most", type=int, default=3500, help="articles of a set, by whole stories")
    chosen = parser.parse_args()
    sets = {name: load(name, most=chosen.most) for name in chosen.sets}
    sets |= {f"{name}, spread": spread(rows) for name, rows in sets.items() if name in ONE_TIME}
    labels = {name: [row.story for row in rows] for name, rows in sets.items()}
    ours = {name: marks(labels[name], grouped(rows)) for name, rows in sets.items()}
    theirs = {
        threshold: {name: marks(labels[name], centroid.threads(rows, threshold)) for name, rows in sets.items()}
        for threshold in centroid.THRESHOLDS
    }
    best = max(theirs, key=lambda threshold: sum(mark.f1 for mark in theirs[threshold].values()))
    _show(sets, ours, theirs, best)


def _show(
    sets: dict[str, list[Labelled]], ours: dict[str, Marks], theirs: dict[float, dict[str, Marks]], best: float
) -> None:
    table = Table(title=f"Grouping · centroid TF-IDF at {best} for all sets · its best threshold for each set")
    for head in ("set", "articles", "stories", "B³ F1", "pair P", "R", "hidden", "extra"):
        table.add_column(head, justify="left" if head == "set" else "right")
    for head in ("TF-IDF F1", "P", "R", "hidden", "extra", "its best F1"):
        table.add_column(head, justify="right", style="dim")
    for name, rows in sets.items():
        peak = max(theirs[threshold][name].f1 for threshold in theirs)
        counts = (str(len(rows)), str(len({row.story for row in rows})))
        table.add_row(name, *counts, *_cells(ours[name]), *_cells(theirs[best][name]), f"{peak:.3f}")
    mean = sum(mark.f1 for mark in ours.values()) / len(ours)
    other = sum(mark.f1 for mark in theirs[best].values()) / len(ours)
    table.add_row("mean", "", "", f"{mean:.3f}", "", "", "", "", f"{other:.3f}")
    Console(width=150).print(table)


def _cells(mark: Marks) -> tuple[str, ...]:
    numbers = (mark.precision, mark.recall)
    return (
        f"{mark.f1:.3f}",
        *(f"{number:.2f}" for number in numbers),
        f"{mark.hidden:.1f}",
        f"{mark.extra:.1f}",
    )


if __name__ == "__main__":
    main()
