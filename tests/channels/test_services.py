"""The behaviour of every chat service's channel, against a strict local server of that service."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.channels.kit import errors
from bot.model.errors import ChannelClosed, NotEditable, OutcomeUnknown, RetryLater, ThreadGone
from bot.model.messages import Mention, Message, Post, Receipt, Sentence, Span
from bot.testing import hostile, messages
from tests.channels.context import delivery
from tests.channels.services import BEGINNING, DISCORD, MATTERMOST, SERVICES, SLACK, TELEGRAM, Service

every_service = pytest.mark.parametrize("service", SERVICES, ids=str)
services_with_threads = pytest.mark.parametrize(
    "service", [service for service in SERVICES if service.threads], ids=str
)


@every_service
async def test_every_message_of_the_example_is_accepted_in_full_and_as_plain_text(service: Service) -> None:
    with service.serve() as server:
        channel = service.channel(server)
        for is_plain in (False, True):
            for name, message in messages.ALL.items():
                await channel.send(delivery(message, id=f"{name} {is_plain}", is_plain=is_plain))
        assert len(service.shown(server)) == 2 * len(messages.ALL)


@services_with_threads
async def test_an_edit_replaces_the_message_and_replies_stand_in_its_thread(service: Service) -> None:
    with service.serve() as server:
        channel = service.channel(server)
        head = await channel.send(delivery(messages.POST))
        await channel.send(delivery(messages.EDIT, id="send-2", edits=head))
        reply = await channel.send(delivery(messages.NEW_FACT, id="send-3", reply_to=head))
        # Threads do not nest; a Telegram chat has only replies.
        nested = reply if service.looks else head
        await channel.send(delivery(messages.CORRECTION, id="send-4", reply_to=nested))
        first, *replies = service.shown(server)
    assert first.edits == 1
    assert "2 outlets and 1 copy" in first.text
    assert [reply.thread for reply in replies] == [head.ref, head.ref]


@pytest.mark.parametrize(
    ("service", "step"),
    [
        *((service, 16) for service in SERVICES if not service.mode),
        *(pytest.param(service, 1, marks=pytest.mark.long) for service in SERVICES),
    ],
    ids=str,
)
async def test_whatever_a_feed_says_is_accepted_as_text_and_notifies_nobody(service: Service, step: int) -> None:
    others = [
        *hostile.ALL,
        *hostile.every_kind(f"\u202eevil {service.mentions} " * 2_000, messages.WIRE),
        *hostile.every_kind('\\`*_[]()#&"<' * 9_000, messages.WIRE, many=60),
    ]
    marked = hostile.every_kind(service.mentions, f"https://x.example/{service.mentions}")
    hostile_messages = [*marked, *others[::step]]
    with service.serve() as server:
        channel = service.channel(server, **service.buttons)
        for number, message in enumerate(hostile_messages):
            await channel.send(delivery(message, id=f"plain {number}", is_plain=True))
            head = await channel.send(delivery(message, id=f"send {number}"))
            if channel.abilities.edits:
                await channel.send(delivery(message, id=f"edit {number}", edits=head))
        shown = service.shown(server)
        assert len(shown) == 2 * len(hostile_messages)
        assert service.notified(server) == []
    assert not hostile.CONTROL & set("".join(message.text for message in shown))


@pytest.mark.parametrize("service", [service for service in SERVICES if service.looks], ids=str)
async def test_a_message_is_found_among_many_in_its_channel_or_thread_from_a_time_on(service: Service) -> None:
    with service.serve() as server:
        service.shorten_pages(server)
        channel = service.channel(server)
        head = await channel.send(delivery(messages.POST, id="head"))
        reply = await channel.send(delivery(messages.NEW_FACT, id="reply", reply_to=head))
        for number in range(1, 120):
            await channel.send(delivery(messages.NOTICE, id=f"top {number}"))

        async def find(name: str, *, since: datetime = BEGINNING, in_thread: bool = False) -> Receipt | None:
            return await channel.find(
                delivery(messages.NOTICE, id=name, reply_to=head if in_thread else None), since=since
            )

        result, found_reply = await find("head"), await find("reply", in_thread=True)
        assert result is not None
        assert (result.ref, result.place, result.thread) == (head.ref, head.place, "")
        assert found_reply is not None
        assert (found_reply.ref, found_reply.thread) == (reply.ref, head.ref)
        assert await find("top 119") is not None
        for name, in_thread in (("other", False), ("other", True)):
            assert await find(name, in_thread=in_thread) is None, name
        looks = len(server.requests)
        assert await find("top 3", since=datetime(2999, 1, 1, tzinfo=UTC)) is None
        assert len(server.requests) <= looks + 2, "the pages before that time are left alone"


@pytest.mark.parametrize("service", [service for service in SERVICES if not service.threads], ids=str)
async def test_the_reduced_mode_says_so_and_its_replies_name_their_story(service: Service) -> None:
    with service.serve() as server:
        channel = service.channel(server)
        assert (channel.abilities.threads, channel.abilities.lookup) == (False, False)
        reduced, *others = await channel.check()
        assert "reduced mode" in reduced.what
        assert all(line.is_good for line in others)
        assert service.shown(server) == []
        head = await channel.send(delivery(messages.POST))
        await channel.send(delivery(messages.NEW_FACT, id="send-2"))
        assert "BlackBerry to leave Pakistan" in service.shown(server)[-1].text
        if channel.abilities.edits:
            await channel.send(delivery(messages.EDIT, id="send-3", edits=head))
            assert [message.edits for message in service.shown(server)] == [1, 0]
        with pytest.raises(ChannelClosed, match="https://"):
            await service.channel(server, "hooks.example/x").send(delivery(messages.POST))


@services_with_threads
async def test_a_message_that_is_deleted_or_of_another_channel_is_neither_edited_nor_answered(service: Service) -> None:
    with service.serve() as server:
        channel = service.channel(server)
        head = await channel.send(delivery(messages.POST))

        async def check_out_of_reach(receipt: Receipt) -> None:
            with pytest.raises(ThreadGone):
                await channel.send(delivery(messages.NEW_FACT, id="send-2", reply_to=receipt))
            with pytest.raises(NotEditable):
                await channel.send(delivery(messages.EDIT, id="send-3", edits=receipt))

        elsewhere = replace(head, place="elsewhere")
        await check_out_of_reach(elsewhere)
        if service.looks:
            with pytest.raises(ThreadGone):
                await channel.find(delivery(messages.NEW_FACT, reply_to=elsewhere), since=BEGINNING)
        assert len(service.shown(server)) == 1
        if service.delete is not None:
            service.delete(server, head)
            await check_out_of_reach(head)
        await channel.send(delivery(messages.NEW_FACT, id="send-2"))
        assert "BlackBerry to leave Pakistan" in service.shown(server)[-1].text, "it names its story"


@every_service
async def test_an_unclear_answer_leaves_the_outcome_unknown_and_a_lookup_finds_it(service: Service) -> None:
    faults = ["500", "500_after", "reset", "reset_after", "hang", "garbage", "garbage_after"]
    with service.serve() as server:
        server.hang_seconds = 0.05
        channel = service.channel(server)
        head = await channel.send(delivery(messages.POST, id="head"))
        for fault, reply_to in itertools.product(faults, (None, head) if service.threads else (None,)):
            message = messages.NEW_FACT if reply_to else messages.POST
            sent = delivery(message, id=f"{fault} {message.kind}", reply_to=reply_to)
            posts = service.posts(server)
            server.fail(service.post, fault)
            with pytest.raises(OutcomeUnknown):
                await channel.send(sent)
            assert service.posts(server) == posts + 1
            if not service.looks:
                with pytest.raises(OutcomeUnknown):
                    await channel.find(sent, since=BEGINNING)
                continue
            receipt = await channel.find(sent, since=BEGINNING)
            assert (receipt is not None) is fault.endswith("_after"), fault
            assert receipt is None or receipt.thread == (head.ref if sent.reply_to else "")
            if channel.abilities.idempotent:
                repeated = await channel.send(sent)
                assert receipt is None or receipt.ref == repeated.ref


@every_service
async def test_after_a_limit_the_channel_waits_as_long_as_the_service_says(service: Service) -> None:
    with service.serve() as server:
        server.fail(service.post, "429")
        channel = service.channel(server)
        with pytest.raises(RetryLater) as caught:
            await channel.send(delivery(messages.POST))
        assert caught.value.retry_after == timedelta(seconds=service.wait_seconds)
        assert caught.value.whole_channel
        if service in (SLACK, DISCORD, TELEGRAM):
            with pytest.raises(RetryLater):
                await channel.send(delivery(messages.POST))
        assert service.posts(server) == 1, "nothing is asked before the end of the wait"


@pytest.mark.parametrize(
    ("service", "doing", "message"),
    [
        (SLACK, "chat.update", messages.EDIT),
        (DISCORD, "edit", messages.EDIT),
        (DISCORD, "start a thread", messages.NEW_FACT),
    ],
    ids=["slack edit", "discord edit", "discord thread"],
)
async def test_where_edits_and_threads_must_wait_the_channel_goes_on(
    service: Service, doing: str, message: Message
) -> None:
    with service.serve() as server:
        channel = service.channel(server)
        head = await channel.send(delivery(messages.POST))
        edits, reply_to = (head, None) if message is messages.EDIT else (None, head)
        server.fail(doing, "429")
        with pytest.raises(RetryLater) as caught:
            await channel.send(delivery(message, id="send-2", edits=edits, reply_to=reply_to))
        assert not caught.value.whole_channel
        await channel.send(delivery(messages.NOTICE, id="send-3"))


@pytest.mark.parametrize("service", [service for service in SERVICES if service.codes], ids=str)
async def test_each_code_of_a_service_has_its_consequence_and_says_what_the_operator_must_do(service: Service) -> None:
    with service.serve() as server:
        for code, (act, advice) in service.codes.items():
            expected = errors.send_error(act, "")
            server.recover()
            server.fail(service.post, service.refusal(code, act), times=2)
            with pytest.raises(type(expected)) as caught:
                await service.channel(server).send(delivery(messages.POST))
            assert advice in str(caught.value), code
            if isinstance(expected, ChannelClosed):
                assert advice, code
                assert isinstance(caught.value, ChannelClosed)
                assert caught.value.whole_workspace is expected.whole_workspace, code


@services_with_threads
@pytest.mark.parametrize("token", ["", "wr0ng-t0ken", "a b", "secret\nline"])
async def test_a_wrong_token_parks_every_channel_that_uses_it_and_is_not_shown(
    service: Service, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with service.serve() as server:
        with pytest.raises(ChannelClosed) as caught:
            await service.channel(server, token).send(delivery(messages.POST))
        assert service.shown(server) == []
    assert caught.value.whole_workspace or token != "wr0ng-t0ken"
    assert not token or token not in f"{caught.value} {caplog.text}"


@pytest.mark.parametrize(
    ("service", "rooms"),
    [(SLACK, lambda server: server.workspace), (MATTERMOST, lambda server: server.service)],
    ids=["slack", "mattermost"],
)
async def test_an_archived_channel_that_has_a_successor_of_its_name_is_left_for_it(
    service: Service, rooms: Callable[[Any], Any]
) -> None:
    with service.serve() as server:
        channel = service.channel(server)
        first = await channel.send(delivery(messages.NOTICE))
        rooms(server).channels[first.place].is_archived = True
        with pytest.raises(ChannelClosed, match="unarchive"):
            await channel.send(delivery(messages.NOTICE, id="send-2"))
        successor = rooms(server).add_channel("policy-alerts")
        assert (await channel.send(delivery(messages.NOTICE, id="send-2"))).place == successor.id


# -- people whom the configuration mentions


ASKING = Sentence(
    spans=(Span(text="Ask @duty, @ann, <@123456789012345678> and <!subteam^S012ABCDEF>"),),
    outlet="@ann",
    link="https://evil.example/@ann",
)


def message_for(*ids: str) -> Post:
    mentions = tuple(Mention(name=f"duty{number}", id=person) for number, person in enumerate(ids))
    return replace(messages.POST, story=replace(messages.POST.story, title=ASKING), mentions=mentions)


@pytest.mark.parametrize(
    ("service", "ids", "notified"),
    [
        (
            SLACK,
            ["U0AMINA", "S012ABCDEF", "here"],
            [
                {"type": "user", "user_id": "U0AMINA"},
                {"type": "usergroup", "usergroup_id": "S012ABCDEF"},
                {"type": "broadcast", "range": "here"},
            ],
        ),
        (
            DISCORD,
            ["123456789012345678", "&223456789012345678"],
            ["<@123456789012345678>", "<@&223456789012345678>"],
        ),
        (MATTERMOST, ["ann"], ["@ann"]),
        (TELEGRAM, ["@ann_desk"], ["@ann_desk"]),
    ],
    ids=lambda value: str(value) if isinstance(value, Service) else "",
)
async def test_those_whom_the_configuration_mentions_are_notified_and_whom_the_channel_does_not_know_is_named(
    service: Service, ids: list[str], notified: list[Any]
) -> None:
    with service.serve() as server:
        channel = service.channel(server)
        await channel.send(delivery(message_for(*ids)))
        assert service.notified(server) == notified
        for is_plain in (False, True):
            await channel.send(delivery(message_for(""), id=f"unknown {is_plain}", is_plain=is_plain))
            assert "duty0" in service.shown(server)[-1].text or is_plain
        assert service.notified(server) == notified
