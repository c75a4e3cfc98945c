"""Measure what must be kept of an article so that it is not posted twice: for how long, and how many bytes.

    python -m bench.soak.keeping

Uses the recordings of ``feed-snapshots``. Prints after how long an item that left its feed returns, and the bytes that
the identity of an article takes in an SQLite database, with indexes, after its text was deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.quality import replay
from bot import storage
from bot.app.environment import SystemClock
from bot.feeds import identity, items, kinds
from bot.model.errors import ReadError
from bot.model.feeds import Feed, ParsedFeed
from bot.model.fetching import Body

DAY = timedelta(days=1)


def read_documents(series: str, feed: Feed) -> Iterator[tuple[datetime, ParsedFeed]]:
    """Yield each recorded document that can be read, with its time."""
    for fetch in replay.read_series(series, None):
        body = Body(content=fetch.body, content_type="application/xml", url=feed.url)
        with contextlib.suppress(ReadError):
            yield fetch.at, kinds.parse_document(body)


def absences(readings: list[tuple[datetime, tuple[str, ...]]]) -> list[timedelta]:
    """Return how long each item that is listed again was away."""
    gaps: list[timedelta] = []
    last: dict[str, datetime] = {}
    listed: set[str] = set()
    for at, keys in readings:
        gaps += [at - last[key] for key in set(keys) - listed if key in last]
        last |= dict.fromkeys(keys, at)
        listed = set(keys)
    return gaps


async def keep(store: storage.Store, feed: Feed, at: datetime, reading: ParsedFeed) -> tuple[str, ...]:
    """Take a reading in as the pipeline does; gives the items' ids."""
    prepared = items.prepare_items(feed, reading)[1]

    def work(tx: storage.Transaction) -> None:
        [known] = tx.articles.find_known_items([items.make_question(feed, prepared)])
        result = identity.identify(
            feed, reading, known, now=at, backfill=DAY, is_baseline=False, feed_title=feed.name, items=prepared
        )
        tx.articles.add([item.article for item in result.items if item.article and item.stub is None])
        tx.articles.see([item.sighting for item in result.items], at=at)

    await store.write(work)
    return tuple(item.key for item in prepared)


async def measure(file: Path) -> tuple[int, list[timedelta]]:
    """Return the number of items, and how long each returning item was away. Their identities remain in ``file``."""
    store = storage.open_store(f"sqlite:///{file}", clock=SystemClock())
    away: list[timedelta] = []
    items: set[tuple[str, str]] = set()
    try:
        for series in replay.all_series():
            name = series.partition("-")[0]
            feed = Feed(url=f"https://www.{name}.example/news/rss/feed.xml", name=name)
            readings = [(at, await keep(store, feed, at, reading)) for at, reading in read_documents(series, feed)]
            away += absences(readings)
            items |= {(name, key) for _, keys in readings for key in keys}
        await storage.trim(store, before=datetime(2020, 1, 1, tzinfo=UTC) + 3_650 * DAY)
    finally:
        await store.close()
    return len(items), away


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "identities.db"
        items, away = asyncio.run(measure(file))
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.execute("VACUUM")
            (kept,) = database.execute("SELECT count(*) FROM articles").fetchone()
        size = file.stat().st_size
    away.sort()
    days = [gap / DAY for gap in away]
    print(f"{items:,} items, {len(days)} came back; away for days: ", end="")
    print(", ".join(f"{share:.0%} {days[int(share * (len(days) - 1))]:.1f}" for share in (0.5, 0.95, 0.99, 1.0)))
    print(f"{kept:,} identities, {size / kept:,.0f} bytes each")


if __name__ == "__main__":
    main()
