"""Load labelled articles of real feeds under everyday rules: nearly every article is about a different event.

The desks are narrow: most of a desk's articles are about a few events. An everyday rule ("oil prices", "schools
reopen") collects a topic for weeks, and the nearest story is usually about another event in the same words. The events
were labelled by reading, for this project (feed_events.tsv: a digest of the link, the rule, the event). The feeds
themselves are in the shared data.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.quality import replay
from bot import app, rules
from bot.feeds import cleaning, items, kinds
from bot.model.archive import Arrival
from bot.model.errors import ReadError
from bot.model.feeds import Feed
from bot.model.fetching import Body
from bot.model.stories import Article, ArticleId

LABELS = Path(__file__).with_name("feed_events.tsv")
#: Half of the rules each, so that what is fitted on one is judged on the other.
HALVES = ("feeds-1", "feeds-2")


@dataclass(frozen=True, slots=True)
class Labelled:
    """An article as it was first seen, and its event."""

    arrival: Arrival
    rule: str
    event: str


def digest(link: str) -> str:
    """What stands for a link in the table."""
    return hashlib.sha256(link.encode()).hexdigest()[:16]


def rows(half: str) -> list[Labelled]:
    """The articles of one half of the rules, in the order in which they came.

    Raises SystemExit where the feeds are absent.
    """
    labels = _labels()
    names = sorted({rule for rule, _ in labels.values()})
    mine = names[HALVES.index(half) :: len(HALVES)]
    found = []
    for article in _articles():
        rule, event = labels[article.id]
        matches = _ruleset().match(article, Feed(url=article.feed), now=article.first_seen)
        if rule in mine and matches:
            arrival = Arrival(article=article, matches=matches, is_baseline=False)
            found.append(Labelled(arrival, rule, event))
    return found


def _labels() -> dict[str, tuple[str, str]]:
    with LABELS.open(encoding="utf-8", newline="") as file:
        return {link: (rule, event) for link, rule, event in csv.reader(file, delimiter="\t")}


@cache
def _ruleset() -> rules.RuleSet:
    with tempfile.TemporaryDirectory() as place:
        replay.write_config(Path(place), {}, "14 days")
        return rules.RuleSet(app.load(Path(place), {}).rules)


@cache
def _articles() -> tuple[Article, ...]:
    """All labelled articles, as each was when it was seen first."""
    labels, memory, seen = _labels(), defaultdict[str, str](str), set[str]()
    found = []
    for series in replay.all_series():
        for fetch in replay.read_series(series, None):
            for article in _read(fetch):
                if article.id in seen:
                    continue
                seen.add(article.id)
                memory[series] = cleaning.learn_boilerplate([article.text], memory[series])
                if article.id in labels:
                    stripped = cleaning.strip_boilerplate(article.text, memory[series])
                    found.append(dataclasses.replace(article, text=stripped.text))
    return tuple(sorted(found, key=lambda article: (article.first_seen, article.when, article.id)))


def _read(fetch: replay.Fetch) -> Iterator[Article]:
    feed = Feed(url=f"https://{fetch.series}.example/", name=fetch.series, owner=fetch.series)
    try:
        reading = kinds.parse_document(Body(content=fetch.body, content_type="", url=feed.url))
    except ReadError:
        return
    for item in items.prepare_items(feed, reading):
        yield Article(
            id=ArticleId(digest(item.link)),
            feed=feed.url,
            outlet=fetch.series,
            owner=fetch.series,
            link=item.link,
            title=item.title,
            text=item.text,
            language=item.entry.language or reading.language,
            published=item.published,
            first_seen=fetch.at,
            fingerprint=item.fingerprint,
        )
