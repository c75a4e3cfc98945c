"""Everyday rules over real feeds: what is hidden under another event's headline, and what is named beside it.

    python -m bench.quality.topics [--oracle] [--unseen]

An everyday rule collects a topic over weeks, so nearly every article tells an event of its own. Grouping alone, in
memory, over 700 articles of ten such rules, whose events were labelled by reading (feed_rows.py). Beside it the same
judge where it holds every rule for narrow, and each article alone. The judge that ships was fitted on these articles
too, and how much a broad rule is doubted was chosen on them; --unseen adds one that has not seen the second half, which
needs lightgbm and scikit-learn. --oracle: as in desk_grouping.py.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.table import Table

from bench.quality import feed_rows, fit
from bench.quality.desk_grouping import Oracle
from bench.quality.desk_rows import WINDOW
from bench.quality.feed_rows import Labelled
from bench.quality.stories import marks
from bot import model, stories
from bot.stories import grouping, trees
from bot.stories.evidence import Evidence


def row(
    rows: Sequence[Labelled],
    judge: trees.Judges | None,
    join_from: float = grouping.JOIN_FROM,
    oracle: Oracle | None = None,
) -> list[str]:
    """Events hidden, messages beyond one an event, precision and recall of pairs, stories named rightly, calls."""
    grouping = stories.Grouping(window=WINDOW, judge=judge, join_from=join_from)
    opened_by: dict[model.StoryId, str] = {}
    shown: Counter[str] = Counter()
    homes: list[model.StoryId] = []
    named = []
    for one in rows:
        second = partial(oracle.opinion, one.event) if oracle else None
        join = grouping.join(one.arrival.article, one.arrival.matches, None, second)
        if oracle:
            oracle.join(join, one.event)
        if join.story not in opened_by:
            opened_by[join.story] = one.event
            shown[one.event] += 1
        if join.near:
            named.append(opened_by[join.near] == one.event)
        homes = [join.story if home in join.merges else home for home in (*homes, join.story)]
    events = {one.event for one in rows}
    found = marks([one.event for one in rows], homes)
    hidden = len(events - shown.keys())
    return [
        f"{hidden} of {len(events)}",
        str(sum(shown.values()) - len(events & shown.keys())),
        f"{found.precision:.2f}",
        f"{found.recall:.2f}",
        f"{sum(named)} of {len(named)}",
        f"{oracle.calls / len(rows):.2f}" if oracle else "",
    ]


class Narrow(trees.Judges):
    """Holds every rule for as narrow as the desks' are."""

    def chance(self, evidence: Evidence, doubt: float = 0.0) -> float:
        return super().chance(evidence)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--oracle", action="store_true", help="with a model that is always right where it is asked")
    parser.add_argument("--unseen", action="store_true", help="the second half by a judge fitted without it too")
    options = parser.parse_args()
    shipped = trees.shipped()
    table = Table("rules", "judged", "hidden", "beyond", "pair P", "R", "named rightly", "calls an article")
    for half in feed_rows.HALVES:
        rows = feed_rows.rows(half)
        table.add_row(half, "as shipped", *row(rows, None))
        table.add_row(half, "as if narrow", *row(rows, Narrow(shipped.ruled, shipped.plain)))
        table.add_row(half, "each alone", *row(rows, None, 1.1))
        if options.oracle:
            table.add_row(half, "oracle", *row(rows, None, oracle=Oracle()))
    if options.unseen:
        unseen = next(iter(fit.without_each().values()))
        table.add_row(feed_rows.HALVES[1], "unseen", *row(feed_rows.rows(feed_rows.HALVES[1]), unseen))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
