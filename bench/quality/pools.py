"""Load articles of real news under rules, with the events that readers labelled.

The articles of all feed snapshots and story sets pass the real parsers, the removal of boilerplate and the real rule
engine. label_rules.yaml has rules of names and topics in three parts: a and b for fitting, c for reporting. The
everyday rules (replay_rules.yaml, "oil prices" or "schools reopen") collect a topic for weeks, and the nearest story is
usually about another event in the same words; feed_events.tsv has a digest of the link, the rule and the event.
"""

from __future__ import annotations

import csv
import hashlib
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from msgspec.structs import replace

from bench.quality import replay, storysets
from bot import app, rules
from bot.feeds import cleaning, items, kinds
from bot.model.archive import Arrival
from bot.model.errors import ReadError
from bot.model.feeds import Feed
from bot.model.fetching import Body
from bot.model.stories import Article, ArticleId

RULES = Path(__file__).with_name("label_rules.yaml")
LABELS = Path(__file__).with_name("label_events.tsv")
EVERYDAY = Path(__file__).with_name("feed_events.tsv")
PARTS = ("a", "b", "c")
#: The third part is for reporting.
FITTED = ("a", "b")
AGGREGATOR = "lede-aggregator-2026"
SETS = ("gva", "lede-feeds", "allsides", "fnc", "uci-headlines", "basil")
#: Articles that a rule collects at most: the newest ones, so that they stay neighbours in time.
MOST = 80
#: The feed of the aggregator, whose items are stories already.
MOST_AGGREGATED = 12
#: The words that the aggregator adds to the text of an item.
_COVERED_BY = re.compile(r"\s*Covered by \d.*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pooled:
    """An article that a rule collected."""

    rule: str
    arrival: Arrival

    @property
    def id(self) -> ArticleId:
        return self.arrival.article.id


@dataclass(frozen=True, slots=True)
class Labelled:
    """An article that a rule collected, and its event as a reader labelled it."""

    arrival: Arrival
    event: str
    #: c: corrects a report, r: round-up, n: new in its event, d: denies or reverses, ?: arguable.
    flags: str


def labelled(name: str) -> dict[str, list[Labelled]]:
    """Return what each rule of a part collects, labelled. Raises SystemExit where the data are absent."""
    labels = {}
    with LABELS.open(encoding="utf-8", newline="") as file:
        for of_part, rule, article, event, flags in csv.reader(file, delimiter="\t"):
            if of_part == name:
                labels[rule, article] = event, flags
    return {
        rule: [
            Labelled(item.arrival, f"{rule}/{labels[rule, item.id][0]}", labels[rule, item.id][1])
            for item in pooled
            if (rule, item.id) in labels
        ]
        for rule, pooled in part(name).items()
    }


def everyday() -> dict[str, list[Labelled]]:
    """Return what each everyday rule collects in real feeds, labelled. Raises SystemExit where the data are absent."""
    with EVERYDAY.open(encoding="utf-8", newline="") as file:
        labels = {article: (rule, event) for article, rule, event in csv.reader(file, delimiter="\t")}
    ruleset = _load_rules()
    rows = defaultdict[str, list[Labelled]](list)
    for article in _articles():
        if article.id in labels and (matches := ruleset.match(article, Feed(url=article.feed), now=article.first_seen)):
            rule, event = labels[article.id]
            rows[rule].append(Labelled(Arrival(article=article, matches=matches, is_baseline=False), event, flags=""))
    return rows


def part(name: str) -> dict[str, list[Pooled]]:
    """Return what each rule of a part collects, in order of time.

    Raises SystemExit where the data are absent.
    """
    written = yaml.safe_load(RULES.read_text(encoding="utf-8"))[name]
    ruleset = _load_rules(yaml.safe_dump({"rules": [{**rule, "notify": "alerts"} for rule in written]}))
    pools: dict[str, list[Pooled]] = {rule["name"]: [] for rule in written}
    for article in _articles():
        for match in ruleset.match(article, Feed(url=article.feed), now=article.first_seen):
            arrival = Arrival(article=article, matches=(match,), is_baseline=False)
            pool = pools[match.rule]
            if (
                article.feed != AGGREGATOR
                or sum(item.arrival.article.feed == AGGREGATOR for item in pool) < MOST_AGGREGATED
            ):
                pool.append(Pooled(match.rule, arrival))
    return {rule: pooled[-MOST:] for rule, pooled in pools.items()}


def _load_rules(text: str = "") -> rules.RuleSet:
    """Return the rules of a file's ``text``, or the everyday rules."""
    with tempfile.TemporaryDirectory() as folder:
        replay.write_config(Path(folder), {})
        if text:
            (Path(folder) / "rules" / "everyday.yaml").write_text(text, encoding="utf-8")
        return rules.RuleSet(app.load(Path(folder), {}).rules)


@cache
def _articles() -> tuple[Article, ...]:
    """Return every article as it was first seen, in order of time."""
    pool = {article.id: article for article in (*_of_feeds(), *_of_sets())}
    return tuple(sorted(pool.values(), key=lambda article: (article.first_seen, article.when, article.id)))


def _of_feeds() -> Iterator[Article]:
    known: set[str] = set()
    for series in (*replay.all_series(), AGGREGATOR):
        memory = ""
        for fetch in replay.read_series(series, None):
            feed = Feed(url=f"https://{series}.example/", name=series, owner=series)
            try:
                reading = kinds.parse_document(Body(content=fetch.body, content_type="", url=feed.url))
            except ReadError:
                continue
            for item in items.prepare_items(feed, reading)[1]:
                # The aggregator has one address for all stories and rewords the title as outlets join.
                key = item.title if series == AGGREGATOR else item.link
                if key in known:
                    continue
                known.add(key)
                memory = cleaning.learn_boilerplate([item.text], memory)
                yield Article(
                    id=ArticleId(hashlib.sha256(key.encode()).hexdigest()[:16]),
                    feed=series,
                    outlet=series,
                    owner=series,
                    link=item.link,
                    title=item.title,
                    text=_COVERED_BY.sub("", cleaning.strip_boilerplate(item.text, memory).text),
                    language=item.entry.language or reading.language,
                    published=item.published,
                    first_seen=fetch.at,
                    fingerprint=item.fingerprint,
                )


def _of_sets() -> Iterator[Article]:
    memory = defaultdict[str, str](str)
    for name in SETS:
        rows = storysets.load(name)
        for row in storysets.spread(rows) if name in (*storysets.ONE_TIME, "fnc", "gva") else rows:
            article = row.article
            memory[article.outlet] = cleaning.learn_boilerplate([article.text], memory[article.outlet])
            text = cleaning.strip_boilerplate(article.text, memory[article.outlet]).text
            yield replace(article, id=ArticleId(article.id[:16]), text=text)
