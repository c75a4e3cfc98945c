"""Count the edits of articles in real feeds, and those that Wirewatch reports as corrections.

Compares successive versions of each article in the feed snapshots that differ in headline or text. For comparison, it
counts all edits that change words, which a program without judgement would report.

    python -m bench.quality.edits [--show 40] [--seed 1]
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator

import feedparser
from rich.console import Console
from rich.table import Table

from bench.quality import replay
from bot.channels.kit import outline
from bot.model.stories import Article, Fact
from bot.stories import facts
from bot.text import forms
from bot.text.folding import fold_title

Pair = tuple[Article, Article]


def pairs(series: str) -> Iterator[Pair]:
    """Consecutive versions of each item of a series."""
    last: dict[str, Article] = {}
    for fetch in replay.read_series(series, None):
        for entry in feedparser.parse(fetch.body).entries:
            article = replay.article_of(fetch, entry)
            key = entry.get("id") or entry.get("link") or article.title
            earlier = last.get(key)
            if earlier and (earlier.title, earlier.text) != (article.title, article.text):
                yield earlier, article
            last[key] = article


def is_reworded(earlier: Article, later: Article) -> bool:
    return any(
        fold_title(text) != fold_title(new_text)
        for text, new_text in ((earlier.title, later.title), (earlier.text, later.text))
    )


def shown(edit: Fact) -> str:
    parts = outline.diff_words(edit.before or "", edit.after, limit=300)
    marks = ("[-{}-]" if part.is_struck else "{{+{}+}}" if part.is_bold else "{}" for part in parts)
    return f"{edit.label}: " + " ".join(mark.format(part.text) for mark, part in zip(marks, parts, strict=True))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--show", type=int, default=0, help="print so many of the reported corrections")
    options.add_argument("--seed", type=int, default=1, help="which of them")
    chosen = options.parse_args()
    console = Console(width=120)
    table = Table("series", "versions", "other words", "of live pages", "reported", title="Edits")
    reported: list[tuple[Fact, ...]] = []
    totals = [0, 0, 0, 0]
    for series in replay.all_series():
        versions = list(pairs(series))
        material = [edits for earlier, later in versions if (edits := facts.corrections(earlier, later))]
        counts = [
            len(versions),
            sum(is_reworded(*pair) for pair in versions),
            sum(any(map(forms.is_live_page, pair)) for pair in versions),
            len(material),
        ]
        table.add_row(series, *map(str, counts))
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        reported += material
    table.add_row("all", *map(str, totals), style="bold")
    console.print(table)
    for edits in random.Random(chosen.seed).sample(reported, min(chosen.show, len(reported))):
        for edit in edits:
            console.print(f"{edit.outlet}, {shown(edit)}", markup=False, highlight=False)


if __name__ == "__main__":
    main()
