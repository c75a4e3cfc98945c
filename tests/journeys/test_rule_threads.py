"""A rule with ``group: rule``: all that it matches while coverage lasts is one message with its thread."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.journeys.world import BOT, Item, World, as_text, world
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

EXIT = (
    "BlackBerry to exit Pakistan over government demand for access",
    "BlackBerry will leave Pakistan after the PTA demanded a backdoor to its BES servers.",
)
EXIT_TOO = (
    "BlackBerry to leave Pakistan after refusing to open its servers",
    "The PTA wanted access to all BES traffic. The phone maker said it would rather go than build a backdoor.",
)
EXIT_AGAIN = (
    "BlackBerry quits Pakistan because it will not give the state a backdoor",
    "BlackBerry would not let the PTA read the mail on its BES servers, so it is leaving the country.",
)
LIFTED = (
    "Pakistan lifts ban on BlackBerry Messenger in Sindh",
    "The PTA restored the chat service in the province; police had asked for access.",
)
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


async def test_three_outlets_in_their_own_words_are_one_message_and_another_event_is_a_reply(setup: World) -> None:
    for outlet, what in zip((*OUTLETS, "wire"), (EXIT, EXIT_TOO, EXIT_AGAIN, LIFTED), strict=True):
        await report(setup, outlet, what)

    (message,) = setup.heads()
    assert all(title in as_text(message) for title, _ in (EXIT, EXIT_TOO, EXIT_AGAIN, LIFTED))
    (reply,) = [reply for reply in setup.replies() if LIFTED[0] in as_text(reply)]
    assert reply["thread_ts"] == message["ts"]
    assert "wire" in as_text(reply)
    assert LIFTED[1].split("; ")[0] in as_text(reply)
    # The newest report is the message's latest line.
    assert as_text(message).index("Latest") < as_text(message).index(LIFTED[0])

    # `try` shows the messages that were sent.
    await report(setup, "courier", FINED)
    output = (await setup.call("try", "BlackBerry in Pakistan", "--since", "9000d")).stdout
    _, counts, messages = output.partition("It would have made 1 post, 4 edits, 2 replies, about 1 story")
    assert counts, output
    assert EXIT[0] in messages
    assert f"reply, other event: {LIFTED[0]}" in messages
    assert f"reply, other event: {FINED[0]}" in messages


async def test_a_brief_has_one_entry_for_a_thread_with_the_headlines_of_its_events(tmp_path: Path) -> None:
    async with world(tmp_path / "config") as setup:
        bot = BOT.replace("pace: 0.01 seconds}}\n  ops", "pace: 0.01 seconds, brief: 18:00}}\n  ops")
        setup.configure(*OUTLETS, bot=bot, rules=f"{RULES}    when: brief\n")
        await setup.once()
        await report(setup, "wire", EXIT)
        await report(setup, "courier", LIFTED)
        await setup.once(minutes=10 * 60)
        await report(setup, "ledger", FINED)
        await setup.once(minutes=24 * 60)
    first, second = map(as_text, setup.heads())
    assert "1 new story" in first
    assert first.index(EXIT[0]) < first.index("also: ") < first.index(LIFTED[0])
    assert "News in earlier stories" in second
    assert FINED[0] in second
