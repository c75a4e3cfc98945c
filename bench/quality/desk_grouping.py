"""Measure grouping alone, in memory, on the labelled desks: hidden events, surplus messages, pairs.

The desks of a part share one index. Each round adds one article of every desk. By default, all articles arrive within
minutes, so that no story closes by age (as in desks.py, which runs the whole bot).

--in-time    each article arrives when it was published
--languages  adds lines with an encoder; the columns "across" count pairs of articles in two languages
--oracle     answers requests for a second opinion from the labels: the upper limit of what a language model can add

    python -m bench.quality.desk_grouping [--parts a b c] [--in-time] [--desks] [--oracle]
        [--languages NAME]
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from bench.quality import desk_baselines, desk_scores
from bench.quality.desk_rows import PARTS, WINDOW, Row, rows
from bench.quality.desk_scores import Desk, Score, Shown
from bot.model.settings import Languages
from bot.model.stories import Join, JoinReason
from bot.stories import grouping
from bot.stories.grouping import Candidate
from bot.stories.index import Index
from bot.stories.opinions import Opinion
from bot.text import encoders

#: These add an article to a thread without its own headline in the channel.
SILENT = frozenset({JoinReason.SAME_LINK, JoinReason.COPY, JoinReason.SIMILAR})


@dataclass(slots=True)
class Oracle:
    """Answers as the labels say: what a language model that is always right would be worth."""

    calls: int = 0
    #: Story -> the events of its articles.
    events: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def opinion(self, event: str, candidates: Sequence[Candidate]) -> Opinion | None:
        """Return the stories of which most articles are about the event, of those that a question offers."""
        asked = [candidate.id for candidate in grouping.choose_offered(candidates)]
        if not asked:
            return None
        self.calls += 1
        same = [story for story in asked if self.events[story].most_common(1)[0][0] == event]
        return Opinion(asked=frozenset(asked), same=tuple(same), detail="by the label", confirmed=frozenset(same))

    def join(self, join: Join, event: str) -> None:
        """What an article of the event was decided to be."""
        self.events[join.story][event] += 1
        for younger in join.merges:
            self.events[join.story] += self.events.pop(younger)


def shown(found: Sequence[Row], index: Index, oracle: Oracle | None = None) -> dict[str, Shown]:
    """What a channel of each desk would show, if it showed each story and each unsure article.

    ``oracle``: asked about the unsure ones.
    """
    by_desk: dict[str, Shown] = {}
    lives_in: dict[str, str] = {}
    for row in found:
        index.forget(row.arrival.article.first_seen - WINDOW)
        profile = index.profile(row.arrival)
        candidates = grouping.find_candidates(index, profile, untranslated=oracle is not None)
        opinion = oracle.opinion(row.event, candidates) if oracle else None
        join = grouping.place(candidates, profile, opinion)
        index.add(profile, join)
        lives_in.update(dict.fromkeys(join.merges, join.story))
        if oracle is not None:
            oracle.join(join, row.event)
        of_desk = by_desk.setdefault(row.item.desk, Shown())
        of_desk.stories[row.item.id] = join.story
        if join.reason not in SILENT:
            of_desk.headlines.add(row.item.id)
            of_desk.messages += 1
    for of_desk in by_desk.values():
        of_desk.stories = {item: _home(story, lives_in) for item, story in of_desk.stories.items()}
    return by_desk


def _home(story: str, lives_in: dict[str, str]) -> str:
    while story in lives_in:
        story = lives_in[story]
    return story


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", nargs="+", default=list(PARTS))
    parser.add_argument("--in-time", action="store_true", help="each seen when published, so stories close")
    parser.add_argument("--desks", action="store_true", help="a line for each desk")
    parser.add_argument("--oracle", action="store_true", help="with a model that is always right where it is asked")
    parser.add_argument("--languages", metavar="NAME", default="off", help="with this encoder too")
    options = parser.parse_args()
    table = Table("part", "events", "hidden", "beyond", "pair P", "R", "across P", "R", "ms an item")
    encoder = encoders.of(Languages(options.languages))
    for part in options.parts:
        desks = desk_scores.load(part)
        found = rows(desks, in_time=options.in_time)
        runs = {part: Index(window=WINDOW)}
        if encoder:
            runs[f"{part}, {options.languages}"] = Index(window=WINDOW, encoder=encoder)
        for name, made in runs.items():
            start = time.process_time()
            ours = shown(found, made)
            cost = (time.process_time() - start) / len(found) * 1000
            for desk in desks if options.desks else ():
                table.add_row(desk.name, *_cells([desk], ours))
            table.add_row(name, *_cells(desks, ours), f"{cost:.2f}")
        if options.oracle:
            oracle = Oracle()
            asked = shown(found, Index(window=WINDOW), oracle)
            table.add_row(f"{part}, oracle, {oracle.calls / len(found):.2f} calls an article", *_cells(desks, asked))
        for name, baseline in desk_baselines.ALL.items():
            table.add_row(f"{part}, {name}", *_cells(desks, {desk.name: baseline(desk) for desk in desks}))
    Console(width=110).print(table)


def _cells(desks: Iterable[Desk], of_desk: dict[str, Shown]) -> tuple[str, ...]:
    total = Score()
    for desk in desks:
        total.add(desk_scores.score(desk, of_desk.get(desk.name, Shown())))
    counts = (total.events, total.hidden, total.beyond)
    pairs = [f"{number:.2f}" for each in (total.pairs, total.across) for number in (each.precision, each.recall)]
    return (*map(str, counts), *pairs)


if __name__ == "__main__":
    main()
