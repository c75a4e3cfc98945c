"""A rule with ``group: rule``: all that it matches while coverage lasts is one message with its thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.world import Item, World, as_text, world
from tests.stories.test_wordings_by_meaning import WORDINGS
from tests.testbed.fakes import START

RULES = """\
rules:
  - name: BlackBerry in Pakistan
    all: [BlackBerry, PTA]
    notify: desk
    group: rule
    quiet: 3 days
"""
OUTLETS = ("wire", "courier", "ledger")

EXIT, EXIT_TOO, EXIT_AGAIN, LIFTED = WORDINGS[0]
FINED = (
    "PTA fines a seller of BlackBerry phones in Multan",
    "MULTAN, Dec 3 (Wire) - The PTA has fined a shop that sold BlackBerry phones without a licence. It will appeal.",
)


def item(report: tuple[str, str], hours: float = 0) -> Item:
    title, text = report
    return Item(id=title, title=title, text=text, at=START + timedelta(hours=hours))


@pytest.fixture
async def setup(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "config") as built:
        built.configure(*OUTLETS, rules=RULES)
        await built.once()
        yield built


async def report(setup: World, outlet: str, what: tuple[str, str], *, minutes: float = 60) -> None:
    """Publish one report and poll it, with a newly started bot."""
    setup.publish(outlet, item(what, hours=(setup.clock.now() - START) / timedelta(hours=1)))
    await setup.once(minutes=minutes)


def replies_about(setup: World, title: str) -> list[Mapping[str, Any]]:
    return [reply for reply in setup.replies() if title in as_text(reply)]


@pytest.mark.parametrize("number", range(len(WORDINGS)))
async def test_three_outlets_in_their_own_words_are_one_message_and_another_event_is_a_reply(
    setup: World, number: int
) -> None:
    *reports, other = WORDINGS[number]
    for outlet, wording in zip(OUTLETS, reports, strict=True):
        await report(setup, outlet, wording)
    await report(setup, "wire", other)

    (message,) = setup.heads()
    assert all(title in as_text(message) for title, _ in (*reports, other))
    (reply,) = replies_about(setup, other[0])
    assert reply["thread_ts"] == message["ts"]
    assert "wire" in as_text(reply)
    assert other[1].split(". ")[0].split("; ")[0] in as_text(reply)
    # The newest report is the message's latest line.
    assert as_text(message).index("Latest") < as_text(message).index(other[0])
