"""Matrix, against a strict homeserver of the test and against a real Synapse behind the same faults."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import channels, model, ports
from bot.channels.matrix import content, errors
from bot.testing import hostile, messages
from testbed.fakes import MemoryKeyValues
from testbed.servers import faulty, matrix
from testbed.servers.faulty import Answer
from tests.channels.context import Secrets, build, delivery

BEGINNING = datetime(2015, 1, 1, tzinfo=UTC)
Server = faulty.Server[matrix.Homeserver]


@pytest.fixture
def server() -> Iterator[Server]:
    with faulty.serve(matrix.Homeserver()) as running:
        running.service.add_room("policy")
        yield running


def room(
    server: Server, *, to: str = "#policy:wirewatch.test", token: str = matrix.TOKEN, **more: Any
) -> ports.Channel:
    keys: dict[str, Any] = {"server": server.url, "room": to, "token": "env:A", "pace": "0 seconds"}
    return build("matrix", secrets=Secrets(A=token), **keys, **more)


def refusal(code: str, status: int = 403) -> Answer:
    return Answer(status, {"errcode": code, "error": "words"})


async def test_a_post_is_text_and_html_pings_nobody_and_has_its_send_id(server: Server) -> None:
    receipt = await room(server).send(delivery(messages.POST))
    [taken] = server.service.messages("policy")
    assert (receipt.ref, receipt.place) == (taken["event_id"], "!policy:wirewatch.test")
    assert (taken["msgtype"], taken["m.mentions"], taken[content.SEND_ID]) == ("m.text", {}, "send-1")
    gravity, headline, *_ = taken["body"].split("\n")
    assert gravity.startswith("🔴 High")
    assert headline.startswith("BlackBerry to leave Pakistan")
    assert f'<h3><a href="{messages.WIRE}"><strong>BlackBerry to leave' in taken["formatted_body"]


@pytest.mark.parametrize("name", messages.ALL)
async def test_every_message_of_the_example_is_taken_by_a_strict_server(server: Server, name: str) -> None:
    for number, is_plain in enumerate((False, True)):
        await room(server).send(delivery(messages.ALL[name], id=f"send-{number}", is_plain=is_plain))
    rich, plain = server.service.messages("policy")
    assert "formatted_body" in rich
    assert "formatted_body" not in plain


async def test_an_edit_takes_the_place_of_the_message_and_a_reply_stands_in_its_thread(server: Server) -> None:
    desk = room(server)
    head = await desk.send(delivery(messages.POST))
    await desk.send(delivery(messages.EDIT, id="send-2", edits=head))
    reply = await desk.send(delivery(messages.NEW_FACT, id="send-3", reply_to=head))
    await desk.send(delivery(messages.CORRECTION, id="send-4", reply_to=reply))
    shown, *replies = server.service.messages("policy")
    assert shown["edits"] == 1
    assert "2 outlets and 1 copy" in shown["formatted_body"]
    assert [each["thread"] for each in replies] == [head.ref, head.ref], "threads do not nest"


async def test_a_repetition_of_a_message_is_taken_for_the_first_one(server: Server) -> None:
    first = await room(server).send(delivery(messages.POST))
    second = await room(server).send(delivery(messages.POST))
    assert second.ref == first.ref
    assert len(server.service.messages("policy")) == 1


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.long)])
async def test_whatever_a_feed_says_fits_into_an_event_and_is_text(server: Server, step: int) -> None:
    pills = "https://matrix.to/#/@reader:wirewatch.test"
    told = [*hostile.ALL[::step], *hostile.every_kind("@room @reader:wirewatch.test <b onclick=x>", pills, many=3)]
    told += hostile.every_kind("\u202eevil " * 20_000, messages.WIRE, many=3)
    told += hostile.every_kind('&"<\\' * 20_000, messages.WIRE, many=60)
    desk = room(server)
    for number, message in enumerate(told):
        head = await desk.send(delivery(message, id=f"send-{number}"))
        await desk.send(delivery(message, id=f"edit-{number}", edits=head))
    assert len(server.service.messages("policy")) == len(told)
    for event in server.service.rooms["!policy:wirewatch.test"].events:
        taken = event["content"]
        assert content.size(taken) <= content.LIMIT_BYTES
        for told_by in (taken, taken.get("m.new_content", taken)):
            assert told_by["m.mentions"] == {}
            text = told_by["body"] + told_by["formatted_body"]
            assert not hostile.CONTROL & set(text)
            assert "@room" not in text
            assert "@reader" not in text
            assert 'href="https://matrix.to' not in text, "no pill"


async def test_what_was_cut_has_a_mark(server: Server) -> None:
    await room(server).send(delivery(hostile.every_kind("word " * 20_000, messages.WIRE, many=60)[6]))
    [taken] = server.service.messages("policy")
    assert taken["body"].endswith("…")
    assert "…" in taken["formatted_body"]
    assert "and 48 more" in taken["formatted_body"] or "more: wirewatch stories lists them" in taken["formatted_body"]


# -- finding the room, and getting in


async def test_an_alias_is_looked_up_once_and_kept(server: Server) -> None:
    kept = MemoryKeyValues()
    for _ in range(2):
        await room(server, key_values=kept).send(delivery(messages.NOTICE))
    assert server.asked("directory") == 1
    await room(server, to="!policy:wirewatch.test").send(delivery(messages.NOTICE))
    assert server.asked("directory") == 1


async def test_a_room_that_was_replaced_is_found_again_by_its_alias(server: Server) -> None:
    desk = room(server)
    await desk.send(delivery(messages.NOTICE))
    server.service.rooms["!policy:wirewatch.test"].needed = 100
    successor = server.service.add_room("policy2")
    server.service.aliases["#policy:wirewatch.test"] = successor.id
    with pytest.raises(ports.Parked):
        await desk.send(delivery(messages.NOTICE, id="send-2"))
    assert (await desk.send(delivery(messages.NOTICE, id="send-2"))).place == successor.id


async def test_an_invitation_is_accepted_with_the_first_message(server: Server) -> None:
    there = server.service.rooms["!policy:wirewatch.test"]
    there.members.discard(matrix.ME)
    with pytest.raises(ports.Parked, match="invite the bot's account") as caught:
        await room(server).send(delivery(messages.POST))
    assert not caught.value.whole_workspace
    there.invited.add(matrix.ME)
    await room(server).send(delivery(messages.POST))
    assert len(server.service.messages("policy")) == 1


async def test_a_thread_or_message_elsewhere_or_gone_is_left(server: Server) -> None:
    elsewhere = model.Receipt(ref="$1", place="!other:wirewatch.test", sent_at=BEGINNING)
    gone = replace(elsewhere, place="!policy:wirewatch.test")
    for receipt in (elsewhere, gone):
        with pytest.raises(ports.ThreadGone):
            await room(server).send(delivery(messages.NEW_FACT, reply_to=receipt))
        with pytest.raises(ports.NotEditable):
            await room(server).send(delivery(messages.EDIT, edits=receipt))
    with pytest.raises(ports.ThreadGone):
        await room(server).find(delivery(messages.NEW_FACT, reply_to=elsewhere), since=BEGINNING)


# -- what breaks on the way


@pytest.mark.parametrize("fault", ["500", "500_after", "reset", "reset_after", "hang", "garbage", "garbage_after"])
async def test_no_clear_answer_is_unknown_and_a_look_tells(server: Server, fault: str) -> None:
    server.hang_seconds = 0.05
    server.fail("post", fault)
    desk = room(server)
    with pytest.raises(ports.Unknown):
        await desk.send(delivery(messages.POST))
    assert server.asked("post") == 1
    found = await desk.find(delivery(messages.POST), since=BEGINNING)
    assert (found is not None) is fault.endswith("_after")
    again = await desk.send(delivery(messages.POST))
    assert found is None or found.ref == again.ref
    assert len(server.service.messages("policy")) == 1


async def test_a_look_follows_pages_and_is_not_misled_by_edits_and_stops_at_its_time(server: Server) -> None:
    server.service.page = 3
    desk = room(server)
    head = await desk.send(delivery(messages.POST, id="head"))
    for number in range(8):
        await desk.send(delivery(messages.EDIT, id=f"edit-{number}", edits=head))
        await desk.send(delivery(messages.NEW_FACT, id=f"reply-{number}", reply_to=head))
    found = await desk.find(delivery(messages.POST, id="head"), since=BEGINNING)
    assert found is not None
    assert (found.ref, found.place, found.thread) == (head.ref, head.place, "")
    reply = await desk.find(delivery(messages.NEW_FACT, id="reply-3", reply_to=head), since=BEGINNING)
    assert reply is not None
    assert reply.thread == head.ref
    assert await desk.find(delivery(messages.EDIT, id="edit-3"), since=BEGINNING) is None
    assert await desk.find(delivery(messages.POST, id="other"), since=BEGINNING) is None
    before = server.asked("messages")
    assert await desk.find(delivery(messages.POST, id="other"), since=datetime(2999, 1, 1, tzinfo=UTC)) is None
    assert server.asked("messages") == before + 1


async def test_a_limit_is_waited_for_as_long_as_the_server_says(server: Server) -> None:
    server.fail("post", "429")
    with pytest.raises(ports.Wait) as caught:
        await room(server).send(delivery(messages.POST))
    assert caught.value.after is not None
    assert caught.value.after.total_seconds() == 2
    server.fail("post", Answer(429, {"errcode": "M_LIMIT_EXCEEDED", "error": "", "retry_after_ms": 1500}))
    with pytest.raises(ports.Wait) as caught:
        await room(server).send(delivery(messages.POST))
    assert caught.value.after is not None
    assert caught.value.after.total_seconds() == 1.5


@pytest.mark.parametrize("code", errors.TABLE)
async def test_every_code_of_the_table_is_followed(server: Server, code: str) -> None:
    act, advice = errors.TABLE[code]
    server.fail("post", refusal(code, 429 if code == "M_LIMIT_EXCEEDED" else 403))
    server.service.rooms["!policy:wirewatch.test"].members.discard(matrix.ME)
    with pytest.raises(ports.SendError) as caught:
        await room(server).send(delivery(messages.POST))
    kinds = {"wait": ports.Wait, "send": ports.TooMuch, "keep": ports.Parked}
    assert type(caught.value) is kinds[str(act).split()[0]]
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("value", "words"), [("", "empty"), ("wrong-t0ken", "M_UNKNOWN_TOKEN.*access token"), ("a b", "cannot have")]
)
async def test_a_wrong_token_parks_every_room_of_it_without_showing_it(
    server: Server, value: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ports.Parked, match=words) as caught:
        await room(server, token=value).send(delivery(messages.POST))
    assert not value or value not in f"{caught.value} {caplog.text}"


async def test_check_says_what_is_right_and_what_to_do(server: Server) -> None:
    assert all(line.is_good for line in await room(server).check())
    [line] = await room(server, token="wrong").check()
    assert "copy its new access token into what `token:` names" in line.help
    *_, line = await room(server, to="#nowhere:wirewatch.test").check()
    assert "check `room:` in bot.yaml" in line.help
    there = server.service.rooms["!policy:wirewatch.test"]
    there.needed, there.is_encrypted = 50, True
    bad = {line.what: line.help for line in await room(server).check() if not line.is_good}
    assert "its power level is 0, and messages need 50" in bad[f"{matrix.ME} may send there"]
    assert "make a room without encryption" in bad["the room is not encrypted"]
    there.members.discard(matrix.ME)
    *_, line = await room(server).check()
    assert "invite the bot's account" in line.help
    there.invited.add(matrix.ME)
    there.needed, there.is_encrypted = 0, False
    assert all(line.is_good for line in await room(server).check()), "it accepts the invitation"
    assert server.service.messages("policy") == []


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"server": "matrix.example.org"}, "homeserver's address"),
        ({"server": "https://matrix.example.org/_matrix/client"}, "homeserver's address"),
        ({"room": "policy"}, "give a room"),
        ({"room": "#policy"}, "give a room"),
        ({"room": "#a b:example.org"}, "give a room"),
        ({"room": ""}, "give a room"),
    ],
)
def test_a_key_that_cannot_be_meant_is_refused_in_words(keys: dict[str, Any], words: str) -> None:
    written = {"server": "https://matrix.example.org", "room": "!a:example.org", "token": "env:A", **keys}
    with pytest.raises(ValueError, match=words):
        channels.options()["matrix"].model_validate(written)
