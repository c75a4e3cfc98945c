"""Another program locks the database of a running bot: afterwards it continues, loses nothing and repeats nothing."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot import aio, app
from bot.app import runtime
from bot.app.engines import choose_engine
from bot.app.environment import SystemClock
from bot.app.runtime import App
from bot.model.channels import Abilities
from bot.model.messages import Message, MessageKind
from bot.storage import connections
from bot.storage import store as outages
from bot.web.health import readiness
from tests.journeys.world import Item, rss
from tests.pipeline.outbox_rows import FakeChannel
from tests.testbed import configs, fresh
from tests.testbed.servers.feeds import FeedServer, Reply
from tests.testbed.shown import lead_of, lines_of

BOT = """\
database: sqlite:///{folder}/wirewatch.db
channels: {{alerts: {{kind: console}}}}
operator: alerts
fetch: {{every: 1 seconds, at_least: 1 seconds, readers: 0, allow_private: [127.0.0.0/8]}}
"""
RULES = """\
rules:
  - {name: Recalls, all: {what: [recalls]}, notify: alerts}
"""
NOW = SystemClock().now()
ABILITIES = Abilities(threads=True, edits=True, lookup=False)


@dataclass(slots=True)
class World:
    running: App
    server: FeedServer
    channel: FakeChannel
    database: Path
    folder: Path

    def publish(self, path: str, *titles: str, delay_seconds: float = 0) -> None:
        items = [Item(id=title, title=title, text=f"{title}. A firm says so.", at=NOW) for title in titles]
        self.server.serve(path, Reply(body=rss("outlet", *items), delay_seconds=delay_seconds))

    def messages(self, kind: MessageKind) -> list[Message]:
        return [message for message in self.channel.messages if message.kind is kind]

    @property
    def headlines(self) -> list[str]:
        return sorted(brief.title.text for post in self.messages(MessageKind.POST) for brief in post.stories)

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():  # noqa: ASYNC110 - other tasks ring no bell
            await asyncio.sleep(0.02)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None)) as browser:
            browser.execute("BEGIN IMMEDIATE")
            yield


PATHS = ("/prompt", "/slow")


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(connections, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(aio, "STORE_PAUSE", timedelta(seconds=0.05))
    monkeypatch.setattr(outages, "OUTAGE_OVER", timedelta(seconds=0.5))
    fresh.archive(tmp_path / "wirewatch.db")
    async with FeedServer() as server:
        feeds = [{"url": server.url(path), "owner": path} for path in PATHS]
        folder = configs.write(tmp_path / "config", bot=BOT.format(folder=tmp_path), feeds=feeds, rules=RULES)
        environment = app.Environment(environ={})
        channel = FakeChannel(environment.clock, name="alerts", abilities=ABILITIES, pace=timedelta())
        settings = app.load(folder, environment.environ)
        async with runtime.opened(settings, environment, replaced={"alerts": channel}) as running:
            running_world = World(running, server, channel, tmp_path / "wirewatch.db", folder)
            for path in PATHS:
                running_world.publish(path)
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(running.run(stop, choose_engine(running), folder=folder))
                await running_world.until(lambda: all(server.seen(path) for path in PATHS))
                yield running_world
                stop.set()


async def test_a_lock_during_a_poll_ends_nothing_loses_nothing_and_repeats_nothing(world: World) -> None:
    with capture_logs() as logs:
        before = len(world.server.seen("/slow"))
        world.publish("/slow", "Acme recalls kettles in Quetta", delay_seconds=0.5)
        await world.until(lambda: len(world.server.seen("/slow")) > before)
        with world.locked():
            world.publish("/prompt", "Borel recalls lamps in Oslo")
            await world.until(lambda: bool(world.running.store.outage_reason))
            health = await readiness(world.running.store, SystemClock().now())
            assert (health.is_ready, "locked by another program" in health.reason) == (False, True)
            request = len(world.server.requests)
            # The pass that was under way fails too.
            await asyncio.sleep(1)
        await world.until(lambda: len(world.headlines) == 2)
        await world.until(lambda: bool(world.messages(MessageKind.NOTICE)))
        assert len(world.server.requests) > request
        # The feeds are polled several times more, and no article is posted twice.
        polls = len(world.server.requests)
        await world.until(lambda: len(world.server.requests) > polls + 4)
    assert world.headlines == ["Acme recalls kettles in Quetta", "Borel recalls lamps in Oslo"]
    (notice,) = world.messages(MessageKind.NOTICE)
    assert lead_of(notice).startswith("The database could not be used for ")
    assert "locked by another program" in lines_of(notice)[0]
    assert [entry["event"] for entry in logs].count("database unavailable; waiting for it") == 1


async def test_the_operator_learns_that_an_outage_begins_without_the_database_and_that_it_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "OUTAGE_NOTICE_AFTER", timedelta(seconds=0.2))
    with world.locked():
        await world.until(lambda: bool(world.messages(MessageKind.NOTICE)))
        (beginning,) = world.messages(MessageKind.NOTICE)
        assert lead_of(beginning).startswith("The database cannot be used since ")
        assert "locked by another program" in lines_of(beginning)[0]
    await world.until(lambda: len(world.messages(MessageKind.NOTICE)) > 1)
    _, end = world.messages(MessageKind.NOTICE)
    assert lead_of(end).startswith("The database could not be used for ")


async def test_a_reload_while_the_database_is_locked_takes_force_afterwards(world: World) -> None:
    loaded_at = world.running.loaded_at
    with world.locked():
        await world.until(lambda: bool(world.running.store.outage_reason))
        (world.folder / "rules" / "a.yaml").write_text(RULES.replace("recalls", "strikes"))
        world.running.reload_soon()
        await world.until(lambda: world.running.loaded_at > loaded_at)
        world.publish("/prompt", "Dockers plan strikes in Oslo")
    await world.until(lambda: len(world.headlines) == 1)
    assert world.headlines == ["Dockers plan strikes in Oslo"]


async def test_a_feed_that_goes_on_failing_is_a_warning_once(world: World) -> None:
    def levels() -> list[str]:
        return [entry["log_level"] for entry in logs if entry["event"] == "feed polled" and entry.get("error")]

    with capture_logs() as logs:
        world.server.serve("/prompt", Reply(body=b"no feed at all"))
        await world.until(lambda: bool(levels()))
        # The next try is minutes away.
        for _ in range(2):
            count = len(levels())
            await world.running.store.write(lambda tx: tx.feeds.make_due(now=SystemClock().now()))
            await world.until(lambda count=count: len(levels()) > count)  # type: ignore[misc]
    assert levels()[:3] == ["warning", "info", "info"]
