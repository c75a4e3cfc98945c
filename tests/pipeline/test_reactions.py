"""Claims by reaction where a service is asked who reacted: when it is asked, and that one reaction claims once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import model, pipeline, ports
from bot.model import Verdict
from bot.pipeline import reactions
from tests.pipeline.test_duty import DAWN, Watch, item, room

__all__ = ["room"]

ALL = ("desk", "second", "duty")


async def watched(room: Watch, channel: str = "desk") -> list[reactions.Watched]:
    snapshot, now = room.snapshot, room.now
    return list(await room.store.read(lambda tx: reactions.watched(tx, snapshot, channel, others=ALL, now=now)))


async def look(room: Watch, *reacted: str, channel: str = "desk") -> str:
    """What a look at the reactions of the one message there does."""
    (one,) = await watched(room, channel)
    snapshot, now = room.snapshot, room.now

    def work(tx: ports.Transaction) -> str:
        there = [ports.Person(id=f"@{name}:example.org", name=name) for name in reacted]
        press = reactions.press_of(tx, one, there, now=now)
        return "" if press is None else pipeline.judge(tx, snapshot, press, channels=[channel], now=now).answer

    return await room.store.write(work)


async def claim(room: Watch, verdict: Verdict, by: str = "the command") -> None:
    (story, *_) = await room.stories()
    snapshot, now = room.snapshot, room.now
    await room.store.write(lambda tx: pipeline.claim(tx, snapshot, story.id, by=by, verdict=verdict, now=now))


@pytest.fixture
async def told(room: Watch) -> Watch:
    """A grave story that two channels have posted, and whose escalation waits."""
    await room.poll(DAWN, item())
    await room.send("desk", "1")
    await room.send("second", "2")
    return room


async def test_nothing_is_asked_before_a_message_is_there_nor_for_what_is_not_escalated(room: Watch) -> None:
    await room.poll(DAWN, item())
    assert await watched(room) == []
    room.severity = model.Severity.NORMAL
    await room.send("desk", "1")
    assert await watched(room) == []


async def test_a_reaction_claims_once_however_often_it_is_seen_and_its_end_releases(told: Watch) -> None:
    assert await look(told) == ""
    assert await look(told, "ann") == "The story is claimed."
    assert [await look(told, *seen) for seen in (("ann",), ("ann", "bilal"))] == ["", ""], "the first one has it"
    assert (await told.rows("duty"))[0].error == "claimed by ann"
    assert await watched(told, "second") == [], "it is claimed elsewhere"
    assert await look(told, "bilal") == "The story is released: nobody takes care of it."
    assert await look(told, "bilal") == "The story is claimed."
    assert (await told.rows("duty"))[-1].error == "claimed by bilal"


async def test_a_claim_by_other_means_is_neither_taken_over_nor_released(told: Watch) -> None:
    await claim(told, Verdict.CLAIMED, by="ann")
    assert await watched(told) == []
    await claim(told, Verdict.UNCLAIMED)
    assert await look(told, "ann") == "The story is claimed."


async def test_who_was_released_by_somebody_else_does_not_claim_again_with_the_same_reaction(told: Watch) -> None:
    assert await look(told, "ann") == "The story is claimed."
    await claim(told, Verdict.UNCLAIMED)
    assert await look(told, "ann") == ""
    assert await look(told) != "", "it is noted that the reaction is gone"
    assert await look(told) == ""
    assert await look(told, "ann") == "The story is claimed."


async def test_the_escalation_itself_can_be_claimed_and_is_asked_about_for_a_day(told: Watch) -> None:
    await told.send("duty", "9")
    assert [one.receipt.ref for one in await watched(told, "duty")] == ["9"]
    assert await look(told, "bilal", channel="duty") == "The story is claimed."
    assert [one.receipt.ref for one in await watched(told, "duty")] == ["9"], "its end releases"
    assert await watched(told) == []
    told.now += timedelta(days=1, minutes=1)
    assert await watched(told, "duty") == []
