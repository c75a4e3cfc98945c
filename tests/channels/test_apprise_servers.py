"""Apprise against real, separate servers: the tests read back what was sent."""

from __future__ import annotations

import pytest

from bot.model.channels import Channel
from bot.testing import hostile, messages
from tests.channels.context import Secrets, build, delivery
from tests.testbed.servers import ntfy, synapse

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

TITLE = "BlackBerry to leave Pakistan rather than open its servers to the regulator"
WORDS = ("unfettered access", "Karachi Herald", messages.HERALD, "regulator → PTA")


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


@pytest.mark.long
@pytest.mark.timeout(900)  # Synapse may be installed first
async def test_messages_share_one_login_to_matrix_which_ends_with_the_channel(synapse_server: synapse.Server) -> None:
    room = synapse_server.make_room("many")
    sessions = synapse_server.sessions()
    desk = channel(synapse_server.address("many"))
    for number in range(8):
        await desk.send(delivery(messages.POST, id=f"send-{number}"))
    assert len(synapse_server.read(room)) == 8
    assert synapse_server.sessions() == sessions + 1
    await desk.close()
    assert synapse_server.sessions() == sessions
