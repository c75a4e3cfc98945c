"""Matrix, against a strict homeserver of the test and against a real Synapse behind the same faults."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.model.errors import ChannelClosed, OutcomeUnknown
from bot.testing import messages
from tests.channels.context import delivery
from tests.channels.services import MATRIX, server_of
from tests.testbed.fakes import MemoryKeyValues
from tests.testbed.servers import faulty, matrix

Server = faulty.Server[matrix.Homeserver]
room = MATRIX.channel

server = server_of(MATRIX)


# -- finding the room, and getting in


async def test_an_alias_is_looked_up_once_and_kept(server: Server) -> None:
    kept = MemoryKeyValues()
    for _ in range(2):
        await room(server, key_values=kept).send(delivery(messages.NOTICE))
    assert server.asked("directory") == 1
    await room(server, room="!policy:wirewatch.test").send(delivery(messages.NOTICE))
    assert server.asked("directory") == 1


async def test_a_room_that_was_replaced_is_found_again_by_its_alias(server: Server) -> None:
    desk = room(server)
    await desk.send(delivery(messages.NOTICE))
    server.service.rooms["!policy:wirewatch.test"].needed = 100
    successor = server.service.add_room("policy2")
    server.service.aliases["#policy:wirewatch.test"] = successor.id
    with pytest.raises(ChannelClosed):
        await desk.send(delivery(messages.NOTICE, id="send-2"))
    assert (await desk.send(delivery(messages.NOTICE, id="send-2"))).place == successor.id


async def test_an_invitation_is_accepted_with_the_first_message(server: Server) -> None:
    there = server.service.rooms["!policy:wirewatch.test"]
    there.members.discard(matrix.ME)
    with pytest.raises(ChannelClosed, match="invite the bot's account") as caught:
        await room(server).send(delivery(messages.POST))
    assert not caught.value.whole_workspace
    there.invited.add(matrix.ME)
    await room(server).send(delivery(messages.POST))
    assert len(server.service.messages("policy")) == 1


# -- what breaks on the way


async def test_a_message_without_an_id_leaves_the_outcome_unknown(server: Server) -> None:
    channel = room(server)
    await channel.send(delivery(messages.NOTICE, id="sent"))
    event = {"content": {"wirewatch.send_id": "sent"}, "origin_server_ts": 1}
    server.fail("messages", faulty.Answer(200, {"chunk": [event]}))
    with pytest.raises(OutcomeUnknown, match="a message without an id"):
        await channel.find(delivery(messages.NOTICE, id="sent"), since=datetime(1970, 1, 1, tzinfo=UTC))


async def test_check_says_what_is_right_and_what_to_do(server: Server) -> None:
    assert all(line.is_good for line in await room(server).check())
    [line] = await room(server, secret="wrong").check()
    assert "copy its new access token into the variable or file of `token:`" in line.help
    *_, line = await room(server, room="#nowhere:wirewatch.test").check()
    assert "check `room:` in bot.yaml" in line.help
    there = server.service.rooms["!policy:wirewatch.test"]
    there.needed, there.is_encrypted = 50, True
    bad = {line.what: line.help for line in await room(server).check() if not line.is_good}
    assert "its power level is 0, and messages need 50" in bad[f"{matrix.ME} may send there"]
    assert "create a room without encryption" in bad["the room is not encrypted"]
    there.members.discard(matrix.ME)
    *_, line = await room(server).check()
    assert "invite the bot's account" in line.help
    there.invited.add(matrix.ME)
    there.needed, there.is_encrypted = 0, False
    assert all(line.is_good for line in await room(server).check()), "it accepts the invitation"
    assert server.service.messages("policy") == []
