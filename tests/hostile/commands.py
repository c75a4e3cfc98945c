"""The public commands over loopback, and what they used: processor time, memory, and whom they asked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.feeds.documents import item, rss
from tests.hostile.making import Making, Targets
from tests.testbed import configs
from tests.testbed.servers.feeds import FeedServer

ROOT = Path(__file__).parents[2]
SECRET = "the-text-of-a-file-on-this-machine"
GOOD = rss(*(item(number, title=f"BlackBerry leaves market {number}") for number in range(3))).encode()
_BOT = """\
database: sqlite:///{folder}/w.db
channels: {{alerts: {{kind: console}}}}
fetch: {{allow_private: [127.0.0.1/32], timeout: 3 seconds, per_host: 64, concurrency: 64, backfill: 36500 days}}
"""


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    #: Both streams.
    output: str
    #: Processor seconds of the command and the processes that it started.
    seconds: float
    #: The largest memory of one of these processes, in bytes.
    memory: int


@dataclass(slots=True)
class World:
    """A server of hostile and good documents, a configuration, and a canary on a private address."""

    folder: Path
    server: FeedServer
    targets: Targets
    #: Requests that nobody may make.
    caught: list[str]

    def serve(self, documents: Sequence[tuple[str, Making]]) -> dict[str, str]:
        """The address of each document -> its name."""
        names_by_url = {}
        for number, (name, make) in enumerate(documents):
            self.server.serve(f"/bad/{number}", make(self.targets))
            names_by_url[self.server.url(f"/bad/{number}")] = name
        return names_by_url

    def serve_good(self, number: int) -> str:
        self.server.serve(f"/good/{number}", GOOD)
        return self.server.url(f"/good/{number}")

    def archive(self) -> bytes:
        """All that is stored."""
        return b"".join(path.read_bytes() for path in self.folder.glob("w.db*"))

    def configure(self, urls: Mapping[str, str]) -> None:
        """``urls``: the feeds' addresses, and what each document is called."""
        # Pages of articles are fetched too, so that links lead somewhere; for thousands that takes a minute.
        feeds = [{"url": url, "full_text": "never" if "0,000 " in name else "always"} for url, name in urls.items()]
        configs.write(self.folder, bot=_BOT.format(folder=self.folder), feeds=feeds)

    async def run(self, *words: str) -> Done:
        command = (sys.executable, "-m", "bot", *words, "--config", str(self.folder))
        with (self.folder / "output").open("w+b") as output:
            _, status, used = await asyncio.to_thread(_waited, command, output.fileno())
            output.seek(0)
            text = output.read().decode("utf-8", "replace")
        return Done(os.waitstatus_to_exitcode(status), text, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def _waited(command: tuple[str, ...], output: int) -> tuple[int, int, resource.struct_rusage]:
    """Return the use of the whole command; its child processes count once it has waited for them."""
    pid = os.posix_spawn(
        command[0],
        command,
        {**os.environ, "PYTHONPATH": str(ROOT)},
        file_actions=[(os.POSIX_SPAWN_DUP2, output, fd) for fd in (1, 2)],
    )
    return os.wait4(pid, 0)


@contextlib.asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    caught: list[str] = []

    async def catch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caught.append((await reader.read(200)).decode("latin-1"))
        writer.close()

    canary = await asyncio.start_server(catch, "127.0.0.2", 0)
    async with FeedServer() as server, canary:
        port = canary.sockets[0].getsockname()[1]
        secret = folder / "secret"
        secret.write_text(SECRET)
        server.serve("/good", GOOD)
        running = World(folder, server, Targets(f"http://127.0.0.2:{port}/private", str(secret)), caught)
        running.configure({server.url("/good"): "good"})
        yield running
