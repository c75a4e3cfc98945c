"""A bug over one feed is that feed's failure. One over all feeds, or over whole passes, is reported as the stage's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bot import app
from bot.app import runtime
from bot.app.engines import choose_engine
from bot.app.runtime import App
from bot.config.settings import Settings
from bot.fetch.slots import Share
from bot.model.feeds import Feed, FeedState
from bot.pipeline.poll import Poll, Poller
from bot.web.health import Probe
from tests.faults import rows
from tests.journeys.world import World, world
from tests.testbed import faults
from tests.testbed.shown import lead_of


async def _notices(running: App) -> list[str]:
    unsent = await running.store.read(lambda tx: tx.outbox.unsent())
    return [lead_of(row.message) for row in unsent if row.channel == "ops"]


async def _poll(running: App) -> None:
    """Poll all feeds once, as a running bot does."""
    await running.pipeline.run(*await running.pipeline.claim(limit=100, everything=True), running.settings)
    await running.heartbeat.tick()
    await running.report_trouble()


@pytest.mark.parametrize("count", [1, 5])
async def test_a_bug_over_all_feeds_is_reported_at_once_and_the_bot_is_not_ready_until_one_is_read(
    empty: World, count: int
) -> None:
    outlets = [f"outlet{number}" for number in range(count)]
    [poisoned] = rows.reports(1, poison=faults.UNPARSED, at=0)
    rows.configure(empty, *outlets)
    for outlet in outlets:
        empty.publish(outlet, poisoned)
    async with empty.opened() as running:
        await _poll(running)
        assert not (await Probe(running).ask()).is_ready
        [notice] = await _notices(running)
        assert notice.startswith("Nothing is posted: the stage “intake” fails")

        empty.publish(outlets[0], *rows.reports(1))
        await _poll(running)
        assert running.failures == []
        assert (await Probe(running).ask()).is_ready


class BrokenPoller(Poller):
    """Raises instead of returning a poll."""

    async def poll(
        self, state: FeedState, settings: Settings, share: Share | None = None, *, feed: Feed | None = None
    ) -> Poll:
        raise LookupError("a bug")


async def test_after_a_failed_pass_each_feed_is_polled_soon_in_a_pass_of_its_own(
    tmp_path: Path, database: str | None
) -> None:
    outlets = ("wire", "courier", "ledger")
    async with world(tmp_path / "config", database) as desk:
        desk.configure(*outlets, rules=rows.RULES)
        environment = app.Environment(environ=desk.environ)
        async with runtime.opened(app.load(desk.folder, environment.environ), environment) as running:
            poller, stop = running.pipeline.poller, asyncio.Event()
            fields = msgspec.structs.asdict(poller)
            running.pipeline.poller = BrokenPoller(**fields)

            async def until(holds: Callable[[], bool]) -> None:
                async with asyncio.timeout(60):
                    while not holds():  # noqa: ASYNC110 -- other tasks give no event
                        await asyncio.sleep(0.02)

            async with asyncio.TaskGroup() as group:
                group.create_task(running.run(stop, choose_engine(running)))
                leases = "SELECT count(DISTINCT lease_until) FROM feeds WHERE lease IS NOT NULL"
                await until(lambda: rows.run(desk, leases) == [(3,)])
                running.pipeline.poller = poller
                await until(lambda: all(desk.outlets.seen(f"/{outlet}.xml") for outlet in outlets))
                assert running.failures == []
                stop.set()
        assert [len(desk.outlets.seen(f"/{outlet}.xml")) for outlet in outlets] == [1, 1, 1]


async def test_passes_that_keep_failing_are_reported_and_the_bot_is_not_ready_until_one_works(empty: World) -> None:
    empty.configure("wire", rules=rows.RULES)
    async with empty.opened() as running:
        fields = msgspec.structs.asdict(running.pipeline.poller)
        poller, running.pipeline.poller = running.pipeline.poller, BrokenPoller(**fields)
        for _ in range(3):
            token, states = await running.pipeline.claim(limit=100, everything=True)
            with pytest.raises(ExceptionGroup):
                await running.pipeline.run(token, states, running.settings)
            await running.pipeline.free_feeds(token)
            await running.heartbeat.tick()
            await running.report_trouble()
        [failure] = running.failures
        assert (failure.name, failure.count, failure.error) == ("intake", 2, "LookupError")
        assert not (await Probe(running).ask()).is_ready
        [notice] = await _notices(running)
        assert notice.startswith("Nothing is posted: the stage “intake” fails")

        running.pipeline.poller = poller
        await _poll(running)
        assert (await Probe(running).ask()).is_ready
