"""Measure how long a search of a large archive takes, and the size of its index.

    python -m bench.speed.search                       1,000,000 articles of 400 days, on SQLite
    python -m bench.speed.search --postgres            on PostgreSQL (fsync off, as in the tests)
    python -m bench.speed.search --articles 100000     a tenth of the articles

An article has 20 made-up sentences, whose words are as unevenly common as in a language (Zipf's law). A first page has
20 articles.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import Connection, bindparam, create_engine, text

from bot import storage
from bot.model.errors import SearchTooLong
from bot.rules import search
from bot.storage import connections
from tests.testbed import made
from tests.testbed.fakes import START, FakeClock
from tests.testbed.servers import postgres

ARTICLES, DAYS, SENTENCES = 1_000_000, 400, 20
VOCABULARY, POOL = 50_000, 20_000
#: By rank: the commonest words are in nearly every article, the last in a few of a million.
SEARCHES = (
    ("a common word", {"condition": "w3"}),
    ("a rare word", {"condition": "w40000"}),
    ("two common words", {"condition": "w3 w9"}),
    ("a common and a rare word", {"condition": "w3 w40000"}),
    ("a phrase of common words", {"condition": '"w2 w5"'}),
    ("NEAR of common words", {"condition": "w20 NEAR/5 w50"}),
    ("NEAR of rarer words", {"condition": "w200 NEAR/5 w500"}),
    ("a rare phrase of common words", {"condition": '"w40 w300"'}),
    ("words that never meet", {"condition": '"w30000 w31000"'}),
    ("20 words by OR", {"condition": " OR ".join(f"w{n}" for n in range(100, 2_100, 100))}),
    ("a prefix", {"condition": "w400*"}),
    ("a common word of an outlet", {"condition": "w3", "outlet": "Outlet 7"}),
    ("a rarer word of an outlet", {"condition": "w3000", "outlet": "Outlet 7"}),
    ("a common word, matched by a rule", {"condition": "w3", "rule": "one in 50"}),
    ("a rarer word, matched by a rule", {"condition": "w3000", "rule": "one in 50"}),
    ("a common word, by a rare rule", {"condition": "w3", "rule": "one in 10,000"}),
    ("query: as in a rule", {"condition": "query: (w3000 OR w4000) AND title:w9"}),
    ("a common word, a year ago", {"condition": "w30", "until": START - timedelta(days=365)}),
    ("a common word without another", {"condition": "w3 NOT w1"}),
    ("a regular expression", {"condition": "/w4999\\d/"}),
)


def rows(count: int, rng: random.Random) -> Iterator[dict[str, object]]:
    weights = list(itertools.accumulate(1 / (rank + 1) for rank in range(VOCABULARY)))
    words = [f"w{rank}" for rank in range(VOCABULARY)]
    pool = [" ".join(rng.choices(words, cum_weights=weights, k=18)) + "." for _ in range(POOL)]
    step = DAYS * 86_400_000_000 // count
    first = int(START.timestamp() * 1_000_000) - DAYS * 86_400_000_000
    for number in range(count):
        yield {
            "id": f"{number:020}",
            "outlet": f"Outlet {number % 97}",
            "title": rng.choice(pool)[:70],
            "key": hashlib.sha256(str(number).encode()).digest()[:16],
            "seen": first + number * step,
            "text": " ".join(rng.choices(pool, k=SENTENCES)),
        }


def fill(address: str, count: int) -> None:
    storage.open_store(address, clock=FakeClock()).close_now()
    engine = create_engine(connections.parse(address).url)
    names = "id, feed, outlet, owner, link, link_key, title, title_key, first_seen, fingerprint, version, is_full_text,"
    names += " has_text, tags, links, left_out, text"
    values = (
        ":id, 'https://a.example/feed', :outlet, '', 'https://a.example/' || :id, :key, :title, :key, :seen, :id, 1,"
    )
    values += " FALSE, TRUE, '[]', '[]', '[]', :text"
    statement = text(f"INSERT INTO articles ({names}) VALUES ({values})")
    with engine.begin() as connection:
        made_up = rows(count, random.Random(7))
        while batch := list(itertools.islice(made_up, 10_000)):
            connection.execute(statement, batch)
        for rule, ends in (("one in 50", ("00", "50")), ("one in 10,000", ("0000",))):
            matched = text(
                "INSERT INTO matches (article, rule, evidence)"
                " SELECT id, :rule, '[]' FROM articles WHERE substr(id, :place) IN :ends"
            ).bindparams(bindparam("ends", expanding=True))
            connection.execute(matched, {"rule": rule, "place": 21 - len(ends[0]), "ends": ends})
    engine.dispose()


def ask(tx: storage.Transaction, query: search.SearchQuery) -> int:
    return len(search.search_page(tx.search.candidates, query).hits)


def size_of(connection: Connection) -> int:
    is_sqlite = connection.dialect.name == "sqlite"
    pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    statement = pages if is_sqlite else "SELECT pg_database_size(current_database())"
    return int(connection.exec_driver_sql(statement).scalar_one())


async def measure(address: str, times: int) -> None:
    store = storage.open_store(address, clock=FakeClock())
    print(f"size: {await store.read(lambda tx: size_of(tx.connection)) / 1e6:,.0f} MB with the index")
    print(f"{'search':36}{'hits':>7}{'first':>9}{'median':>9}  ms")
    for name, keys in SEARCHES:
        query = search.SearchQuery(**{**keys, "condition": search.parse_search(str(keys["condition"]))})  # type: ignore[arg-type]
        took: list[float] = []
        count = 0
        for _ in range(times):
            begun = time.perf_counter()
            try:
                count = await store.read(partial(ask, query=query))
            except SearchTooLong:
                count = -1
            took.append(1_000 * (time.perf_counter() - begun))
        print(f"{name:36}{count if count >= 0 else 'late':>7}{took[0]:>9.0f}{statistics.median(took):>9.0f}")
    for size in (1, 100):
        new = [made.article(f"new {size} {n}", minutes=n, text="w3 w9 w40000 " * 100) for n in range(size)]
        begun = time.perf_counter()
        await store.write(lambda tx, new=new: tx.articles.add(new))  # type: ignore[misc]
        print(f"adding {size} at once: {1_000 * (time.perf_counter() - begun):.1f} ms")
    await store.close()


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--articles", type=int, default=ARTICLES)
    options.add_argument("--times", type=int, default=5)
    options.add_argument("--postgres", action="store_true")
    chosen = options.parse_args(arguments)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with contextlib.ExitStack() as stack:
        if chosen.postgres:
            address = stack.enter_context(postgres.serve()).new_database()
        else:
            address = f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory())}/archive.db"
        begun = time.perf_counter()
        fill(address, chosen.articles)
        print(f"{chosen.articles:,} articles of {DAYS} days, made in {time.perf_counter() - begun:.0f} s")
        asyncio.run(measure(address, chosen.times))


if __name__ == "__main__":
    main()
