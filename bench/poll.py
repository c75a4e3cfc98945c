"""Feeds a second through the whole pipeline, beside the obvious script, from a local origin in a process of its own.

    python -m bench.poll                         500 feeds, two items of each inside the backfill window
    python -m bench.poll --feeds 2000 --inside 30
    python -m bench.poll --fetch-only            HTTP and parsing without rules and database

Each feed has 30 items in about 25 KB. Rounds: cold (a first poll), warm (every answer 304), 5 % (one feed in twenty has
two new items), bare (no validators, nothing new). Every contender polls all feeds in every round, on one host, with 64
connections; the obvious script (httpx.AsyncClient, feedparser, SQLite, a commit a feed) has 50 at once.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
ITEMS = 30
ROUNDS = ("cold", "warm", "5 %", "bare")
TEXT = "The regulator said on Wednesday that operators have until the end of the month to reply to it. " * 6
Round = Callable[[str], Awaitable[int]]


class Origin(asyncio.Protocol):
    """As fast an HTTP server as a few lines of Python can be."""

    #: Shared by all connections: what has changed, whether validators are given, how many items are new.
    state: dict[str, int] = {"round": 0, "validators": 1, "inside": 2}  # noqa: RUF012 -- one origin a process
    begun = datetime.now(UTC)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
            assert isinstance(self._transport, asyncio.Transport)
            self._transport.write(self._answer(head))

    def _answer(self, head: bytes) -> bytes:
        path = head.split(b" ", 2)[1].decode()
        if path.startswith("/control?"):
            name, _, value = path.partition("?")[2].partition("=")
            self.state[name] = int(value)
            return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        number = int(path.rpartition("/")[2])
        version = self.state["round"] if number % 20 == 0 else 0
        etag = f'"{number}-{version}"'
        if self.state["validators"] and f"\r\nif-none-match: {etag}" in head.decode().lower():
            return f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n".encode()
        body = document(number, version, inside=self.state["inside"], begun=self.begun)
        validator = f"ETag: {etag}\r\n" if self.state["validators"] else ""
        kind = "Content-Type: application/rss+xml; charset=utf-8\r\n"
        return f"HTTP/1.1 200 OK\r\n{kind}{validator}Content-Length: {len(body)}\r\n\r\n".encode() + body


def document(number: int, version: int, *, inside: int, begun: datetime) -> bytes:
    """The newest 30 items of feed ``number``; each version brings two."""
    newest = ITEMS + 2 * version
    items = []
    for place in range(newest - 1, newest - 1 - ITEMS, -1):
        age = timedelta(minutes=2 * (newest - place)) if place >= ITEMS - inside else timedelta(days=3, minutes=place)
        items.append(
            f"<item><title>Story {place} of desk {number}: operators asked to reply</title>"
            f"<link>https://news{number}.example.org/{place}</link>"
            f'<guid isPermaLink="false">{number}-{place}</guid>'
            f"<pubDate>{format_datetime(begun - age, usegmt=True)}</pubDate>"
            f"<description><![CDATA[<p>{number} {place} {TEXT}</p>]]></description><category>news</category></item>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        f"<title>News {number}</title><link>https://news{number}.example.org/</link><description>d</description>"
        f"{''.join(items)}</channel></rss>"
    ).encode()


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Origin, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def obvious(urls: list[str], folder: Path) -> Iterator[Round]:
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

    async def run(name: str) -> int:
        slots = asyncio.Semaphore(50)
        async with httpx.AsyncClient(timeout=20) as client, asyncio.TaskGroup() as group:
            for url in urls:
                group.create_task(one(client, slots, url))
        return int(db.execute("SELECT count(*) FROM items").fetchone()[0])

    yield run
    db.close()


@contextmanager
def ours(urls: list[str], folder: Path) -> Iterator[Round]:
    """The whole pipeline: configuration, rules, database, outbox."""
    from bot import app
    from bot.cli import logs

    logs.set_up()
    (folder / "rules").mkdir()
    (folder / "bot.yaml").write_text(
        f"database: sqlite:///{folder}/ours.db\nchannels:\n  alerts: {{kind: console}}\noperator: alerts\n"
        "fetch: {concurrency: 64, per_host: 64, allow_private: [127.0.0.0/8]}\n"
    )
    (folder / "feeds.yaml").write_text("feeds:\n" + "".join(f"  - {url}\n" for url in urls))
    rules = "".join(
        f"  - name: Rule {number}\n    all:\n      product: [Product{number}, Handset{number} model]\n"
        f"      demand: [backdoor*, unfettered access {number}]\n    notify: alerts\n"
        for number in range(20)
    )
    (folder / "rules" / "desk.yaml").write_text("rules:\n" + rules)
    environ = dict(os.environ)
    settings = app.load(folder, environ)

    async def run(name: str) -> int:
        async with app.opened(settings, app.Outside(environ=environ)) as opened:
            report = await opened.once(everything=True, drain=timedelta())
            assert not report.passed.broken, report.passed.broken[0]
            return await opened.store.read(lambda tx: tx.articles.count())

    yield run


@contextmanager
def fetch_only(urls: list[str], folder: Path) -> Iterator[Round]:
    """Requests, polling state and reading: no rules, no database."""
    from bot import model, polling, scheduler, sources
    from bot.fetch import HttpFetcher
    from bot.ports import Body

    clock = scheduler.SystemClock()
    policy = model.FetchPolicy(concurrency=64, per_host=64, allow_private=("127.0.0.0/8",))
    states = {url: model.FeedState(url=url, due_at=clock.now()) for url in urls}

    async def one(fetcher: HttpFetcher, url: str) -> int:
        state, feed, now = states[url], model.Feed(url=url), clock.now()
        answer = await fetcher.get(polling.request(state))
        if answer.status == 304 or polling.is_unchanged(state, answer):
            states[url] = polling.after_answer(state, feed, answer, policy=policy, now=now, jitter=0)
            return 0
        before = now - policy.backfill if state.baseline_at is None else None
        reading = await asyncio.to_thread(
            sources.read,
            Body(
                content=answer.body,
                content_type=answer.content_type,
                url=answer.url,
                known_hashes=frozenset(state.item_hashes),
                identity_before=before,
            ),
        )
        count = len(reading.entries)
        states[url] = polling.after_reading(
            state, feed, reading, answer, new_count=count, arrivals=[now] * count, policy=policy, now=now, jitter=0
        )
        return count

    async def worker(fetcher: HttpFetcher, left: list[str]) -> int:
        count = 0
        while left:
            count += await one(fetcher, left.pop())
        return count

    async def run(name: str) -> int:
        fetcher = HttpFetcher(policy, clock)
        left = list(urls)
        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(worker(fetcher, left)) for _ in range(64)]
        await fetcher.close()
        return sum(task.result() for task in workers)

    yield run


CONTENDERS = {"obvious script": obvious, "wirewatch": ours, "fetch and parse": fetch_only}


def contend(name: str, port: int, count: int) -> None:
    """The child's side: a round for each line, one line of result for each."""
    answers = os.fdopen(os.dup(1), "w")
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 -- the console channel's posts, for the whole process
    urls = [f"http://127.0.0.1:{port}/feed/{number}" for number in range(count)]
    with tempfile.TemporaryDirectory() as folder, CONTENDERS[name](urls, Path(folder)) as run:
        for line in sys.stdin:
            begun, cpu = time.perf_counter(), time.process_time()
            items = asyncio.run(_run(run, line.strip()))
            result = {
                "seconds": time.perf_counter() - begun,
                "cpu": time.process_time() - cpu,
                "items": items,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
            print(json.dumps(result), file=answers, flush=True)


async def _run(run: Round, name: str) -> int:
    return await run(name)


def measure(name: str, count: int, inside: int) -> dict[str, dict[str, float]]:
    """All rounds of one contender, with an origin of its own."""
    command = [sys.executable, "-m", "bench.poll", "--role"]
    origin = subprocess.Popen([*command, "origin"], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert origin.stdout is not None
    port = int(origin.stdout.readline())
    child = subprocess.Popen(
        [*command, name, "--port", str(port), "--feeds", str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if "--loud" not in sys.argv else None,
        text=True,
        cwd=ROOT,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    control = f"http://127.0.0.1:{port}/control?"
    urllib.request.urlopen(f"{control}inside={inside}").close()
    found = {}
    for place, kind in enumerate(ROUNDS):
        if kind == "5 %":
            urllib.request.urlopen(f"{control}round={place}").close()
        if kind == "bare":
            urllib.request.urlopen(f"{control}validators=0").close()
        child.stdin.write(f"{kind}\n")
        child.stdin.flush()
        found[kind] = json.loads(child.stdout.readline())
    child.stdin.close()
    child.wait()
    child.stdout.close()
    origin.kill()
    origin.wait()
    origin.stdout.close()
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--feeds", type=int, default=500)
    options.add_argument("--inside", type=int, default=2, help="items of each feed inside the backfill window")
    options.add_argument("--fetch-only", action="store_true")
    options.add_argument("--loud", action="store_true", help="show the contenders' log")
    options.add_argument("--role", help=argparse.SUPPRESS)
    options.add_argument("--port", type=int, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.role == "origin":
        asyncio.run(serve())
        return
    if chosen.role:
        contend(chosen.role, chosen.port, chosen.feeds)
        return
    names = ["obvious script", "fetch and parse" if chosen.fetch_only else "wirewatch"]
    results = {name: measure(name, chosen.feeds, chosen.inside) for name in names}
    print(f"{chosen.feeds} feeds, {chosen.inside} of {ITEMS} items inside the window; feeds a second (peak memory)")
    print(f"{'':16}" + "".join(f"{kind:>10}" for kind in ROUNDS) + f"{'peak':>10}")
    for name, rounds in results.items():
        rates = "".join(f"{chosen.feeds / rounds[kind]['seconds']:>10.0f}" for kind in ROUNDS)
        print(f"{name:16}{rates}{rounds[ROUNDS[-1]]['peak_mb']:>7.0f} MB")
    first, second = results.values()
    print(f"{'times':16}" + "".join(f"{first[k]['seconds'] / second[k]['seconds']:>10.2f}" for k in ROUNDS))


if __name__ == "__main__":
    main()
