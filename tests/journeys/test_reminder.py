"""A deadline comes near: the thread recalls it, through the real application and across its restarts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from testbed.fakes import START
from tests.journeys.world import RULES, Item, World, world

REMIND = RULES.replace("    severity: high\n", "    remind: [7 days, 2 days]\n")
FIRST = Item(
    id="w1",
    title="BlackBerry to leave Pakistan rather than open its servers",
    text="BlackBerry will leave Pakistan by 20 December after the Pakistan Telecommunication Authority demanded "
    "unfettered access to its BES servers. The company calls the demand a backdoor.",
)
MOVED = Item(
    id="l1",
    title="BlackBerry to leave Pakistan later as PTA moves deadline for its servers",
    text="BlackBerry will leave Pakistan by 30 December, after the Pakistan Telecommunication Authority demanded "
    "unfettered access to its BES servers. The PTA moved the backdoor deadline from 20 December to 30 December.",
    at=START + timedelta(days=1),
)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "config") as made:
        made.configure("wire", "ledger", rules=REMIND)
        await made.once()
        yield made


def reminders(desk: World) -> list[str]:
    return [text for reply in desk.replies() if "Reminder" in (text := json.dumps(reply, ensure_ascii=False))]


async def at(desk: World, when: datetime) -> None:
    await desk.once(minutes=(when - desk.clock.now()) / timedelta(minutes=1))


async def test_the_thread_recalls_a_deadline_at_each_lead_time_once(desk: World) -> None:
    desk.publish("wire", FIRST)
    await desk.once()
    await at(desk, datetime(2015, 12, 13, 8, 55, tzinfo=UTC))
    assert reminders(desk) == []
    for minute in (0, 5, 10):
        await at(desk, datetime(2015, 12, 13, 9, minute, tzinfo=UTC))
    (week,) = reminders(desk)
    assert "Reminder: deadline in 7 days" in week
    assert "BlackBerry will leave Pakistan by 20 December" in week
    assert desk.replies()[0]["thread_ts"] == desk.heads()[0]["ts"]
    for hour in (9, 10):
        await at(desk, datetime(2015, 12, 18, hour, tzinfo=UTC))
    assert "Reminder: deadline in 2 days" in reminders(desk)[1]
    await at(desk, datetime(2015, 12, 21, 9, tzinfo=UTC))
    assert len(reminders(desk)) == 2
    (story,) = await desk.stories()
    told = [(each.action.value, each.reason.value) for each in await desk.decisions(story)]
    assert told == [
        ("post", "first report"),
        ("hold", "reminder"),
        ("reply", "reminder"),
        ("hold", "reminder"),
        ("reply", "reminder"),
    ]


async def test_when_the_deadline_moves_only_the_new_day_is_recalled(desk: World) -> None:
    desk.publish("wire", FIRST)
    await desk.once()
    desk.publish("ledger", MOVED)
    await at(desk, START + timedelta(days=1))
    await at(desk, datetime(2015, 12, 18, 9, tzinfo=UTC))
    assert reminders(desk) == []
    await at(desk, datetime(2015, 12, 23, 9, tzinfo=UTC))
    (told,) = reminders(desk)
    assert "30 December" in told


async def test_a_reminder_in_quiet_hours_leaves_at_their_end(desk: World) -> None:
    bot = desk.folder / "bot.yaml"
    bot.write_text(bot.read_text() + "quiet_hours: 08:00 to 10:00 UTC\n")
    desk.publish("wire", FIRST)
    await at(desk, START + timedelta(hours=2))
    await at(desk, datetime(2015, 12, 13, 9, tzinfo=UTC))
    assert reminders(desk) == []
    await at(desk, datetime(2015, 12, 13, 10, tzinfo=UTC))
    assert len(reminders(desk)) == 1


async def test_a_deadline_that_passed_while_the_bot_was_down_is_not_recalled(desk: World) -> None:
    desk.publish("wire", FIRST)
    await desk.once()
    await at(desk, datetime(2015, 12, 20, 10, tzinfo=UTC))
    assert reminders(desk) == []
