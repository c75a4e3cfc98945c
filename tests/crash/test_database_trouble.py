"""The real process over a database that it cannot write: a clear message, bad health, nothing lost when mended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash import storm, volume
from tests.journeys.world import rss
from tests.servers import absent, ports, slack
from tests.servers.feeds import FeedServer

BOT = """\
database: sqlite:///{database}
channels:
  desk: {{kind: slack, to: "#desk", token: env:SLACK_BOT_TOKEN, api_url: "{slack}", pace: 0.02 seconds}}
operator: desk
fetch: {{every: 1 seconds, allow_private: [127.0.0.0/8]}}
web: {{listen: "127.0.0.1:{port}"}}
"""
RULES = "rules:\n  - {name: Recalls, all: {what: [recalls]}, notify: desk}\n"
#: An old tick is one of half a minute; the rest is for a busy machine.
PATIENCE_SECONDS = 120
_WORDS = storm.new_words(random.Random(1))
STORIES = tuple(storm.story(number, _WORDS) for number in range(5))
NAMES = sorted(name for name, _ in STORIES)


@dataclass(slots=True)
class Bot:
    """The process and what is seen of it."""

    folder: Path
    database: Path
    feeds: FeedServer
    slack: slack.Server
    port: int

    def configure(self) -> None:
        (self.folder / "rules").mkdir(parents=True)
        bot = BOT.format(database=self.database, slack=self.slack.api_url, port=self.port)
        (self.folder / "bot.yaml").write_text(bot)
        (self.folder / "feeds.yaml").write_text(f'feeds:\n  - {{url: "{self.feeds.url("/wire")}", name: Wire}}\n')
        (self.folder / "rules" / "desk.yaml").write_text(RULES)
        self.publish(0)

    def publish(self, count: int) -> None:
        """So many of the stories stand in the feed."""
        self.feeds.serve("/wire", rss("wire", *(told[0] for _, told in STORIES[:count])))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        process = await self.start("run")
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0, self.log

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        environ = {**os.environ, "SLACK_BOT_TOKEN": slack.TOKEN}
        command = (sys.executable, "-m", "bot", *words, "--config", str(self.folder))
        with (self.folder / "log").open("ab") as log:
            return await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, env=environ)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def heads(self) -> list[str]:
        """Of which stories messages stand in the channel."""
        found = [json.dumps(message["blocks"]) for message in self.slack.workspace.messages("desk")]
        return sorted(name for head in found for name, _ in STORIES if name in head)

    async def health(self) -> tuple[int, str]:
        return await asyncio.to_thread(self._health)

    def _health(self) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=10) as answer:
                return answer.status, json.load(answer)["reason"]
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["reason"]
        except OSError:
            return 0, "nobody answers"

    async def until_health_is(self, status: int) -> str:
        found = (0, "")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (found := await self.health())[0] != status:  # noqa: ASYNC110 - another process tells nothing
                await asyncio.sleep(0.2)
        return found[1]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():  # noqa: ASYNC110 - another process tells nothing
                await asyncio.sleep(0.2)


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with FeedServer() as feeds:
        with slack.serve() as server:
            server.workspace.add_channel("desk")
            made = Bot(tmp_path / "config", tmp_path / "data" / "wirewatch.db", feeds, server, ports.free())
            made.configure()
            yield made


@pytest.fixture
def disk(bot: Bot) -> Iterator[volume.Volume]:
    try:
        with volume.mounted(bot.database.parent) as made:
            yield made
    except absent.Absent as reason:
        absent.skip(reason, unless="VOLUME_TEST")


@pytest.mark.timeout(600)
async def test_a_full_disk_is_said_turns_health_bad_and_loses_nothing(bot: Bot, disk: volume.Volume) -> None:
    async with bot.running():
        await bot.until_health_is(200)
        bot.publish(2)
        await bot.until(lambda: len(bot.heads) == 2)
        disk.fill()
        bot.publish(5)
        await bot.until(lambda: "the disk is full; free space, nothing is lost" in bot.log)
        assert "the last tick is" in await bot.until_health_is(503)
        assert len(bot.heads) == 2, "what is not written down is not told"
        disk.free()
        await bot.until_health_is(200)
        await bot.until(lambda: len(bot.heads) >= 5)
    assert bot.heads == NAMES


@pytest.mark.timeout(600)
async def test_a_database_that_another_program_locks_is_said_and_nothing_is_lost(bot: Bot) -> None:
    async with bot.running():
        await bot.until_health_is(200)
        bot.publish(2)
        await bot.until(lambda: len(bot.heads) == 2)
        with contextlib.closing(sqlite3.connect(bot.database, isolation_level=None)) as browser:
            browser.execute("BEGIN IMMEDIATE")
            bot.publish(5)
            await bot.until(lambda: "locked by another program; end that program" in bot.log)
            assert "the last tick is" in await bot.until_health_is(503)
        await bot.until_health_is(200)
        await bot.until(lambda: len(bot.heads) >= 5)
    assert bot.heads == NAMES


@pytest.mark.timeout(600)
async def test_a_read_only_volume_is_said_at_the_start_and_nothing_is_lost(bot: Bot, disk: volume.Volume) -> None:
    async with bot.running():
        await bot.until_health_is(200)
        bot.publish(2)
        await bot.until(lambda: len(bot.heads) == 2)
    disk.make_read_only()
    bot.publish(5)
    for command in ("run", "once"):
        process = await bot.start(command)
        assert await process.wait() == 2, bot.log
    assert bot.log.count("Read-only file system; this user must be able to write there") == 2
    healthcheck = await bot.start("healthcheck")
    assert await healthcheck.wait() == 1, bot.log
    disk.make_writable()
    async with bot.running():
        await bot.until(lambda: len(bot.heads) >= 5)
    assert bot.heads == NAMES
