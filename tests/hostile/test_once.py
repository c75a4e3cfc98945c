"""The corpus through the whole bot: each piece is read or refused, and an article of another feed is posted, once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.pipeline.poll import OUR_BUG
from tests.feeds.documents import item, rss
from tests.hostile import items, markup, servers, text
from tests.hostile.doors import SECRET
from tests.hostile.making import Making, Site, Targets
from tests.testbed import configs
from tests.testbed.servers.feeds import FeedServer

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the canary listens on 127.0.0.2"),
    pytest.mark.timeout(1_800),
]
#: The whole corpus by name: the sort, a colon, and what it does.
DOCUMENTS = {**markup.DOCUMENTS, **items.DOCUMENTS, **text.DOCUMENTS, **servers.DOCUMENTS}
ROOT = Path(__file__).parents[2]
#: Memory of one process. The limit of a reader process is 300 MB above its start.
MEMORY = 400_000_000
#: Some twenty-five pieces each, of every sort.
PASSES = 15
#: A pass may take this many seconds, or times as long as a pass over good feeds alone: quadratic time takes hours.
STEEP = 40
#: One answer of each sort that is quick to read.
SAMPLE = {
    name.partition(":")[0]: name for name in servers.DOCUMENTS if not name.startswith(("packed", "endless"))
}.values()
#: Is tried by a command too.
ENTITY_FROM_FILE = "outside: an entity from a file"
#: Addresses of feeds that some library refuses, although the configuration accepts them.
REFUSED = ("http://xn--ls8h.test/feed", "http://xn--a/feed")
BOT = """\
database: sqlite:///{folder}/w.db
channels: {{alerts: {{kind: console}}}}
fetch: {{allow_private: [127.0.0.1/32], timeout: 3 seconds, concurrency: 64, readers: 1, backfill: 36500 days}}
stories: {{meaning: off}}
"""
RULES = "rules:\n  - {name: Recalls, all: [recalls], notify: alerts}\n"


@dataclass(slots=True)
class Desk:
    """Hostile feeds beside a good one, and a canary on a private address that nobody may ask."""

    folder: Path
    good: FeedServer
    targets: Targets
    #: Requests to the canary.
    caught: list[str]
    #: Address of a hostile feed -> the name of its piece.
    names: dict[str, str]
    running: AsyncExitStack
    #: Processor seconds of all commands and the processes that they started.
    seconds: float = 0.0

    def publish(self, *titles: str) -> None:
        self.good.serve("/feed", rss(*(item(number, title=title) for number, title in enumerate(titles))).encode())

    async def serve(self, pieces: Iterable[tuple[str, Making]]) -> None:
        """Serve each piece on a server of its own, and configure all as feeds."""
        for name, make in pieces:
            server = await self.running.enter_async_context(FeedServer())
            answer = make(self.targets)
            site = answer if isinstance(answer, Site) else Site(answer, {})
            for path, reply in {"/feed": site.feed, **site.pages}.items():
                server.serve(path, reply)
            self.names[server.url()] = name
        # Pages of articles are fetched too, so that links lead somewhere; for thousands that takes a minute.
        feeds = [
            {"url": url, "full_text": "never" if "0,000 " in name else "always"} for url, name in self.names.items()
        ]
        configs.write(
            self.folder, bot=BOT.format(folder=self.folder), feeds=[*feeds, self.good.url(), *REFUSED], rules=RULES
        )

    async def run(self, *words: str) -> str:
        """Run a command that shows no harm. Return both of its streams."""
        command = (sys.executable, "-m", "bot", *words, "--config", str(self.folder))
        with (self.folder / "output").open("w+b") as stream:
            _, status, used = await asyncio.to_thread(_run, command, stream.fileno())
            stream.seek(0)
            output = stream.read().decode("utf-8", "replace")
        assert os.waitstatus_to_exitcode(status) in (0, 1, 2), output
        assert "Traceback" not in output, output[-3_000:]
        assert not self.caught
        stored = b"".join(path.read_bytes() for path in self.folder.glob("w.db*"))
        assert SECRET not in output
        assert SECRET.encode() not in stored
        # Linux counts for a command what the process that starts it held before.
        ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        assert used.ru_maxrss * 1024 < max(MEMORY, ours + 1)
        self.seconds += used.ru_utime + used.ru_stime
        return output

    async def poll(self) -> dict[str, Any]:
        """Poll all feeds once. Return the report."""
        output = await self.run("once", "--now", "--json")
        report: dict[str, Any] = json.loads(output[output.index('{\n  "feeds"') :])
        errors = {feed["url"]: feed["error"] or "" for feed in report["feeds"]}
        assert not errors[self.good.url()]
        broken = {
            url: error for url, error in errors.items() if error == OUR_BUG or "the reader process ended" in error
        }
        assert not {self.names[url]: error for url, error in broken.items()}
        return {**report, "output": output}


def _run(command: tuple[str, ...], output: int) -> tuple[int, int, resource.struct_rusage]:
    """Return the use of the whole command; its child processes count once it has waited for them."""
    pid = os.posix_spawn(
        command[0],
        command,
        {**os.environ, "PYTHONPATH": str(ROOT)},
        file_actions=[(os.POSIX_SPAWN_DUP2, output, fd) for fd in (1, 2)],
    )
    return os.wait4(pid, 0)


@contextlib.asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    caught: list[str] = []

    async def catch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caught.append((await reader.read(200)).decode("latin-1"))
        writer.close()

    folder.mkdir()  # noqa: ASYNC240 -- a test's folder
    (folder / "secret").write_text(SECRET)
    canary = await asyncio.start_server(catch, "127.0.0.2", 0)
    async with FeedServer() as good, canary, AsyncExitStack() as running:
        targets = Targets(f"http://127.0.0.2:{canary.sockets[0].getsockname()[1]}/private", str(folder / "secret"))
        yield Desk(folder, good, targets, caught, {}, running)


async def post_beside(folder: Path, names: Iterable[str]) -> float:
    """Poll these pieces and a good feed twice, and see its new article posted. Return the processor seconds."""
    async with desk(folder) as beside:
        beside.publish("Acme makes kettles")
        await beside.serve((name, DOCUMENTS[name]) for name in names)
        report = await beside.poll()
        assert (report["sent"], len(report["feeds"])) == (0, len(beside.names) + len(REFUSED) + 1)
        beside.publish("Acme makes kettles", "Acme recalls prams")
        report = await beside.poll()
        assert report["sent"] == 1
        assert report["output"].count("Acme recalls prams") == 1
        for url in (url for url, name in beside.names.items() if name == ENTITY_FROM_FILE):
            assert "1 item" in await beside.run("feeds", "test", url)
        return beside.seconds


async def test_an_article_beside_a_hostile_feed_of_each_sort_is_posted_once(tmp_path: Path) -> None:
    await post_beside(tmp_path / "desk", (*SAMPLE, ENTITY_FROM_FILE))


@pytest.mark.long
@pytest.mark.parametrize("place", range(PASSES))
async def test_each_piece_is_read_or_refused_in_time_and_an_article_beside_it_is_posted_once(
    tmp_path: Path, place: int
) -> None:
    names = [*DOCUMENTS][place::PASSES]
    seconds = await post_beside(tmp_path / "hostile", names)
    # Measured afterwards, because other processes slow this one down too, and only if it matters.
    assert seconds < STEEP or seconds < STEEP * await post_beside(tmp_path / "usual", ()), names
