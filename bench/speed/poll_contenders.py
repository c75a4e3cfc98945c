"""Define the contenders of bench/speed/poll.py: the obvious script and Wirewatch.

Each is opened before the first round, so that its start is not measured.
"""

from __future__ import annotations

import asyncio
import io
import os
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.speed import poll_origin

#: One round over every feed; the number of articles that are known after it.
Round = Callable[[], Awaitable[int]]
Contender = Callable[[list[str], Path], AbstractAsyncContextManager[Round]]

RULES = 20


@asynccontextmanager
async def obvious(urls: list[str], folder: Path) -> AsyncIterator[Round]:
    """The script that somebody writes in an afternoon."""
    import feedparser
    import httpx

    db = sqlite3.connect(folder / "obvious.db")
    db.execute("CREATE TABLE IF NOT EXISTS feeds (url TEXT PRIMARY KEY, etag TEXT, modified TEXT)")
    db.execute(
        "CREATE TABLE IF NOT EXISTS items (url TEXT, id TEXT, title TEXT, link TEXT, body TEXT, PRIMARY KEY (url, id))"
    )

    async def poll_feed(client: httpx.AsyncClient, slots: asyncio.Semaphore, url: str) -> None:
        async with slots:
            row = db.execute("SELECT etag, modified FROM feeds WHERE url = ?", (url,)).fetchone() or (None, None)
            headers = {"If-None-Match": row[0], "If-Modified-Since": row[1]}
            answer = await client.get(url, headers={name: value for name, value in headers.items() if value})
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
                group.create_task(poll_feed(client, slots, url))
        return int(db.execute("SELECT count(*) FROM items").fetchone()[0])

    yield run
    db.close()


def write_configuration(urls: list[str], folder: Path) -> None:
    """Write a configuration with all feeds and twenty rules."""
    hosts = f"'*.{poll_origin.DOMAIN}'"
    (folder / "rules").mkdir()
    (folder / "bot.yaml").write_text(
        f"database: sqlite:///{folder}/ours.db\nchannels:\n  alerts: {{kind: console}}\noperator: alerts\n"
        f"fetch: {{concurrency: 64, per_host: 64, readers: 0, allow_private: [127.0.0.0/8, {hosts}]}}\n"
    )
    (folder / "feeds.yaml").write_text("feeds:\n" + "".join(f"  - {url}\n" for url in urls))
    rules = "".join(
        f"  - name: Rule {number}\n    all:\n      product: [Product{number}, Handset{number} model]\n"
        f"      demand: [backdoor*, unfettered access {number}]\n    notify: alerts\n"
        for number in range(RULES)
    )
    (folder / "rules" / "desk.yaml").write_text("rules:\n" + rules)


@asynccontextmanager
async def whole(urls: list[str], folder: Path) -> AsyncIterator[Round]:
    """Configuration, rules, database, outbox: a pass of the program itself."""
    from bot import app
    from bot.app import runtime
    from bot.cli import logs

    logs.set_up(quiet=True, silenced=(logs.POLLED,))  # as `wirewatch once` does
    write_configuration(urls, folder)
    environ = dict(os.environ)
    async with runtime.opened(app.load(folder, environ), app.Environment(environ=environ)) as opened:
        runtime.spare_collections(lasts=False)

        async def run() -> int:
            report = await opened.once(everything=True, drain=timedelta())
            assert not report.passed.broken, report.passed.broken[0]
            return await opened.store.read(lambda tx: tx.articles.count())

        yield run


CONTENDERS: Mapping[str, Contender] = {
    "obvious script": obvious,
    "wirewatch": whole,
}


def stand_in_for_the_name_service() -> None:
    """Resolve the bench's own hosts to this machine, for every contender."""
    system = socket.getaddrinfo

    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        return system("127.0.0.1" if name.endswith(poll_origin.DOMAIN) else host, *args, **kwargs)

    socket.getaddrinfo = look_up


def main() -> None:
    """Run one round of a contender, from the start of the process to its end."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    stand_in_for_the_name_service()
    if name == "obvious script":

        async def run() -> None:
            async with obvious((folder / "urls.txt").read_text().split(), folder) as one_round:
                await one_round()

        asyncio.run(run())
        return
    from bot.__main__ import main as run_command

    sys.argv = ["wirewatch", "once", "--now", "--drain", "0 seconds", "--config", str(folder)]
    run_command()


if __name__ == "__main__":
    main()
