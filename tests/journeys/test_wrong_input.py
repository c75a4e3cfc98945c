"""Faults around the bot affect nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot import app
from bot.model.alerts import Reason
from tests.journeys.test_seed_story import FIRST, SECOND
from tests.journeys.world import RULES, World, as_text, world


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "config") as built:
        built.configure("wire", "courier")
        await built.once()
        yield built


async def test_an_unset_token_parks_the_message_and_it_is_sent_when_the_token_is_back(desk: World) -> None:
    token = desk.environ.pop("SLACK_BOT_TOKEN")
    desk.publish("wire", FIRST)
    report = await desk.once()
    assert report.drained.parked >= 1
    assert desk.heads() == []
    desk.environ["SLACK_BOT_TOKEN"] = token
    report = await desk.once()
    assert report.drained.parked == 0
    assert sum("rather than open its servers" in as_text(head) for head in desk.heads()) == 1


async def test_an_edited_rule_is_taken_by_the_running_bot_and_applies_to_what_comes_after(desk: World) -> None:
    settings = app.load(desk.folder, desk.environ)
    async with desk.opened() as running:
        (desk.folder / "rules" / "desk.yaml").write_text(RULES.replace("name: BlackBerry in Pakistan", "name: Renamed"))
        await running.reload(app.load(desk.folder, desk.environ, settings))
        desk.publish("courier", SECOND)
        desk.clock.advance(timedelta(minutes=5))
        await running.once(everything=True, drain=timedelta(seconds=60))
    assert "Renamed" in as_text(desk.heads())
    assert "Configuration reloaded" in as_text(desk.heads("ops"))


async def test_a_message_follows_its_outlets_wording_and_a_material_edit_is_a_correction_in_its_thread(
    desk: World,
) -> None:
    desk.publish("wire", FIRST)
    await desk.once()
    reworded = f"Explained: {FIRST.title}"
    desk.publish("wire", replace(FIRST, title=reworded))
    await desk.once()
    (head,) = desk.heads()
    assert reworded in as_text(head)
    assert desk.replies() == []
    (story,) = await desk.stories()
    assert [decision.reason for decision in await desk.decisions(story)] == [Reason.FIRST_REPORT, Reason.RENAMED]

    desk.publish("wire", replace(FIRST, title=FIRST.title.replace("Pakistan", "India")))
    await desk.once()
    (reply,) = desk.replies()
    assert "India" in as_text(reply)
    assert f'"url": "https://wire.example/{FIRST.id}"' in as_text(reply), "it links the article that changed"
    assert Reason.CORRECTION in {decision.reason for decision in await desk.decisions(story)}


async def test_a_rule_that_is_expected_to_match_and_is_silent_is_told_once_each_time(desk: World) -> None:
    (desk.folder / "rules" / "desk.yaml").write_text(
        RULES.replace("    notify: desk", "    expect: every 2 days\n    notify: desk")
    )

    def notices() -> list[str]:
        texts = [as_text(head) for head in desk.heads("ops")]
        return [text for text in texts if "A rule is silent" in text]

    await desk.once()
    await desk.once(minutes=24 * 60)
    assert not notices()
    await desk.once(minutes=25 * 60)
    await desk.once()
    assert ["BlackBerry in Pakistan" in text for text in notices()] == [True]
    desk.publish("wire", FIRST)
    await desk.once()
    await desk.once(minutes=49 * 60)
    assert len(notices()) == 2
