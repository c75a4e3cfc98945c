"""A surge through the whole program: one message, edited while it lasts, closed at its end; restarts between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.model.surges import Surge
from tests.journeys.world import RULES, Item, World, as_text, world

OUTLETS = [f"outlet{number}" for number in range(12)]
ONLY_SURGES = RULES.replace("    severity: high\n", "    when: volume\n")


async def wait_three_days(desk: World) -> None:
    for _ in range(9):
        await desk.once(minutes=9 * 60)


def report(outlet: str, desk: World, number: int = 0) -> Item:
    """Return an outlet's own report of one of several events."""
    city = ("Karachi", "Lahore", "Islamabad", "Quetta")[number]
    return Item(
        id=f"{outlet}-{number}",
        title=f"{outlet} in {city}: BlackBerry to leave Pakistan over PTA demand for a backdoor",
        text=f"BlackBerry will leave Pakistan, {outlet} reports from {city}. The PTA demanded a backdoor into its BES.",
        at=desk.clock.now(),
    )


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "config") as setup:
        setup.configure(*OUTLETS, rules=ONLY_SURGES)
        await setup.once()
        yield setup


async def surges(desk: World) -> list[Surge]:
    since = desk.clock.now() - timedelta(days=30)
    return list(await desk.read(lambda tx: tx.volume.surges_since(since)))


async def test_a_surge_has_one_message_that_is_edited_and_closed_across_restarts(desk: World) -> None:
    await wait_three_days(desk)
    for outlet in OUTLETS[:3]:
        desk.publish(outlet, report(outlet, desk))
    await desk.once()
    assert desk.heads() == []
    for outlet in OUTLETS[3:9]:
        desk.publish(outlet, report(outlet, desk))
    await desk.once(minutes=30)
    await desk.once(minutes=2)
    (head,) = desk.heads()
    first = as_text(head)
    assert "Surge: BlackBerry in Pakistan: 9 articles in 6 hours, usually fewer than 1" in first
    assert "█ last 24 hours" in first
    assert "outlet0 was first" in first
    for outlet in OUTLETS[9:]:
        desk.publish(outlet, report(outlet, desk))
    await desk.once(minutes=15)
    await desk.once(minutes=15)
    (head,) = desk.heads()
    assert "12 articles in 6 hours" in as_text(head)
    for _ in range(3):
        await desk.once(minutes=4 * 60)
    (head,) = desk.heads()
    assert "Surge over: BlackBerry in Pakistan: at its peak 12 articles in 6 hours" in as_text(head)
    assert desk.replies() == []
    (surge,) = await surges(desk)
    assert surge.closed_at is not None
