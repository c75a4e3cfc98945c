"""Measure grouping on labelled news, online and with its own mistakes: hidden events, surplus messages, right joins.

    python -m bench.quality.labels [--parts a b c everyday desks-a ...] [--languages NAME]

Parts a and b (real feeds under rules of names and topics), the everyday rules and desks a to c chose the form and the
numbers of bot/stories/grouping.py. Part c, desks d to h and the story sets (stories.py) are for testing. For each part,
the bench prints:

hidden     events of which no article opened a story
surplus    stories in addition to one per event
joins      articles that joined the story of their event, of all that joined
sure       the same for joins shown as certain
probably   the same for joins shown as "probably the same event"
may be     articles that name a story which may be of their event, and are right
across     pairs of articles in two languages that are rightly in one story, of all such pairs in one story, and
           of all that report one event

With ``--languages``, only desks with several languages are measured, with this encoder or with "off".
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import combinations

from rich.console import Console
from rich.table import Table

from bench.quality import desk_rows, desk_scores, pools
from bot.model.archive import Arrival
from bot.model.language_models import Encoder
from bot.model.settings import Languages
from bot.model.stories import JoinReason, StoryId
from bot.stories import grouping
from bot.stories.index import Index
from bot.text import encoders

REAL = (*pools.PARTS, "everyday")
#: The desks of each author are one part here.
PARTS = (*REAL, *(f"desks-{part}" for part in (*desk_rows.PARTS, *desk_scores.OWN_PARTS)))

#: An article with its event, in the stream of its rule.
Labelled = tuple[Arrival, str]


@dataclass(slots=True)
class Counts:
    """Sums over streams."""

    events: int = 0
    hidden: int = 0
    surplus: int = 0
    joins: int = 0
    right: int = 0
    sure: int = 0
    sure_right: int = 0
    may_be: int = 0
    may_be_right: int = 0
    across_right: int = 0
    across_joined: int = 0
    across: int = 0

    def add(self, other: Counts) -> None:
        """Add the sums of another stream."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def streams(part: str) -> list[list[Labelled]]:
    """Return the labelled articles of each rule or desk, in order of arrival."""
    by_rule: defaultdict[str, list[Labelled]] = defaultdict(list)
    if part in REAL:
        for rule, rows in (pools.everyday() if part == "everyday" else pools.labelled(part)).items():
            by_rule[rule] = [(row.arrival, row.event) for row in rows]
    else:
        for desk_row in desk_rows.rows(desk_scores.load(part.removeprefix("desks-"))):
            by_rule[desk_row.item.desk].append((desk_row.arrival, desk_row.event))
    return [sorted(rows, key=lambda row: (row[0].article.first_seen, row[0].article.when)) for rows in by_rule.values()]


def measure(stream: Sequence[Labelled], encoder: Encoder | None = None) -> Counts:
    """Group one stream, and count."""
    index, counts = Index(window=desk_rows.WINDOW, encoder=encoder), Counts()
    heads: dict[StoryId, str] = {}
    for arrival, event in stream:
        join = grouping.join(index, arrival)
        if join.near is not None and join.reason is JoinReason.UNSURE:
            counts.may_be += 1
            counts.may_be_right += heads.get(join.near) == event
        if join.story in heads:
            is_right = heads[join.story] == event
            counts.joins += 1
            counts.right += is_right
            counts.sure += not join.is_probable
            counts.sure_right += is_right and not join.is_probable
        heads.setdefault(join.story, event)
        for younger in join.merges:
            heads.pop(younger, None)
    shown = Counter(heads.values())
    counts.events = len({event for _, event in stream})
    counts.hidden = counts.events - len(shown)
    counts.surplus = sum(count - 1 for count in shown.values())
    for (one, event), (other, other_event) in combinations(stream, 2):
        if one.article.language != other.article.language:
            is_joined = index.joins[one.article.id].story == index.joins[other.article.id].story
            counts.across_right += is_joined and event == other_event
            counts.across_joined += is_joined
            counts.across += event == other_event
    return counts


def measure_all(parts: Iterable[str], languages: Languages | None = None) -> dict[str, Counts]:
    """Return the counts of each part; with ``languages``, of the streams in several languages."""
    encoder = encoders.of(languages) if languages else None
    measured = {}
    for part in parts:
        measured[part] = Counts()
        for stream in streams(part):
            if languages is None or len({arrival.article.language for arrival, _ in stream}) > 1:
                measured[part].add(measure(stream, encoder))
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--languages", type=Languages, help="only streams in several languages, with this encoder")
    options = parser.parse_args()
    titles = ("part", "events", "hidden", "surplus", "joins right", "sure", "probably", "may be", "across")
    table = Table(*titles[: None if options.languages else -1], title="Labelled news")
    for part, counts in measure_all(options.parts, options.languages).items():
        probably, probably_right = counts.joins - counts.sure, counts.right - counts.sure_right
        pairs = (
            (counts.right, counts.joins),
            (counts.sure_right, counts.sure),
            (probably_right, probably),
            (counts.may_be_right, counts.may_be),
        )
        cells = [f"{right} of {count} ({right / max(1, count):.0%})" for right, count in pairs]
        if options.languages:
            cells.append(f"{counts.across_right} of {counts.across_joined}, of {counts.across}")
        table.add_row(part, str(counts.events), str(counts.hidden), str(counts.surplus), *cells)
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
