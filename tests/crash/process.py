"""A process of ``wirewatch run`` between a feed server and a strict local Slack, and its messages."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx
import pytest

from tests.crash.stories import new_words, story
from tests.journeys.world import rss
from tests.testbed import commands, configs
from tests.testbed.servers import ports, slack
from tests.testbed.servers.feeds import FeedServer, Reply

BOT = """\
database: sqlite:///{database}
channels:
  desk: {{kind: slack, to: "#desk", token: env:SLACK_BOT_TOKEN, api_url: "{slack}", pace: 0.02 seconds}}
operator: desk
stories: {{meaning: "off"}}  # The invented recalls differ in nothing but names.
fetch: {{every: 1 seconds, at_least: 1 seconds, allow_private: [127.0.0.0/8]}}
web: {{listen: "127.0.0.1:{port}"}}
"""
RULES = "rules:\n  - {name: Recalls, all: {what: [recalls]}, notify: desk}\n"
#: An old tick is one of half a minute; the rest is for a busy machine.
PATIENCE_SECONDS = 120
#: The event of the log when it polls and listens for signals.
WATCHING = '"event": "watching"'
_WORDS = new_words(random.Random(1))
STORIES = tuple(story(number, _WORDS) for number in range(5))


class Forked:
    """A command that was forked, with the methods of a process of asyncio."""

    def __init__(self, process: BaseProcess) -> None:
        assert process.pid
        self._process = process
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        """Return the exit code, minus the signal that ended it, or None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    async def wait(self) -> int:
        """Return the exit code once it has ended."""
        await asyncio.to_thread(self._process.join)
        assert self._process.exitcode is not None
        return self._process.exitcode


Run = Forked | asyncio.subprocess.Process


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "SLACK_BOT_TOKEN": slack.TOKEN, **changes}


def fork(words: Sequence[str], log: Path, **environ: str) -> Forked:
    """Start a command that has been imported; what it prints is appended to ``log``."""
    return Forked(commands.start(words, Path.cwd(), environment(**environ), (Path(os.devnull), log, log)))


async def execute(command: Sequence[str], log: Path) -> asyncio.subprocess.Process:
    """Start a program that has to import everything."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output, env=environment())


@dataclass(slots=True)
class Bot:
    """The process and what is seen of it."""

    folder: Path
    database: Path
    feeds: FeedServer
    slack: slack.Server
    port: int
    _started: list[Run] = field(default_factory=list)

    def configure(self) -> None:
        bot = BOT.format(database=self.database, slack=self.slack.api_url, port=self.port)
        configs.write(self.folder, bot=bot, feeds=[{"url": self.feeds.url("/wire"), "name": "Wire"}], rules=RULES)
        self.publish(0)

    def publish(self, count: int, *, delay_seconds: float = 0) -> None:
        """Put so many of the stories in the feed, which answers after a delay."""
        body = rss("wire", *(items[0] for _, items in STORIES[:count]))
        self.feeds.serve("/wire", Reply(body=body, delay_seconds=delay_seconds))

    async def publish_and_await_messages(self, count: int) -> None:
        self.publish(count)
        await self.until(lambda: len(self.heads) == count)

    async def publish_and_await_poll(self, count: int) -> None:
        """Publish so many, and return in the middle of the poll that brings them."""
        self.publish(count, delay_seconds=3)
        request = len(self.feeds.requests)
        await self.until(lambda: len(self.feeds.requests) > request)
        self.publish(count)

    def names(self, count: int) -> list[str]:
        return sorted(name for name, _ in STORIES[:count])

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run it, and stop it in order once it watches: before it has its handlers, a signal kills it."""
        starts = self.log.count(WATCHING)
        process = await self.start("run")
        try:
            yield
            await self.until(lambda: self.log.count(WATCHING) > starts)
        finally:
            process.send_signal(signal.SIGTERM)
            code = await self.ended(process)
        assert code == 0, self.log

    async def run_until_all_is_told(self) -> None:
        """Run it until each story has its message, and no story two."""
        async with self.running():
            await self.until(lambda: len(self.heads) >= len(STORIES))
        assert self.heads == self.names(len(STORIES))

    async def ended(self, process: Run) -> int:
        """Return the exit code of a process that was asked to stop; fail with its log if it does not end."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await process.wait()
        except TimeoutError:
            process.kill()
            pytest.fail(f"it did not end within {PATIENCE_SECONDS} seconds:\n{self.log}")

    async def start(self, *words: str, **environ: str) -> Forked:
        """Start a command, forked from a process that has imported it."""
        run = fork((*words, "--config", str(self.folder)), self.folder / "log", **environ)
        self._started.append(run)
        return run

    async def start_cold(
        self, *words: str, python: str = sys.executable, program: Sequence[str] = ("-m", "bot")
    ) -> asyncio.subprocess.Process:
        """Start a command with its imports, perhaps by another Python or as another program."""
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # A test run in the background of a shell ignores it, and so would the process until it has its handlers.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        process = await execute((python, *program, *words, "--config", str(self.folder)), self.folder / "log")
        self._started.append(process)
        return process

    async def end(self) -> None:
        """Kill what a test that failed has left running."""
        for process in self._started:
            if process.returncode is None:
                process.kill()
                await process.wait()

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    @property
    def heads(self) -> list[str]:
        """Return the stories that have a message in the channel."""
        blocks = [json.dumps(message["blocks"]) for message in self.slack.workspace.messages("desk")]
        return sorted(name for head in blocks for name, _ in STORIES if name in head)

    async def health(self) -> tuple[int, str]:
        """Return the status and the reason of the health page, or 0 if nobody answers."""
        async with httpx.AsyncClient(verify=False, timeout=300) as client:
            try:
                answer = await client.get(f"http://127.0.0.1:{self.port}/healthz")
            except httpx.TransportError:
                return 0, "nobody answers"
        return answer.status_code, answer.json()["reason"]

    async def until_health_is(self, status: int) -> str:
        health = (0, "")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (health := await self.health())[0] != status:  # noqa: ASYNC110 - another process gives no event
                await asyncio.sleep(0.2)
        return health[1]

    async def until_watching(self) -> None:
        """Ready, and over its baseline: what is published from now on is news."""
        await self.until_health_is(200)
        await self.until(lambda: "feed polled" in self.log)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return as soon as it holds; fail with the log if every process has ended and it does not."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():
                if self._started and all(process.returncode is not None for process in self._started) and not holds():
                    pytest.fail(f"the bot has ended:\n{self.log}")
                await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def bot_in(folder: Path) -> AsyncIterator[Bot]:
    """A bot that is not started, with a feed server and a Slack."""
    async with FeedServer() as feeds:
        with slack.serve() as server:
            server.workspace.add_channel("desk")
            unstarted = Bot(folder / "config", folder / "data" / "wirewatch.db", feeds, server, ports.free())
            unstarted.configure()
            try:
                yield unstarted
            finally:
                await unstarted.end()
