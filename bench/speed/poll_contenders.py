"""Define the contenders of bench/speed/poll.py: the obvious script, Wirewatch, and only its fetching and parsing.

Each is opened before the first round, so that its start is not measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from bench.speed import poll_origin

#: One round over every feed; the number of articles that are known after it.
Round = Callable[[], Awaitable[int]]
Contender = Callable[[list[str], Path], AbstractAsyncContextManager[Round]]

RULES = 20
#: The whole, and a process that reads its documents.
READER = "and a reader process"


@asynccontextmanager
async def obvious(urls: list[str], folder: Path) -> AsyncIterator[Round]:
    """What one writes in an afternoon."""
    import feedparser
    import httpx

    db = sqlite3.connect(folder / "obvious.db")
    db.execute("CREATE TABLE feeds (url TEXT PRIMARY KEY, etag TEXT, modified TEXT)")
    db.execute("CREATE TABLE items (url TEXT, id TEXT, title TEXT, link TEXT, body TEXT, PRIMARY KEY (url, id))")

    async def one(client: httpx.AsyncClient, slots: asyncio.Semaphore, url: str) -> None:
        async with slots:
            row = db.execute("SELECT etag, modified FROM feeds WHERE url = ?", (url,)).fetchone() or (None, None)
            asked = {"If-None-Match": row[0], "If-Modified-Since": row[1]}
            answer = await client.get(url, headers={name: value for name, value in asked.items() if value})
            if answer.status_code == 304:
                return
            entries = feedparser.parse(io.BytesIO(answer.content)).entries
            rows = [(url, e.get("id"), e.get("title"), e.get("link"), e.get("summary")) for e in entries]
            db.executemany("INSERT OR IGNORE INTO items VALUES (?, ?, ?, ?, ?)", rows)
            validators = (answer.headers.get("etag"), answer.headers.get("last-modified"))
            db.execute("INSERT OR REPLACE INTO feeds VALUES (?, ?, ?)", (url, *validators))
            db.commit()

    async def run() -> int:
        slots = asyncio.Semaphore(50)
        async with httpx.AsyncClient(timeout=20) as client, asyncio.TaskGroup() as group:
            for url in urls:
                group.create_task(one(client, slots, url))
        return int(db.execute("SELECT count(*) FROM items").fetchone()[0])

    yield run
    db.close()


@asynccontextmanager
async def whole(urls: list[str], folder: Path, *, readers: int = 0) -> AsyncIterator[Round]:
    """Configuration, rules, database, outbox: a pass of the program itself."""
    from bot import app
    from bot.app import runtime
    from bot.cli import logs
    from bot.model.errors import ReadError
    from bot.model.feeds import Feed
    from bot.model.fetching import Body

    logs.set_up()
    hosts = f"'*.{poll_origin.DOMAIN}'"
    (folder / "rules").mkdir()
    (folder / "bot.yaml").write_text(
        f"database: sqlite:///{folder}/ours.db\nchannels:\n  alerts: {{kind: console}}\noperator: alerts\n"
        f"fetch: {{concurrency: 64, per_host: 64, readers: {readers}, allow_private: [127.0.0.0/8, {hosts}]}}\n"
    )
    (folder / "feeds.yaml").write_text("feeds:\n" + "".join(f"  - {url}\n" for url in urls))
    rules = "".join(
        f"  - name: Rule {number}\n    all:\n      product: [Product{number}, Handset{number} model]\n"
        f"      demand: [backdoor*, unfettered access {number}]\n    notify: alerts\n"
        for number in range(RULES)
    )
    (folder / "rules" / "desk.yaml").write_text("rules:\n" + rules)
    environ = dict(os.environ)
    async with runtime.opened(app.load(folder, environ), app.Environment(environ=environ)) as opened:
        # The start of a process is none of a round, as is ours.
        with contextlib.suppress(ReadError):
            nothing = Body(content=b"", content_type="", url="https://a.example/")
            await opened.documents.read(nothing, Feed(url="https://a.example/"))

        async def run() -> int:
            report = await opened.once(everything=True, drain=timedelta())
            assert not report.passed.broken, report.passed.broken[0]
            return await opened.store.read(lambda tx: tx.articles.count())

        yield run


@asynccontextmanager
async def fetch_only(urls: list[str], folder: Path) -> AsyncIterator[Round]:
    """Requests, polling state and reading: no rules, no database."""
    from bot.app.environment import SystemClock
    from bot.feeds import kinds, polling
    from bot.fetch.client import HttpFetcher
    from bot.model.feeds import Feed, FeedState
    from bot.model.fetching import Body
    from bot.model.settings import FetchPolicy

    clock = SystemClock()
    policy = FetchPolicy(concurrency=64, per_host=64, allow_private=("127.0.0.0/8", f"*.{poll_origin.DOMAIN}"))
    states = {url: FeedState(url=url, due_at=clock.now()) for url in urls}
    count = 0

    async def one(fetcher: HttpFetcher, url: str) -> int:
        state, feed, now = states[url], Feed(url=url), clock.now()
        answer = await fetcher.get(polling.make_request(state))
        digest = polling.hash_body(answer.body)
        if answer.status == 304 or polling.is_unchanged(state, digest):
            states[url] = polling.FinishedPoll(state, feed, policy, now, 0).after_answer(answer)
            return 0
        before = now - policy.backfill if state.baseline_at is None else None
        body = Body(
            content=answer.body,
            content_type=answer.content_type,
            url=answer.url,
            known_hashes=frozenset(state.validators.item_hashes),
            identity_before=before,
        )
        reading = await asyncio.to_thread(kinds.parse_document, body)
        new = len(reading.entries)
        states[url] = polling.FinishedPoll(state, feed, policy, now, 0).after_reading(
            reading, answer, digest=digest, new_count=new, arrivals=[now] * new
        )
        return new

    async def worker(fetcher: HttpFetcher, left: list[str]) -> None:
        nonlocal count
        while left:
            count += await one(fetcher, left.pop())

    async def run() -> int:
        fetcher = HttpFetcher(policy, clock)
        left = list(urls)
        async with asyncio.TaskGroup() as group:
            for _ in range(policy.concurrency):
                group.create_task(worker(fetcher, left))
        await fetcher.close()
        return count

    yield run


CONTENDERS: Mapping[str, Contender] = {
    "obvious script": obvious,
    "wirewatch": whole,
    READER: partial(whole, readers=1),
    "fetch and parse": fetch_only,
}
