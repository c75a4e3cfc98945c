"""Collect what rules of names and topics match in real news, and write the sheets on which readers label it.

    python -m bench.quality.pools --sheets FOLDER

The articles of all feed snapshots and story sets pass the real parsers, the removal of boilerplate and the real rule
engine. A sheet lists each rule's articles in order of time; a reader writes the number of the event next to each.
label_rules.yaml has the rules in three parts: a and b for fitting, c for reporting.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from bench.quality import feed_rows, replay, storysets
from bot import app, rules
from bot.feeds import cleaning, items, kinds
from bot.model.archive import Arrival
from bot.model.errors import ReadError
from bot.model.feeds import Feed
from bot.model.fetching import Body
from bot.model.stories import Article, ArticleId

RULES = Path(__file__).with_name("label_rules.yaml")
LABELS = Path(__file__).with_name("label_events.tsv")
PARTS = ("a", "b", "c")
#: The third part is for reporting.
FITTED = ("a", "b")
AGGREGATOR = "lede-aggregator-2026"
SETS = ("gva", "lede-feeds", "allsides", "fnc", "uci-headlines", "basil")
#: Articles that a rule collects at most: the newest ones, so that they stay neighbours in time.
MOST = 80
#: Of the aggregator, whose items are stories already.
MOST_AGGREGATED = 12
#: What the aggregator adds to the text of an item.
_COVERED_BY = re.compile(r"\s*Covered by \d.*\Z", re.DOTALL)
TEXT_CHARS = 400


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
            Labelled(one.arrival, f"{rule}/{labels[rule, one.id][0]}", labels[rule, one.id][1])
            for one in pooled
            if (rule, one.id) in labels
        ]
        for rule, pooled in part(name).items()
    }


def part(name: str) -> dict[str, list[Pooled]]:
    """Return what each rule of a part collects, in order of time.

    Raises SystemExit where the data are absent.
    """
    with tempfile.TemporaryDirectory() as folder:
        replay.write_config(Path(folder), {}, "14 days")
        written = yaml.safe_load(RULES.read_text(encoding="utf-8"))[name]
        lines = yaml.safe_dump({"rules": [{**rule, "notify": "alerts"} for rule in written]})
        (Path(folder) / "rules" / "everyday.yaml").write_text(lines, encoding="utf-8")
        ruleset = rules.RuleSet(app.load(Path(folder), {}).rules)
    pools: dict[str, list[Pooled]] = {rule["name"]: [] for rule in written}
    for article in _articles():
        for match in ruleset.match(article, Feed(url=article.feed), now=article.first_seen):
            arrival = Arrival(article=article, matches=(match,), is_baseline=False)
            pool = pools[match.rule]
            if (
                article.feed != AGGREGATOR
                or sum(one.arrival.article.feed == AGGREGATOR for one in pool) < MOST_AGGREGATED
            ):
                pool.append(Pooled(match.rule, arrival))
    return {rule: pooled[-MOST:] for rule, pooled in pools.items()}


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
            for item in items.prepare_items(feed, reading):
                # The aggregator has one address for all stories and rewords the title as outlets join.
                key = item.title if series == AGGREGATOR else item.link
                if key in known:
                    continue
                known.add(key)
                memory = cleaning.learn_boilerplate([item.text], memory)
                yield Article(
                    id=ArticleId(feed_rows.digest(key)),
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
            yield dataclasses.replace(article, id=ArticleId(article.id[:16]), text=text)


def write_sheet(name: str, file: Path) -> str:
    """Write the sheet of a part and return a line about it."""
    pools = part(name)
    blocks = []
    for rule, pooled in pools.items():
        outlets = Counter(one.arrival.article.outlet for one in pooled)
        blocks.append(f"##### RULE: {rule} ({len(pooled)} articles, {len(outlets)} outlets)")
        for one in pooled:
            article = one.arrival.article
            text = " ".join(article.text[:TEXT_CHARS].split())
            when = f"{article.when:%Y-%m-%d %H:%M}"
            blocks.append(f"[{one.id}] {when} | {article.outlet}\n  {' '.join(article.title.split())}\n    {text}")
    file.write_text("\n".join(blocks) + "\n", encoding="utf-8")
    return f"{file}: {sum(map(len, pools.values()))} articles, {len(pools)} rules"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--sheets", type=Path, required=True, help="the folder for part-a.txt, part-b.txt and part-c.txt"
    )
    options = parser.parse_args()
    options.sheets.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        print(write_sheet(name, options.sheets / f"part-{name}.txt"))


if __name__ == "__main__":
    main()
