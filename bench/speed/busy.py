"""Measure a busy hour from end to end: many matching articles in one pass, and thousands of articles about one event.

The real application reads from a local server in three runs: 300 feeds of 30 matching articles (real ones, from the
labelled story sets); one feed with thousands of articles about one event; and single articles that join stories of
growing size. Prints articles per second, processor time, the longest write transaction, and the exponent of the time of
a join by the size of the story. For comparison, it prints the articles per second of a TF-IDF centroid over the same
articles, which stores and posts nothing.

With --volume, it runs the first of these with articles of today and that many rules, without and with ``volume``: once
with rules for different feeds, so that each article matches one of them, and once with articles that match all.

    python -m bench.speed.busy [--feeds 300] [--items 30] [--event 5000]
    python -m bench.speed.busy --volume 20
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape

import structlog
import yaml
from rich.console import Console
from rich.table import Table

from bench.quality import centroid
from bench.quality.storysets import Labelled, load
from bot import app
from bot.app import runtime
from bot.app.runtime import App
from tests.testbed.servers import ports

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
SETS = ("lede-feeds", "gva", "allsides", "ecbplus", "basil", "fnc")
SIZES = (10, 30, 100, 300, 1_000)
#: Joins measured at each size.
JOINS = 15


@dataclass(frozen=True, slots=True)
class Item:
    title: str
    text: str
    link: str
    at: datetime


@dataclass(slots=True)
class Measured:
    """The time of one pass."""

    articles: int = 0
    seconds: float = 0.0
    #: Of this process, whose reader runs apart.
    processor: float = 0.0
    longest_write: float = 0.0
    #: Of the writing thread, in the transaction that took the most of it.
    busiest_write: float = 0.0


def feed(name: str, items: Sequence[Item]) -> bytes:
    entries = "".join(
        f"<item><title>{escape(item.title)}</title><link>{escape(item.link)}</link>"
        f"<pubDate>{format_datetime(item.at)}</pubDate><description>{escape(item.text)}</description></item>"
        for item in items
    )
    head = f"<title>{name}</title><link>https://{name}.example/</link>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{entries}</channel></rss>'.encode()


def real(count: int) -> list[Labelled]:
    """Articles of the story sets with a text, in a random order that is always the same."""
    rows = [row for name in SETS for row in load(name) if row.article.text]
    return random.Random(7).sample(rows, min(count, len(rows)))


def event(count: int, *, seed: int = 1) -> list[Item]:
    """Articles of one event: the same names and sentences in another order, with words of their own."""
    draw = random.Random(seed)
    sentences = [
        "The harbour bridge at Kelsund collapsed on Monday morning under a freight train.",
        "Rescue teams searched the water for the crew of four.",
        "The operator Nordbane had asked for repairs of the bridge in spring.",
        "The transport minister called for an inquiry into the collapse.",
        "Trains between Kelsund and the coast are replaced by buses.",
    ]
    return [
        Item(
            title=f"{draw.choice(('Kelsund bridge collapses', 'Bridge falls at Kelsund', 'Kelsund: bridge collapse'))} "
            f"under freight train, outlet {number}",
            text=" ".join([*draw.sample(sentences, 4), f"Reader number {number} saw {draw.randint(2, 99)} cars."]),
            link=f"https://outlet{number}.example/kelsund",
            at=START + timedelta(seconds=number),
        )
        for number in range(count)
    ]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The files of a folder over HTTP, by a process of its own."""
    port = ports.free()
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


QUERY = "the OR a OR of OR in OR to OR kelsund"


def configure(
    folder: Path, urls: Sequence[str], *, rule_count: int = 1, has_volume: bool = False, matches_all: bool = True
) -> None:
    bot = {
        "database": f"sqlite:///{folder}/busy.db",
        "channels": {"desk": {"kind": "console"}},
        "fetch": {"allow_private": ["127.0.0.0/8"], "backfill": "30000 days", "per_host": 64},
        "stories": {"window": "30000 days"},
    }
    keys = {"query": QUERY, "notify": "desk"} | ({"volume": "true"} if has_volume else {})
    feeds_of = [{} if matches_all else {"feeds": list(urls[number::rule_count])} for number in range(rule_count)]
    rules = {"rules": [{"name": f"Everything {number}", **keys, **feeds} for number, feeds in enumerate(feeds_of)]}
    (folder / "rules").mkdir(exist_ok=True)
    for name, content in (("bot", bot), ("feeds", {"feeds": list(urls)}), ("rules/all", rules)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


async def one_pass(folder: Path) -> Measured:
    """A baseline over empty feeds is not needed: all is inside the backfill. Nothing is sent."""
    environment = app.Environment(environ={})
    settings = app.load(folder, environment.environ)
    measured = Measured()
    async with runtime.opened(settings, environment) as running:
        _time_writes(running, measured)
        start, used = time.perf_counter(), time.process_time()
        passed = await running._pass_over_all(everything=True)
        measured.seconds, measured.processor = time.perf_counter() - start, time.process_time() - used
        measured.articles = sum(feed.matched for feed in passed.feeds)
    return measured


def _time_writes(running: App, measured: Measured) -> None:
    store = running.store
    write = store.write

    async def timed(work):  # type: ignore[no-untyped-def]
        def inside(tx):  # type: ignore[no-untyped-def]
            start, used = time.perf_counter(), time.thread_time()
            try:
                return work(tx)
            finally:
                measured.longest_write = max(measured.longest_write, time.perf_counter() - start)
                measured.busiest_write = max(measured.busiest_write, time.thread_time() - used)

        return await write(inside)

    store.write = timed  # type: ignore[method-assign]


async def joins(folder: Path, site: Path) -> list[tuple[int, float]]:
    """(size of the story, median processor seconds of a pass that joins one article)."""
    environment = app.Environment(environ={})
    settings = app.load(folder, environment.environ)
    items, points, at = event(max(SIZES) + JOINS * len(SIZES)), [], 0
    path = site / "event.xml"

    def serve(first: int) -> None:
        path.write_bytes(feed("event", items[first:at]))
        # The server sends whole seconds as Last-Modified, and several passes run in one second.
        os.utime(path, (time.time() - 100_000 + at,) * 2)

    async with runtime.opened(settings, environment) as running:
        for size in SIZES:
            while at < size:
                at = min(size, at + 100)
                serve(max(0, at - 100))
                await running._pass_over_all(everything=True)
            took = []
            for _ in range(JOINS):
                at += 1
                serve(at - 1)
                start = time.process_time()
                passed = await running._pass_over_all(everything=True)
                took.append(time.process_time() - start)
                assert sum(feed.matched for feed in passed.feeds) == 1, "the article did not arrive"
            points.append((size, sorted(took)[len(took) // 2]))
    return points


def exponent(points: Sequence[tuple[int, float]]) -> float:
    """Fit the time as a power of the size."""
    sizes, seconds = zip(*points, strict=True)
    return statistics.linear_regression([*map(math.log, sizes)], [*map(math.log, seconds)]).slope


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=300)
    parser.add_argument("--items", type=int, default=30)
    parser.add_argument("--event", type=int, default=5_000, help="articles of one event in one pass")
    parser.add_argument("--volume", type=int, metavar="RULES", help="compare this many rules without and with volume")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    table = Table("run", "articles", "seconds", "articles/s", "processor s", "longest write", title="Busy passes")
    rows = real(chosen.feeds * chosen.items)
    if chosen.volume:
        compare_volume(_spread(rows, chosen.items), chosen.volume)
        return
    for name, feeds in (
        (f"{chosen.feeds} feeds of {chosen.items} matching articles", _spread(rows, chosen.items)),
        (f"{chosen.event:,} articles of one event in one feed", {"event": event(chosen.event)}),
    ):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as site, served(Path(site)) as url:
            for feed_name, items in feeds.items():
                Path(site, f"{feed_name}.xml").write_bytes(feed(feed_name, items))
            configure(Path(folder), [f"{url}/{feed_name}.xml" for feed_name in feeds])
            measured = asyncio.run(one_pass(Path(folder)))
        rate = measured.articles / measured.seconds
        table.add_row(
            name,
            f"{measured.articles:,}",
            f"{measured.seconds:.1f}",
            f"{rate:.0f}",
            f"{measured.processor:.1f}",
            f"{1000 * measured.longest_write:.0f} ms; processor {1000 * measured.busiest_write:.0f} ms",
        )
    start, used = time.perf_counter(), time.process_time()
    centroid.threads(rows, 0.16)
    took, used = time.perf_counter() - start, time.process_time() - used
    name = "TF-IDF centroid alone, the same articles"
    table.add_row(name, f"{len(rows):,}", f"{took:.1f}", f"{len(rows) / took:.0f}", f"{used:.1f}", "-")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as site, served(Path(site)) as url:
        Path(site, "event.xml").write_bytes(feed("event", []))
        configure(Path(folder), [f"{url}/event.xml"])
        points = asyncio.run(joins(Path(folder), Path(site)))
    out = Console()
    out.print(table)
    for size, seconds in points:
        out.print(f"a pass that joins 1 article to a story of {size:,}: {1000 * seconds:.1f} ms")
    out.print(f"exponent of the time by the story's size: {exponent(points):.2f}")


def compare_volume(feeds: dict[str, list[Item]], rule_count: int) -> None:
    """Print the articles per second of one pass with many rules, without and with ``volume``."""
    now = datetime.now(UTC)
    for matches_all, has_volume in itertools.product((False, True), (False, True)):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as site, served(Path(site)) as url:
            for name, items in feeds.items():
                Path(site, f"{name}.xml").write_bytes(feed(name, [replace(item, at=now) for item in items]))
            urls = [f"{url}/{name}.xml" for name in feeds]
            configure(Path(folder), urls, rule_count=rule_count, has_volume=has_volume, matches_all=matches_all)
            measured = asyncio.run(one_pass(Path(folder)))
        rate, cost = measured.articles / measured.seconds, 1000 * measured.processor / measured.articles
        matched = rule_count if matches_all else 1
        print(
            f"{rule_count} rules, of which an article matches {matched}, volume {has_volume}: {rate:.0f} articles/s, "
            f"{cost:.1f} ms of processor time each"
        )


def _spread(rows: Sequence[Labelled], items: int) -> dict[str, list[Item]]:
    items_of_all = [
        Item(row.article.title, row.article.text, f"https://site{at}.example/{row.article.id}", row.article.when)
        for at, row in enumerate(rows)
    ]
    return {f"feed{at // items}": items_of_all[at : at + items] for at in range(0, len(items_of_all), items)}


if __name__ == "__main__":
    main()
