"""Mattermost, against a strict server of the test."""

from __future__ import annotations

import pytest

from bot.channels.mattermost import escape
from bot.model.errors import NotEditable
from bot.testing import messages
from tests.channels.context import delivery, faults
from tests.channels.services import MATTERMOST, server_of
from tests.testbed.fakes import MemoryKeyValues
from tests.testbed.servers import faulty, mattermost

Server = faulty.Server[mattermost.Mattermost]
desk = MATTERMOST.channel

server = server_of(MATTERMOST)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("# no *bold* _it_ ~~x~~ `code`", r"\# no \*bold\* \_it\_ \~\~x\~\~ \`code\`"),
        ("[bank.example](https://evil.example)", r"\[bank.example\](https://evil.example)"),
        ("- a list", "\u2060- a list"),
        ("1. a list", "\u20601. a list"),
        ("a | b", r"a \| b"),
        ("![x](y)", r"\!\[x\](y)"),
    ],
)
def test_marks_of_markdown_are_escaped(words: str, shown: str) -> None:
    assert escape(words) == shown


async def test_a_name_is_looked_up_once_and_kept_and_an_id_needs_none(server: Server) -> None:
    kept = MemoryKeyValues()
    for number in range(2):
        await desk(server, key_values=kept).send(delivery(messages.NOTICE, id=f"send-{number}"))
    assert server.asked("name") == 1
    place = server.service.posts("policy-alerts")[0]["channel_id"]
    await desk(server, to=place, team=None).send(delivery(messages.NOTICE, id="send-3"))
    assert server.asked("name") == 1


async def test_a_post_that_is_too_old_to_be_edited_is_left(server: Server) -> None:
    head = await desk(server).send(delivery(messages.POST))
    server.service.edit_limit_seconds = 0
    server.service.channels[head.place].posts[0]["create_at"] -= 5_000
    with pytest.raises(NotEditable, match="time_limit"):
        await desk(server).send(delivery(messages.EDIT, edits=head))


async def test_check_says_what_is_right_and_what_to_do(server: Server) -> None:
    assert await faults(desk(server)) == {}
    [fault] = (await faults(desk(server, secret="wrong"))).values()
    assert "Create New Token" in fault
    for channel in (desk(server, to="nowhere"), desk(server, team="nobody")):
        [fault] = (await faults(channel)).values()
        assert "both are written as in the channel's address" in fault
    there = next(item for item in server.service.channels.values() if item.name == "policy-alerts")
    there.is_member = False
    [fault] = (await faults(desk(server))).values()
    assert "/invite" in fault
    there.is_archived = True
    assert "unarchive it" in str(await faults(desk(server, to=there.id, team=None)))
    assert MATTERMOST.shown(server) == []
