"""Each entry of the decision queue is decided once, by one of the processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app.runtime import App
from bot.pipeline.decide import Decider
from bot.pipeline.reports import PassReport
from tests.journeys.test_seed_story import FIRST, SECOND, THIRD
from tests.journeys.world import Item, World, world

OUTLETS = ("wire", "courier", "ledger")


@pytest.fixture
async def seed(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "config") as setup:
        setup.configure(*OUTLETS)
        await setup.once()
        yield setup


async def _poll(running: App, *, decides: bool = False) -> PassReport:
    token, states = await running.pipeline.claim(limit=100, everything=True)
    return await running.pipeline.run(token, states, running.live.settings, decides=decides)


def _publish(seed: World, **told: Item) -> None:
    for outlet, item in told.items():
        seed.publish(outlet, item)


async def test_two_processes_that_take_turns_know_each_others_stories(seed: World) -> None:
    async with seed.opened() as running:
        other = Decider(store=running.store, clock=seed.clock)
        for deciding, told in (
            (running.decider, {"wire": FIRST}),
            (other, {"courier": SECOND}),
            (running.decider, {"ledger": THIRD}),
        ):
            _publish(seed, **told)
            await _poll(running)
            assert (await deciding.decide_batch(running.live.settings, limit=100)).decided_count == 1
        (story,) = await running.store.read(lambda tx: tx.stories.since(None))
        assert {member.article.outlet for member in story.members} == set(OUTLETS)
