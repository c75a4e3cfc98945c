"""Print articles of real feeds whose form is recognised (bot/text/forms.py), for a reader to judge.

A sample of each form, with the mark that showed it, from the data set ``feed-snapshots``. The reader counts those that
do not have the form: that is the only measure of precision, because nobody has labelled the feeds.

    python -m bench.quality.forms [--sample 40] [--seed 1]
"""

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from collections.abc import Iterator

from bench.quality import replay
from bot.feeds import items, kinds
from bot.feeds.items import Item
from bot.model.errors import ReadError
from bot.model.feeds import Feed
from bot.model.fetching import Body
from bot.model.rules import ArticleForm
from bot.text.forms import find_form


def main() -> None:
    """Print the samples and the number of articles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    marked: defaultdict[ArticleForm, list[str]] = defaultdict(list)
    marks: defaultdict[ArticleForm, Counter[str]] = defaultdict(Counter)
    articles = 0
    for item in _items():
        articles += 1
        if found := find_form(item.title, item.link, item.entry.tags):
            marked[found.form].append(f"  {found.mark} | {item.title[:110]} | {item.link[:90]}")
            marks[found.form]["headline" if found.is_in_title else found.mark] += 1
    print(f"{articles:,} articles")
    for form, lines in marked.items():
        print(f"{form.value}: {len(lines):,}", dict(marks[form].most_common(8)))
        print("\n".join(random.Random(options.seed).sample(lines, min(options.sample, len(lines)))))


def _items() -> Iterator[Item]:
    """Yield each item of every sixth fetch once."""
    seen: set[str] = set()
    for series in replay.all_series():
        for fetch in list(replay.read_series(series, None))[::6]:
            feed = Feed(url=f"https://{series}.example/", name=series)
            try:
                reading = kinds.parse_document(Body(content=fetch.body, content_type="", url=feed.url))
            except ReadError:
                continue
            for item in items.prepare_items(feed, reading):
                if item.link not in seen:
                    seen.add(item.link)
                    yield item


if __name__ == "__main__":
    main()
