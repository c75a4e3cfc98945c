"""Mattermost, against a strict server of the test."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import channels, ports
from bot.channels.kit import phrases
from bot.channels.mattermost import errors, markdown
from bot.channels.mattermost.channel import SEND_ID
from bot.testing import hostile, messages
from testbed.fakes import MemoryKeyValues
from testbed.servers import faulty, mattermost
from testbed.servers.faulty import Answer
from tests.channels.context import Secrets, build, delivery

BEGINNING = datetime(2015, 1, 1, tzinfo=UTC)
Server = faulty.Server[mattermost.Mattermost]


@pytest.fixture
def server() -> Iterator[Server]:
    with faulty.serve(mattermost.Mattermost()) as running:
        running.service.add_channel("town-square")
        running.service.add_channel("policy-alerts")
        yield running


def desk(server: Server, *, token: str = mattermost.TOKEN, **more: Any) -> ports.Channel:
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


@pytest.mark.parametrize("name", messages.ALL)
async def test_every_message_of_the_example_is_taken_by_a_strict_server(server: Server, name: str) -> None:
    for number, is_plain in enumerate((False, True)):
        await desk(server).send(delivery(messages.ALL[name], id=f"send-{number}", is_plain=is_plain))
    assert len(posts(server)) == 2


async def test_an_edit_changes_the_post_and_a_reply_stands_in_its_thread(server: Server) -> None:
    channel = desk(server)
    head = await channel.send(delivery(messages.POST))
    await channel.send(delivery(messages.EDIT, id="send-2", edits=head))
    reply = await channel.send(delivery(messages.NEW_FACT, id="send-3", reply_to=head))
    await channel.send(delivery(messages.CORRECTION, id="send-4", reply_to=reply))
    first, *replies = posts(server)
    assert (first["edits"], first["props"][SEND_ID]) == (1, "send-1")
    assert "2 outlets and 1 copy" in first["message"]
    assert [each["root_id"] for each in replies] == [head.ref, head.ref], "threads do not nest"
    assert "~~30 November~~ → **30 December**" in replies[0]["message"]


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


def test_the_strict_server_reads_mentions_as_the_real_one_does() -> None:
    assert mattermost.pings("hi @all, (@here) x@y @channel: :@a: @\u2060all") == ["@all", "@here", "@channel", "@a"]


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
    assert markdown.escaped(words) == shown


async def test_what_was_cut_has_a_mark(server: Server) -> None:
    message = hostile.every_kind("word " * 20_000, messages.WIRE, many=60)[6]
    await desk(server, max_length=4_000).send(delivery(message))
    await desk(server, max_length=4_000).send(delivery(message, id="plain", is_plain=True))
    rich, plain = posts(server)
    assert re.search(r"and \d+ more: wirewatch stories lists them", rich["message"])
    assert plain["message"].endswith("…")
    assert phrases.size(plain["message"]) <= 4_000


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
    with pytest.raises(ports.Parked, match="unarchive it"):
        await channel.send(delivery(messages.NOTICE, id="send-2"))
    successor = server.service.add_channel("policy-alerts")
    assert (await channel.send(delivery(messages.NOTICE, id="send-2"))).place == successor.id


async def test_a_thread_or_message_elsewhere_or_gone_is_left(server: Server) -> None:
    head = await desk(server).send(delivery(messages.POST))
    elsewhere = replace(head, place="c" * 26)
    server.service.channels[head.place].posts[0]["delete_at"] = 1
    for receipt in (elsewhere, head, replace(head, ref="x" * 26)):
        with pytest.raises(ports.ThreadGone):
            await desk(server).send(delivery(messages.NEW_FACT, id="send-2", reply_to=receipt))
        with pytest.raises(ports.NotEditable):
            await desk(server).send(delivery(messages.EDIT, id="send-3", edits=receipt))
    with pytest.raises(ports.ThreadGone):
        await desk(server).find(delivery(messages.NEW_FACT, reply_to=elsewhere), since=BEGINNING)


async def test_a_post_that_is_too_old_to_be_edited_is_left(server: Server) -> None:
    head = await desk(server).send(delivery(messages.POST))
    server.service.edit_limit_seconds = 0
    server.service.channels[head.place].posts[0]["create_at"] -= 5_000
    with pytest.raises(ports.NotEditable, match="time_limit"):
        await desk(server).send(delivery(messages.EDIT, edits=head))


# -- what breaks on the way


@pytest.mark.parametrize("fault", ["500", "500_after", "reset", "reset_after", "hang", "garbage", "garbage_after"])
async def test_no_clear_answer_is_unknown_and_a_look_tells(server: Server, fault: str) -> None:
    server.hang_seconds = 0.05
    server.fail("post", fault)
    channel = desk(server)
    with pytest.raises(ports.Unknown):
        await channel.send(delivery(messages.POST))
    found = await channel.find(delivery(messages.POST), since=BEGINNING)
    assert (found is not None) is fault.endswith("_after")
    again = await channel.send(delivery(messages.POST))
    assert found is None or found.ref == again.ref, "within half a minute the pending id is known"
    assert len(posts(server)) == 1


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


async def test_a_limit_is_waited_for_as_long_as_the_server_says(server: Server) -> None:
    server.fail("post", "429")
    with pytest.raises(ports.Wait) as caught:
        await desk(server).send(delivery(messages.POST))
    assert caught.value.after is not None
    assert caught.value.after.total_seconds() == 2


@pytest.mark.parametrize("name", errors.TABLE)
async def test_every_id_of_the_table_is_followed(server: Server, name: str) -> None:
    act, advice = errors.TABLE[name]
    status = 401 if "WORKSPACE" in act.name else 500 if act.name == "LOOK" else 400
    server.fail("post", Answer(status, {"id": name, "message": "words", "status_code": status}))
    with pytest.raises(ports.SendError) as caught:
        await desk(server).send(delivery(messages.POST))
    kinds = {
        "LOOK": ports.Unknown,
        "SIMPLIFY": ports.TooMuch,
        "TOP_LEVEL": ports.ThreadGone,
        "LEAVE": ports.NotEditable,
        "PARK_CHANNEL": ports.Parked,
        "PARK_WORKSPACE": ports.Parked,
    }
    assert type(caught.value) is kinds[act.name]
    assert getattr(caught.value, "whole_workspace", False) is (act.name == "PARK_WORKSPACE")
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("value", "words"), [("", "empty"), ("wrong-t0ken", "session_expired.*Create New Token"), ("a b", "cannot have")]
)
async def test_a_wrong_token_parks_every_channel_of_it_without_showing_it(
    server: Server, value: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ports.Parked, match=words) as caught:
        await desk(server, token=value).send(delivery(messages.POST))
    assert not value or value not in f"{caught.value} {caplog.text}"


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


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"server": "mattermost.example.org"}, "server's address"),
        ({"server": "https://mattermost.example.org/api/v4"}, "server's address"),
        ({"to": "Policy Alerts"}, "in small letters"),
        ({"team": None}, "give the team too"),
        ({"max_length": 100}, "4000"),
    ],
)
def test_a_key_that_cannot_be_meant_is_refused_in_words(keys: dict[str, Any], words: str) -> None:
    written = {"server": "https://mattermost.example.org", "team": "a", "to": "b", "token": "env:A", **keys}
    with pytest.raises(ValueError, match=words):
        channels.options()["mattermost"].model_validate(written)
