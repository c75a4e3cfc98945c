"""Apprise against real, separate servers: the tests read back what was sent."""

from __future__ import annotations

import pytest

from bot.model.channels import Channel
from bot.testing import hostile, messages
from tests.channels.context import Secrets, build, delivery
from tests.testbed.servers import ntfy

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

TITLE = "BlackBerry to leave Pakistan rather than open its servers to the regulator"
WORDS = ("unfettered access", "Karachi Herald", messages.HERALD, "PTA in the text (regulator)")


def channel(address: str) -> Channel:
    return build("apprise", secrets=Secrets(URL=address), url="env:URL")


async def test_ntfy_shows_the_message_whole(ntfy_server: ntfy.Server) -> None:
    await channel(ntfy_server.address("whole")).send(delivery(messages.EDIT))
    [message] = ntfy_server.read("whole")
    assert message["title"] == TITLE
    assert all(words in message["message"] for words in WORDS)


async def test_ntfy_takes_every_hostile_message_as_text_and_none_as_an_attachment(ntfy_server: ntfy.Server) -> None:
    all_messages = list(hostile.every_kind(hostile.BAD, messages.WIRE))
    for message in all_messages:
        await channel(ntfy_server.address("hostile")).send(delivery(message))
    accepted = ntfy_server.read("hostile")
    # The two stories of the gathered message are too long for one message of ntfy.
    assert len(accepted) == len(all_messages) + 1
    # ntfy keeps what is too long for a message as a file that nobody reads on a phone.
    assert not any("attachment" in message or "click" in message or "actions" in message for message in accepted)
