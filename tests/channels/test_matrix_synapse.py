"""Matrix against a real Synapse: what a strict homeserver of ours believes of it, and what readers see there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.model.channels import Channel
from bot.model.errors import ChannelClosed, NotEditable, OutcomeUnknown, ThreadGone
from bot.testing import hostile, messages
from tests.channels.context import Secrets, build, delivery
from tests.testbed.servers import faulty, synapse

BEGINNING = datetime(2015, 1, 1, tzinfo=UTC)
Relay = faulty.Server[synapse.Relay]
# Synapse may be installed first.
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture
def relay(synapse_server: synapse.Server) -> Iterator[Relay]:
    with faulty.serve(synapse.Relay(synapse_server)) as running:
        yield running


def room(relay: Relay, home: synapse.Server, name: str, *, token: str | None = None) -> Channel:
    keys: dict[str, Any] = {
        "server": relay.url,
        "room": f"#{name}:wirewatch.test",
        "token": "env:A",
        "pace": "0 seconds",
    }
    return build("matrix", secrets=Secrets(A=token or home.token), **keys)


async def test_every_message_of_the_example_is_taken_by_the_real_server(
    relay: Relay, synapse_server: synapse.Server
) -> None:
    place = synapse_server.make_room("example")
    desk = room(relay, synapse_server, "example")
    for name, message in messages.ALL.items():
        await desk.send(delivery(message, id=name))
        await desk.send(delivery(message, id=f"{name}-plain", is_plain=True))
    assert len(synapse_server.read(place)) == 2 * len(messages.ALL)


async def test_edits_and_threads_are_edits_and_threads_to_the_real_server(
    relay: Relay, synapse_server: synapse.Server
) -> None:
    place = synapse_server.make_room("living")
    desk = room(relay, synapse_server, "living")
    head = await desk.send(delivery(messages.POST, id="head"))
    await desk.send(delivery(messages.EDIT, id="edit", edits=head))
    reply = await desk.send(delivery(messages.NEW_FACT, id="fact", reply_to=head))
    await desk.send(delivery(messages.CORRECTION, id="correction", reply_to=reply))
    assert synapse_server.related(head.ref, place, "m.thread") == 2
    assert synapse_server.related(head.ref, place, "m.replace") == 1
    result = await desk.find(delivery(messages.CORRECTION, id="correction", reply_to=head), since=BEGINNING)
    assert result is not None
    assert result.thread == head.ref
    assert await desk.find(delivery(messages.NEW_FACT, id="another", reply_to=head), since=BEGINNING) is None


@pytest.mark.parametrize("fault", ["reset_after", "500_after", "garbage_after", "reset"])
async def test_a_message_of_unknown_outcome_stands_there_once_looked_for_or_not(
    relay: Relay, synapse_server: synapse.Server, fault: str
) -> None:
    place = synapse_server.make_room(f"fault-{fault}")
    desk = room(relay, synapse_server, f"fault-{fault}")
    relay.fail("post", fault)
    with pytest.raises(OutcomeUnknown):
        await desk.send(delivery(messages.POST))
    result = await desk.find(delivery(messages.POST), since=BEGINNING)
    assert (result is None) is (fault == "reset")
    repeated = await desk.send(delivery(messages.POST))
    assert result is None or repeated.ref == result.ref, "the transaction id is the one of the first try"
    assert len(synapse_server.read(place)) == 1


async def test_every_hostile_message_is_taken_and_mentions_nobody(relay: Relay, synapse_server: synapse.Server) -> None:
    place = synapse_server.make_room("evil")
    desk = room(relay, synapse_server, "evil")
    all_messages = [*hostile.every_kind(hostile.BAD + " @room @bot:wirewatch.test", messages.WIRE), *hostile.ALL[-32:]]
    for number, message in enumerate(all_messages):
        head = await desk.send(delivery(message, id=f"send-{number}"))
        await desk.send(delivery(message, id=f"edit-{number}", edits=head))
    for item in synapse_server.read(place):
        assert item["m.mentions"] == {}
        assert "@room" not in item["body"] + item["formatted_body"]


async def test_what_the_real_server_refuses_is_said_with_what_to_do(
    relay: Relay, synapse_server: synapse.Server
) -> None:
    place = synapse_server.invite("refused")
    desk = room(relay, synapse_server, "refused")
    # The invitation is accepted.
    assert [line.is_good for line in await desk.check()] == [True] * 4
    with pytest.raises(ChannelClosed, match=r"M_UNKNOWN_TOKEN.*new access token") as caught:
        await room(relay, synapse_server, "refused", token="syt_wrong").send(delivery(messages.POST))
    assert caught.value.whole_workspace
    with pytest.raises(ChannelClosed, match=r"M_NOT_FOUND.*an alias is #name:server"):
        await room(relay, synapse_server, "nowhere").send(delivery(messages.POST))
    head = await desk.send(delivery(messages.POST, id="head"))
    unknown = type(head)(ref="$unknown", place=place, sent_at=BEGINNING)
    with pytest.raises(NotEditable):
        await desk.send(delivery(messages.EDIT, id="edit", edits=unknown))
    with pytest.raises(ThreadGone):
        await desk.send(delivery(messages.NEW_FACT, id="fact", reply_to=unknown))
    synapse_server.set_power(place, 50)
    with pytest.raises(ChannelClosed, match=r"M_FORBIDDEN.*invite the bot's account"):
        await desk.send(delivery(messages.POST, id="another"))
    [*_, right, _] = await desk.check()
    assert "messages need 50" in right.help


async def test_the_bot_may_send_in_a_room_of_its_own_whatever_the_levels_say(
    relay: Relay, synapse_server: synapse.Server
) -> None:
    synapse_server.make_room("own")
    assert [line.is_good for line in await room(relay, synapse_server, "own").check()] == [True] * 4
