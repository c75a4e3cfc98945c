"""Mattermost, against a strict server of the test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import model
from bot.channels.mattermost import SEND_ID, escape
from bot.testing import hostile, messages
from testbed.fakes import MemoryKeyValues
from testbed.servers import faulty, mattermost
from tests.channels.context import Secrets, build, delivery

BEGINNING = datetime(2015, 1, 1, tzinfo=UTC)
Server = faulty.Server[mattermost.Mattermost]


@pytest.fixture
def server() -> Iterator[Server]:
    with faulty.serve(mattermost.Mattermost()) as running:
        running.service.add_channel("town-square")
        running.service.add_channel("policy-alerts")
        yield running


def desk(server: Server, *, token: str = mattermost.TOKEN, **more: Any) -> model.Channel:
    keys: dict[str, Any] = {"server": server.url, "team": mattermost.TEAM, "to": "policy-alerts", "token": "env:A"}
    return build("mattermost", secrets=Secrets(A=token), **{**keys, "pace": "0 seconds", **more})


def posts(server: Server) -> list[dict[str, Any]]:
    return server.service.posts("policy-alerts")


async def test_a_post_is_markdown_with_its_send_id(server: Server) -> None:
    receipt = await desk(server).send(delivery(messages.POST))
    [taken] = posts(server)
    assert (receipt.ref, receipt.place) == (taken["id"], "c" + "1".rjust(25, "0"))
    assert taken["props"][SEND_ID] == "send-1"
    first, second, byline, quote, *_ = taken["message"].split("\n\n")
    assert first == "**🔴 High** · BlackBerry backdoor demand in Pakistan"
    assert second.startswith("#### [**BlackBerry to leave Pakistan")
    assert second.endswith(f"]({messages.WIRE})")
    assert byline == "The Wire · 2 Dec 09:02 UTC"
    assert quote.startswith("> **BlackBerry** will shut down in Pakistan")


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("max_length", [4_000, 16_383])
async def test_whatever_a_feed_says_fits_and_pings_nobody(server: Server, max_length: int, step: int) -> None:
    server.service.message_runes = max_length
    evil = "@all @here @channel @policy-desk (@all) @all. :@here: ＠all <@all> &commat;all [x](https://evil.example)"
    told = [*hostile.ALL[::step], *hostile.every_kind(evil, "https://x.example/@all/(@here)", many=3)]
    told += hostile.every_kind("\u202eevil @all " * 10_000, messages.WIRE, many=3)
    told += hostile.every_kind("\\`*_[]()#" * 20_000, messages.WIRE, many=60)
    channel = desk(server, max_length=max_length)
    for number, message in enumerate(told):
        for is_plain in (False, True):
            head = await channel.send(delivery(message, id=f"send-{number}-{is_plain}", is_plain=is_plain))
        await channel.send(delivery(message, id=f"edit-{number}", edits=head))
    assert len(posts(server)) == 2 * len(told)
    assert server.service.pinged == []
    assert not hostile.CONTROL & set("".join(post["message"] for post in posts(server)))


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
def test_what_markdown_reads_is_text(words: str, shown: str) -> None:
    assert escape(words) == shown


# -- finding the channel


async def test_a_name_is_looked_up_once_and_kept_and_an_id_needs_none(server: Server) -> None:
    kept = MemoryKeyValues()
    for number in range(2):
        await desk(server, key_values=kept).send(delivery(messages.NOTICE, id=f"send-{number}"))
    assert server.asked("name") == 1
    place = posts(server)[0]["channel_id"]
    await desk(server, to=place, team=None).send(delivery(messages.NOTICE, id="send-3"))
    assert server.asked("name") == 1


async def test_an_archived_channel_that_has_a_successor_of_its_name_is_left_for_it(server: Server) -> None:
    channel = desk(server)
    await channel.send(delivery(messages.NOTICE))
    next(each for each in server.service.channels.values() if each.name == "policy-alerts").is_archived = True
    with pytest.raises(model.ChannelClosed, match="unarchive it"):
        await channel.send(delivery(messages.NOTICE, id="send-2"))
    successor = server.service.add_channel("policy-alerts")
    assert (await channel.send(delivery(messages.NOTICE, id="send-2"))).place == successor.id


async def test_a_thread_or_message_elsewhere_or_gone_is_left(server: Server) -> None:
    head = await desk(server).send(delivery(messages.POST))
    elsewhere = replace(head, place="c" * 26)
    server.service.channels[head.place].posts[0]["delete_at"] = 1
    for receipt in (elsewhere, head, replace(head, ref="x" * 26)):
        with pytest.raises(model.ThreadGone):
            await desk(server).send(delivery(messages.NEW_FACT, id="send-2", reply_to=receipt))
        with pytest.raises(model.NotEditable):
            await desk(server).send(delivery(messages.EDIT, id="send-3", edits=receipt))
    with pytest.raises(model.ThreadGone):
        await desk(server).find(delivery(messages.NEW_FACT, reply_to=elsewhere), since=BEGINNING)


async def test_a_post_that_is_too_old_to_be_edited_is_left(server: Server) -> None:
    head = await desk(server).send(delivery(messages.POST))
    server.service.edit_limit_seconds = 0
    server.service.channels[head.place].posts[0]["create_at"] -= 5_000
    with pytest.raises(model.NotEditable, match="time_limit"):
        await desk(server).send(delivery(messages.EDIT, edits=head))


# -- what breaks on the way


async def test_a_look_follows_pages_sees_only_what_is_ours_and_stops_at_its_time(server: Server) -> None:
    channel = desk(server)
    head = await channel.send(delivery(messages.POST, id="head"))
    reply = await channel.send(delivery(messages.NEW_FACT, id="reply", reply_to=head))
    there = server.service.channels[head.place]
    for number in range(250):
        there.posts.append({**there.posts[0], "id": f"x{number:025d}", "user_id": mattermost.SOMEBODY})
    found = await channel.find(delivery(messages.POST, id="head"), since=BEGINNING)
    assert found is not None
    assert (found.ref, found.thread) == (head.ref, "")
    found = await channel.find(delivery(messages.NEW_FACT, id="reply", reply_to=head), since=BEGINNING)
    assert found is not None
    assert (found.ref, found.thread) == (reply.ref, head.ref)
    assert await channel.find(delivery(messages.POST, id="other"), since=BEGINNING) is None
    before = server.asked("look")
    assert await channel.find(delivery(messages.POST, id="other"), since=datetime(2999, 1, 1, tzinfo=UTC)) is None
    assert server.asked("look") == before + 1


async def test_check_says_what_is_right_and_what_to_do(server: Server) -> None:
    assert all(line.is_good for line in await desk(server).check())
    [line] = await desk(server, token="wrong").check()
    assert "Create New Token" in line.help
    for keys in ({"to": "nowhere"}, {"team": "nobody"}):
        *_, line = await desk(server, **keys).check()
        assert "both are written as in the channel's address" in line.help
    there = next(each for each in server.service.channels.values() if each.name == "policy-alerts")
    there.is_member = False
    *_, line = await desk(server).check()
    assert "/invite" in line.help
    there.is_archived = True
    *_, line, _ = await desk(server, to=there.id, team=None).check()
    assert "unarchive it" in line.help
    assert posts(server) == []
