"""A machine that came up with a wrong clock, and was put right while it ran."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot import app
from bot.app import runtime
from bot.app.runtime import OnceReport
from testbed.fakes import START
from tests.journeys.world import Item, World, world

TITLE = "BlackBerry quits Pakistan after PTA sought backdoor into BES"


async def due_only(made: World) -> OnceReport:
    environment = made.environment()
    async with runtime.opened(app.load(made.folder, environment.environ), environment) as running:
        return await running.once(everything=False, drain=timedelta(seconds=60))


async def test_a_clock_that_was_set_back_a_year_hides_no_story_and_the_operator_hears_of_it_once(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as made:
        made.configure("wire")
        made.clock.set(START + timedelta(days=365))
        await due_only(made)
        made.clock.set(START)
        await due_only(made)
        made.clock.set(START + timedelta(hours=2))
        made.publish("wire", Item(id="w1", title=TITLE, text="The PTA asked for a backdoor.", at=START))
        report = await due_only(made)
        assert [feed.new for feed in report.passed.feeds] == [1]
        assert len(made.heads()) == 1
        told = [message["text"] for message in made.heads("ops")]
        assert ["was set back by 365 days" in text for text in told] == [True]
