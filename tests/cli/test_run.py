"""``wirewatch run`` as a process: what its log holds from start to stop, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed import configs, fresh
from testbed.servers.feeds import FeedServer
from tests.feeds.documents import item, rss

BOT = """\
database: sqlite:///{folder}/w.db
channels: {{alerts: {{kind: console}}}}
fetch: {{every: 1 seconds, at_least: 1 seconds, readers: 0, allow_private: [127.0.0.0/8]}}
"""
RULES = "rules:\n  - {name: A, all: [BlackBerry], notify: alerts}\n  - {name: B, al: [BlackBerry], notify: alerts}\n"
#: As ``python -m bot``, over an app that no cancellation ends.
STUBBORN = """\
import asyncio, sys
from datetime import timedelta
from bot import app
from bot.app.runtime import App
from bot.cli import run

async def stubborn(self, stop, **kwargs):
    print("begun", flush=True)
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

App.run = stubborn
run.STOP_WITHIN = timedelta(seconds=float(sys.argv.pop()))
from bot.__main__ import main
main()
"""


@dataclass(slots=True)
class Run:
    """The process, its output and its log."""

    process: asyncio.subprocess.Process
    folder: Path

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.err.splitlines()]

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            assert self.process.returncode is None, self.err
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def running(folder: Path, *command: str, **environ: str) -> AsyncIterator[Run]:
    words = (sys.executable, *(command or ("-m", "bot")))
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        process = await asyncio.create_subprocess_exec(
            *words, stdout=out, stderr=err, cwd=Path(__file__).parents[2], env={**os.environ, **environ}
        )
    try:
        yield Run(process, folder)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Path]:
    fresh.archive(tmp_path / "w.db")
    async with FeedServer() as server:
        server.serve("/a", rss(item(1)).encode())
        yield configs.write(tmp_path, bot=BOT.format(folder=tmp_path), feeds=[server.url("/a")], rules=RULES)


async def test_each_line_of_a_log_for_programs_is_json_from_the_start_to_the_stop(folder: Path) -> None:
    async with running(folder, "-m", "bot", "run", "--config", str(folder)) as bot:
        await bot.until(lambda: "feed polled" in bot.err)
        bot.process.send_signal(signal.SIGTERM)
        assert await bot.process.wait() == 0
    events = [event["event"] for event in bot.events]
    assert events.index("configuration problem") < events.index("watching") < events.index("feed polled")
    assert '"al"' in next(event["problem"] for event in bot.events if event["event"] == "configuration problem")
    stopped = bot.events[-1]
    assert (stopped["event"], stopped["why"]) == ("stopped", "SIGTERM")
    assert stopped["seconds"] >= 0


async def test_a_log_for_people_begins_and_ends_with_a_line_for_people(folder: Path) -> None:
    async with running(folder, "-m", "bot", "run", "--config", str(folder), WIREWATCH_LOG_FORMAT="text") as bot:
        await bot.until(lambda: "feed polled" in bot.err)
        bot.process.send_signal(signal.SIGINT)
        assert await bot.process.wait() == 0
    assert "Watching 1 feed with 1 rule; messages go to alerts. Ctrl-C stops.\n" in bot.err
    assert "why=SIGINT" in bot.err.splitlines()[-1]


async def test_a_start_that_is_refused_is_an_event_of_a_log_for_programs(folder: Path) -> None:
    (folder / "bot.yaml").write_text("channels: {alerts: {kind: no-such-kind}}\n")
    async with running(folder, "-m", "bot", "run", "--config", str(folder)) as bot:
        assert await bot.process.wait() == 2
    assert {event["event"] for event in bot.events[:-1]} == {"configuration problem"}
    assert bot.events[-1]["event"] == "cannot run"


async def test_a_second_signal_ends_it_at_once(folder: Path) -> None:
    async with running(folder, "-c", STUBBORN, "run", "--config", str(folder), "3600") as bot:
        await bot.until(lambda: "begun" in bot.out)
        bot.process.send_signal(signal.SIGTERM)
        # The kernel merges two signals of one kind that come before the first is handled.
        bot.process.send_signal(signal.SIGINT)
        assert await bot.process.wait() in (128 + signal.SIGINT, 128 + signal.SIGTERM)


async def test_a_stop_that_never_comes_to_its_end_is_cut_short(folder: Path) -> None:
    async with running(folder, "-c", STUBBORN, "run", "--config", str(folder), "0.5") as bot:
        await bot.until(lambda: "begun" in bot.out)
        bot.process.send_signal(signal.SIGTERM)
        assert await bot.process.wait() == 1
    assert bot.events[-1]["event"] == "the stop took longer than 0.5 seconds; ended at once, nothing is lost"
