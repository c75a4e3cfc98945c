"""Discord by a bot's token and by webhook, against a server that refuses what Discord refuses, and its Markdown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.discord import escape
from bot.model.channels import Channel
from bot.model.errors import ChannelClosed, OutcomeUnknown, RetryLater, ThreadGone
from bot.testing import hostile, messages
from tests.channels.context import Secrets, build, delivery, faults
from tests.channels.services import BEGINNING, DISCORD, DISCORD_HOOK_KEY, server_of
from tests.testbed.servers import discord, faulty

Server = faulty.Server[discord.Guild]
bot = DISCORD.channel

server = server_of(DISCORD)


def hook(server: Server, key: str = DISCORD_HOOK_KEY) -> Channel:
    return build("discord", secrets=Secrets(HOOK=f"{server.url}/api/webhooks/{key}"), webhook="env:HOOK")


async def test_a_message_has_its_address_in_both_modes_and_without_one_it_is_sent_all_the_same(server: Server) -> None:
    for channel, number in ((bot(server), "1"), (hook(server), "2")):
        receipt = await channel.send(delivery(messages.POST, id=number))
        assert receipt.link == f"https://discord.com/channels/{discord.GUILD_ID}/{server.service.news}/{receipt.ref}"
        results = [kind for kind, _ in server.requests]
        await channel.send(delivery(messages.POST, id=f"{number} again"))
        assert [kind for kind, _ in server.requests[len(results) :]] == ["post"], "the server is looked up once"
    for channel, number in ((bot(server), "3"), (hook(server), "4")):
        server.fail("ask", "500")
        assert (await channel.send(delivery(messages.POST, id=number))).link == ""
    assert len(server.service.everything()) == 6


async def test_the_thread_of_a_story_has_its_headline_and_is_started_once(server: Server) -> None:
    channel = bot(server)
    head = await channel.send(delivery(messages.POST))
    await channel.send(delivery(messages.NEW_FACT, id="send-3", reply_to=head))
    await channel.send(delivery(messages.CORRECTION, id="send-4", reply_to=head))
    [shown] = server.service.messages(server.service.news)
    assert shown["thread"]["name"].startswith("BlackBerry to leave Pakistan")
    assert server.asked("start a thread") == 1, "once, as long as it is remembered"
    await bot(server).send(delivery(messages.CORROBORATION, id="send-5", reply_to=head))
    assert len(server.service.messages(head.ref)) == 3, "after a start it is found to exist"


async def test_an_empty_history_is_believed_only_with_the_right_to_read_it(server: Server) -> None:
    channel = bot(server)
    assert await channel.find(delivery(messages.POST), since=BEGINNING) is None
    await channel.send(delivery(messages.POST))
    server.service.rights &= ~discord.HISTORY
    assert channel.abilities.lookup
    with pytest.raises(OutcomeUnknown, match="Read Message History"):
        await channel.find(delivery(messages.POST), since=BEGINNING)
    assert not channel.abilities.lookup


async def test_a_bucket_that_is_empty_is_not_asked_and_no_message_is_refused_for_its_pace() -> None:
    with faulty.serve(discord.Guild(limit=(2, 30.0))) as server:
        channel = bot(server)
        for number in range(2):
            await channel.send(delivery(messages.NOTICE, id=f"{number}"))
        with pytest.raises(RetryLater) as caught:
            await channel.send(delivery(messages.NOTICE, id="3"))
        assert caught.value.retry_after is not None
        assert 25 < caught.value.retry_after.total_seconds() <= 30
        assert caught.value.whole_channel
        assert server.asked("post") == 2


@pytest.mark.parametrize("code", [10003, 10008, 50013, 50083, 160005, 160006])
async def test_where_no_thread_can_be_had_the_reply_goes_to_the_channel(server: Server, code: int) -> None:
    channel = bot(server)
    head = await channel.send(delivery(messages.POST))
    server.fail("start a thread", faulty.Answer(400, {"message": "…", "code": code}))
    with pytest.raises(ThreadGone):
        await channel.send(delivery(messages.NEW_FACT, id="send-2", reply_to=head))


# -- what send-test says


async def test_a_wrong_token_an_unknown_channel_and_a_missing_right_say_what_to_click(server: Server) -> None:
    assert await faults(bot(server)) == {}
    assert not server.service.everything(), "a check posts nothing"
    [fault] = (await faults(bot(server, secret="wrong"))).values()
    assert "Reset Token" in fault
    [fault] = (await faults(bot(server, to="999999999999999999"))).values()
    assert "Copy Link" in fault
    server.service.rights &= ~discord.CREATE_THREADS
    assert await faults(bot(server)) == {
        "permission Create Public Threads": "needed for the thread of a story: right-click the channel, Edit Channel, "
        "Permissions, and allow it for the bot's role"
    }
    server.service.rights = 0
    [fault] = (await faults(bot(server))).values()
    assert "View Channel" in fault


async def test_a_deleted_and_a_mistyped_webhook_say_what_to_click(server: Server) -> None:
    assert await faults(hook(server)) == {}
    for key, meaning in (("400000000000000009/x", "unknown webhook"), ("400000000000000001/x", "invalid webhook")):
        [fault] = (await faults(hook(server, key))).values()
        assert meaning in fault
        assert "Integrations, Webhooks" in fault
        with pytest.raises(ChannelClosed, match=meaning):
            await hook(server, key).send(delivery(messages.POST))


async def test_a_webhook_of_a_thread_keeps_its_thread_and_that_of_a_forum_parks(server: Server) -> None:
    await hook(server, f"{DISCORD_HOOK_KEY}?thread_id=5").send(delivery(messages.POST))
    _, request = server.requests[-1]
    assert request.query == {"thread_id": "5", "wait": "true"}
    server.service.channels[server.service.news].type = 15
    with pytest.raises(ChannelClosed, match="text channel"):
        await hook(server).send(delivery(messages.POST))


# -- text of strangers


async def test_what_a_look_finds_a_message_by_is_not_shown(server: Server) -> None:
    channel = bot(server)
    for sent in (delivery(messages.POST, id="send-1"), delivery(messages.NOTICE, id="send-2")):
        await channel.send(sent)
        assert not re.search(r"\b[0-9a-f]{8}\b", DISCORD.shown(server)[-1].text)
        assert await channel.find(sent, since=BEGINNING) is not None


FRAGMENTS = (
    *(*hostile.PINGS, "@here", "<@&1>", "discord.gg/x", "https://x.example/_a_", "<t:1>", ":smile:", "[a](b)"),
    *("**", "~~", "`", "||", "> ", "# ", "- ", "1. ", "\\"),
    *("مرحبا", "\U0001f469\u200d\U0001f467", "e\u0301"),
)
TEXT = st.text() | st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)


@given(TEXT)
def test_every_mark_of_discords_markdown_is_escaped(text: str) -> None:
    escaped = escape(text)
    assert not discord.MENTION.search(escaped)
    # After a backslash a mark is a character.
    bare = re.sub(r"\\.", ".", escaped)
    assert not set("*_~`|<>[]/") & set(bare)
    assert not bare.lstrip().startswith(("#", "-", "+"))
    assert escaped.replace("\\", "").replace("\u2060", "") == text.replace("\\", "").replace("\u2060", "")
