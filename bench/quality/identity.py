"""Replay real feeds through the identity of articles, and compare the headlines of one article and of different ones.

    python -m bench.quality.identity [FEED …]

Replays the data set ``feed-snapshots`` (tests/testbed/shared_data.py): each document is read, identified against the
articles of the earlier documents, and stored. Prints the number of items of each novelty, and of material edits. For
several thresholds of bot/feeds/items.py, it prints the share of headline edits under one id that count as alike, and
the share of pairs of different headlines in a feed that do.
"""

from __future__ import annotations

import random
import sys
from collections import Counter

from bench.quality import replay
from bot.feeds import identity, items, kinds
from bot.model.errors import ReadError
from bot.model.feeds import Feed
from bot.model.fetching import Body
from bot.stories import facts
from bot.text.folding import fold_title
from tests.testbed.archive import DAY, Archive


def main() -> None:
    names = sys.argv[1:] or ["bbc-2020", "nytimes-2020", "dailymail-2020", "smh-2020"]
    edited: list[tuple[str, str]] = []
    unrelated: list[tuple[str, str]] = []
    for name in names:
        archive = Archive()
        counts = _replay(name, archive, edited)
        print(name, dict(counts))
        titles = [article.title for article in archive.articles.values()]
        unrelated += zip(titles, random.Random(1).sample(titles, len(titles)), strict=True)
    unrelated = [(title, other) for title, other in unrelated if title != other]
    print(f"{len(edited)} headline edits, {len(unrelated)} pairs of other headlines; share that is alike:")
    for threshold in (0.3, 0.35, 0.4, 0.45, 0.5):
        print(f"  at {threshold}: edits {_share(edited, threshold):.1%}, others {_share(unrelated, threshold):.1%}")


def _replay(name: str, archive: Archive, edited: list[tuple[str, str]]) -> Counter[str]:
    feed = Feed(url=f"https://{name}.example/rss")
    counts: Counter[str] = Counter()
    is_baseline = True
    for fetch in replay.read_series(name, None):
        body = Body(content=fetch.body, content_type="application/rss+xml", url=feed.url)
        try:
            reading = kinds.parse_document(body)
        except ReadError:
            counts["unreadable"] += 1
            continue
        prepared = items.prepare_items(feed, reading)[1]
        found = identity.identify(
            feed,
            reading,
            archive.find_known_items(items.make_question(feed, prepared)),
            now=fetch.at,
            backfill=DAY,
            is_baseline=is_baseline,
            feed_title=None,
            items=prepared,
        )
        is_baseline = False
        for item in found.items:
            counts[item.novelty.value] += 1
            if item.novelty is identity.Novelty.EDITED and item.article and item.stub:
                before = archive.articles[item.stub.id]
                counts["material"] += bool(facts.corrections(before, item.article))
                if fold_title(before.title) != fold_title(item.article.title):
                    edited.append((before.title, item.article.title))
        archive.keep(found.items)
    return counts


def _share(pairs: list[tuple[str, str]], threshold: float) -> float:
    alikes = sum(items.similarity(fold_title(title), fold_title(other)) >= threshold for title, other in pairs)
    return alikes / max(1, len(pairs))


if __name__ == "__main__":
    main()
