"""Measure what articles are said to repeat: the origins that bot/stories/attribution.py finds, against a reader's.

    python -m bench.quality.attribution [--part development|report-1|…|report-4|languages] [--show] [--read]

Draws articles of the data sets ``stories``, ``articles``, ``summaries``, ``feed-snapshots`` and ``replays``
(tests/testbed/shared_data.py): 300 for development, and four lots of others for the report, which were read before the
program ran on them. The part ``languages`` is every article of eight German, French, Spanish and Catalan feeds of the
data set ``feeds-wild``. A person read each one; ``attribution_read.tsv`` has the origins that it names. Prints how much
of what the program says is right, and how much of what the reader found it finds. ``--show`` prints every difference
with its sentence, ``--read`` the articles.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import hashlib
import json
import lzma
import random
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import feedparser
from msgspec.structs import replace

from bench.quality import replay
from bot.feeds import kinds, links
from bot.feeds.items import prepare_items
from bot.model.feeds import Feed
from bot.model.fetching import Body
from bot.model.stories import Article, ArticleId
from bot.stories.attribution import Outlet, OutletNames, find_origins, known_outlets
from tests.testbed import shared_data

SEED = 49
#: Data set -> number of articles for development. Each report has half as many.
SAMPLE = {"fnc": 90, "gva": 50, "lede-feeds": 50, "feed-snapshots": 50, "basil": 20, "zyte": 20, "allsides": 20}
#: The further data sets of some reports.
FURTHER = {"report-2": {"summaries": 10}, "report-4": {"R20": 25, "R21": 25}}
PARTS = ("development", "report-1", "report-2", "report-3", "report-4")
#: The feeds of the part "languages", which are read as a whole, with their outlets.
LANGUAGES = {
    "Rss20Spiegel": "Spiegel",
    "Rss20FazNet": "FAZ",
    "Rss10OrfAt": "ORF",
    "Rss20DaStandardAt": "Der Standard",
    "Rss20LeFigaro": "Le Figaro",
    "Rss20LeFil": "JDD",
    "Rss10Minutos20": "20minutos",
    "Rss10Minutos20Catalans": "20minutos",
}
_WHEN = datetime(2020, 1, 1, tzinfo=UTC)


def draw(part: str) -> list[Article]:
    """Return one part of the articles, in a fixed order."""
    if part == "languages":
        return list(_feed_items())
    articles: list[Article] = []
    for name, count in SAMPLE.items():
        pool = sorted(_read(name), key=lambda article: article.id)
        for drawn in PARTS:
            sample = random.Random(SEED).sample(pool, count if drawn == "development" else count // 2)
            if drawn == part:
                articles += sample
            pool = [article for article in pool if article not in sample]
    for name, count in FURTHER.get(part, {}).items():
        articles += random.Random(SEED).sample(sorted(_read(name), key=lambda article: article.id), count)
    return articles


def _read(name: str) -> Iterator[Article]:
    if name == "feed-snapshots":
        yield from _items()
        return
    if name in ("R20", "R21"):
        with lzma.open(shared_data.path("replays") / f"{name}.arts.json.xz") as packed:
            for row in json.load(packed):
                yield _article(row["id"], row["title"], row["text"], row["outlet"].partition("-")[0], None, None)
        return
    is_page = name == "zyte"
    folder, file = {"zyte": ("articles", "truth"), "summaries": ("summaries", "summaries")}.get(name, ("stories", name))
    path = shared_data.path(folder) / file
    with gzip.open(f"{path}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if not is_page or row["id"].startswith("zyte"):
                yield _article(
                    row["id"],
                    row.get("title") or "",
                    row["text"] or "",
                    row.get("source") or links.host_of(row["url"] or ""),
                    row["url"],
                )


def _items() -> Iterator[Article]:
    """Yield the items of the first, the middle and the last fetch of each feed."""
    for series in replay.all_series():
        fetches = list(replay.read_series(series, None))
        items = {}
        for fetch in (fetches[0], fetches[len(fetches) // 2], fetches[-1]):
            for entry in feedparser.parse(fetch.body).entries:
                item = replay.article_of(fetch, entry)
                name = f"{series}:{hashlib.sha256(item.link.encode()).hexdigest()[:12]}"
                outlet = "1 NEWS" if series == "onenewsnz-2020" else series.removesuffix("-2020")
                items[name] = _article(name, item.title, item.text, outlet, item.link, entry.get("author"))
        yield from items.values()


def _feed_items() -> Iterator[Article]:
    """Yield the items of the feeds in other languages, as the bot reads them."""
    with tarfile.open(shared_data.path("feeds-wild") / "feeds.tar.xz") as packed:
        members = {Path(member.name).stem: member for member in packed.getmembers()}
        for name, outlet in LANGUAGES.items():
            content = packed.extractfile(members[name])
            assert content is not None
            reading = kinds.parse_document(Body(content=content.read(), content_type="", url="https://x.example"))
            for number, item in enumerate(prepare_items(Feed(url="https://x.example"), reading)[1]):
                author = item.entry.author
                article = _article(f"{name}:{number}", item.title, item.text, outlet, item.link, author)
                yield replace(article, language=item.entry.language or reading.language)


def _article(name: str, title: str, text: str, outlet: str, link: str | None, author: str | None = None) -> Article:
    return Article(
        id=ArticleId(name),
        feed="",
        outlet=outlet,
        owner=links.registrable_domain(link or "") or outlet,
        link=link or "",
        title=title,
        text=text,
        author=author,
        first_seen=_WHEN,
        fingerprint="",
    )


@functools.cache
def _names() -> OutletNames:
    """Return the names that the bot looks for if feeds.yaml names no outlet."""
    return OutletNames((Outlet(names[0], domain), names) for domain, names in known_outlets())


def _read_labels() -> dict[str, set[str]]:
    """Return article -> the names of the origins that the reader found. Articles that name none are omitted."""
    lines = Path(__file__).with_name("attribution_read.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {row[0]: set(row[1:]) for row in rows}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--part", choices=(*PARTS, "languages"), default=PARTS[0])
    options.add_argument("--show", action="store_true", help="print what is wrong or not found")
    options.add_argument("--read", action="store_true", help="print the articles")
    chosen = options.parse_args()
    articles = draw(chosen.part)
    if chosen.read:
        for article in articles:
            print(f"=== {article.id} | {article.outlet} | {article.author}\n{article.title}\n{article.text}\n")
        return
    read = _read_labels()
    right = wrong = missed = naming = 0
    for article in articles:
        labels = read.get(article.id, set())
        origins = {origin.name: origin for origin in find_origins(article, _names())}
        naming += bool(labels)
        right += len(labels & origins.keys())
        wrong += len(origins.keys() - labels)
        missed += len(labels - origins.keys())
        if chosen.show:
            for name in sorted(origins.keys() - labels):
                print(f"wrong: {article.id} {name}: {origins[name].sentence}")
            for name in sorted(labels - origins.keys()):
                print(f"not found: {article.id} {name}")
    print(f"{chosen.part}: {len(articles)} articles; the reader found {right + missed} origins in {naming} of them")
    print(f"right: {right} of the {right + wrong} that the program says ({right / max(1, right + wrong):.1%})")
    print(f"found: {right} of the reader's {right + missed} ({right / max(1, right + missed):.1%})")


if __name__ == "__main__":
    main()
