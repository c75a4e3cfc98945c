"""One running bot: its database is locked by another program, and its configuration is loaded again."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace
from structlog.testing import capture_logs

from bot import aio, app
from bot.app import runtime
from bot.app.engines import choose_engine
from bot.app.environment import SystemClock
from bot.app.runtime import App
from bot.model.channels import Delivery
from bot.model.errors import OutcomeUnknown
from bot.model.messages import Message, MessageKind, Receipt, SendState
from bot.storage import connections
from bot.storage import store as outages
from bot.web.health import readiness
from tests.journeys.world import Item, rss
from tests.pipeline.outbox_rows import FULL, FakeChannel, row
from tests.testbed import configs, fresh
from tests.testbed.servers.feeds import FeedServer, Reply
from tests.testbed.shown import lead_of, lines_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOT = """\
database: sqlite:///{folder}/wirewatch.db
channels: {{alerts: {{kind: console}}}}
operator: alerts
fetch: {{every: 1 seconds, at_least: 1 seconds, readers: 0, allow_private: [127.0.0.0/8]}}
stories: {{meaning: "off"}}
"""
RULES = """\
rules:
  - {name: Recalls, all: {what: [recalls]}, notify: alerts}
"""
NOW = SystemClock().now()
PATHS = ("/prompt", "/slow")


class Channel(FakeChannel):
    """A channel that cannot look a message up, and of the message "unknown" does not know whether it arrived."""

    async def send(self, delivery: Delivery) -> Receipt:
        receipt = await super().send(delivery)
        if delivery.id == "unknown":
            raise OutcomeUnknown("the connection was lost")
        return receipt


@dataclass(slots=True)
class World:
    running: App
    server: FeedServer
    channel: Channel
    folder: Path

    def publish(self, path: str, *titles: str, delay_seconds: float = 0) -> None:
        items = [Item(id=title, title=title, text=f"{title}. A firm says so.", at=NOW) for title in titles]
        self.server.serve(path, Reply(body=rss("outlet", *items), delay_seconds=delay_seconds))

    def posts_of(self, headline: str) -> int:
        posts = [message for message in self.channel.messages if message.kind is MessageKind.POST]
        return sum(view.title.text == headline for post in posts for view in post.stories)

    def outage_notices(self) -> list[Message]:
        notices = [message for message in self.channel.messages if message.kind is MessageKind.NOTICE]
        return [notice for notice in notices if lead_of(notice).startswith("The database")]

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():  # noqa: ASYNC110 - other tasks ring no bell
            await asyncio.sleep(0.02)

    @contextlib.asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Lock the database, and wait until the bot has noticed it."""
        database = self.folder.with_name("wirewatch.db")
        with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as browser:
            browser.execute("BEGIN IMMEDIATE")
            await self.until(lambda: bool(self.running.store.outage_reason))
            yield


@pytest.fixture(scope="module")
def patience() -> Iterator[pytest.MonkeyPatch]:
    """Let an outage be noticed, reported and over within a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "BUSY_SECONDS", 0.05)
        patch.setattr(aio, "STORE_PAUSE", timedelta(seconds=0.05))
        patch.setattr(outages, "OUTAGE_OVER", timedelta(seconds=0.5))
        yield patch


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, patience: pytest.MonkeyPatch) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("bot")
    fresh.archive(folder / "wirewatch.db")
    async with FeedServer() as server:
        feeds = [{"url": server.url(path), "owner": path} for path in PATHS]
        configured = configs.write(folder / "config", bot=BOT.format(folder=folder), feeds=feeds, rules=RULES)
        environment = app.Environment(environ={})
        channel = Channel(environment.clock, name="alerts", abilities=replace(FULL, lookup=False), pace=timedelta())
        settings = app.load(configured, environment.environ)
        async with runtime.opened(settings, environment, replaced={"alerts": channel}) as running:
            running_world = World(running, server, channel, configured)
            for path in PATHS:
                running_world.publish(path)
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(running.run(stop, choose_engine(running), folder=configured))
                await running_world.until(lambda: all(server.seen(path) for path in PATHS))
                yield running_world
                stop.set()


async def test_a_lock_during_a_poll_loses_and_repeats_nothing_and_its_begin_and_end_are_reported(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "OUTAGE_NOTICE_AFTER", timedelta(seconds=0.2))
    first, second, before = "Acme recalls kettles in Quetta", "Borel recalls lamps in Oslo", len(world.outage_notices())
    with capture_logs() as logs:
        asked = len(world.server.seen("/slow"))
        world.publish("/slow", first, delay_seconds=0.5)
        await world.until(lambda: len(world.server.seen("/slow")) > asked)
        async with world.locked():
            world.publish("/prompt", second)
            health = await readiness(world.running.store, SystemClock().now())
            assert (health.is_ready, "locked by another program" in health.reason) == (False, True)
            await world.until(lambda: len(world.outage_notices()) > before)
            # The pass that was under way fails too.
            await asyncio.sleep(0.5)
        await world.until(lambda: len(world.outage_notices()) > before + 1 and bool(world.posts_of(first)))
        await world.until(lambda: bool(world.posts_of(second)))
        # The feeds are polled several times more, and no article is posted twice.
        polls = len(world.server.requests)
        await world.until(lambda: len(world.server.requests) > polls + 4)
    assert (world.posts_of(first), world.posts_of(second)) == (1, 1)
    begin, end = world.outage_notices()[before:]
    assert lead_of(begin).startswith("The database cannot be used since ")
    assert lead_of(end).startswith("The database could not be used for ")
    assert all("locked by another program" in lines_of(notice)[0] for notice in (begin, end))
    assert [entry["event"] for entry in logs].count("database unavailable; waiting for it") == 1


async def test_a_reload_during_a_short_outage_takes_force_afterwards_and_its_worst_problem_is_logged(
    world: World,
) -> None:
    loaded_at, before = world.running.loaded_at, len(world.outage_notices())
    headline = "Dockers plan strikes in Oslo"
    with capture_logs() as logs:
        async with world.locked():
            mistake = "  - {name: B, al: [BlackBerry], notify: alerts}\n"
            (world.folder / "rules" / "a.yaml").write_text(RULES.replace("recalls]", "recalls, strikes]") + mistake)
            world.running.reload_soon()
            await world.until(lambda: world.running.loaded_at > loaded_at)
        # A pass that is under way finishes with the old configuration.
        asked = len(world.server.seen("/prompt"))
        await world.until(lambda: len(world.server.seen("/prompt")) > asked + 1)
        world.publish("/prompt", headline)
        await world.until(lambda: bool(world.posts_of(headline)) and len(world.outage_notices()) > before)
    (notice,) = world.outage_notices()[before:]
    assert lead_of(notice).startswith("The database could not be used for ")
    notices = [message for message in world.channel.messages if message.kind is MessageKind.NOTICE]
    assert any(lead_of(message).startswith("1 rule refused and off") for message in notices)
    line = next(line for line in logs if line["event"] == "configuration reloaded with problems")
    assert line["log_level"] == "warning"
    assert "a.yaml:3:" in line["first"]
    assert '"al"' in line["first"]


async def test_a_message_of_unknown_outcome_is_treated_as_the_reloaded_setting_says(world: World) -> None:
    bot = world.folder / "bot.yaml"
    before = bot.read_text()
    bot.write_text(f"{before}on_unknown: at_most_once\n")
    await world.running.reload(app.load(world.folder, {}))
    sent = row("unknown", channel="alerts", at=world.running.clock.now())
    await world.running.store.write(lambda tx: tx.outbox.add([sent]))
    while True:
        ended = (await world.running.store.read(lambda tx: tx.outbox.get([sent.id])))[sent.id]
        if ended.state in (SendState.DROPPED, SendState.SENT):
            break
        await asyncio.sleep(0.02)
    assert "at_most_once" in (ended.error or "")
    assert world.channel.ids.count("unknown") == 1
    bot.write_text(before)
    await world.running.reload(app.load(world.folder, {}))
