"""Telegram, against a server that refuses what Telegram refuses."""

from __future__ import annotations

import pytest

from bot.model.channels import Channel
from bot.model.errors import ChannelClosed, NotEditable, ThreadGone
from bot.testing import messages
from tests.channels.context import delivery
from tests.channels.services import TELEGRAM, server_of
from tests.testbed.fakes import MemoryKeyValues
from tests.testbed.servers import faulty, telegram

Server = faulty.Server[telegram.BotApi]
bot = TELEGRAM.channel

server = server_of(TELEGRAM)


async def test_a_message_has_its_address_where_telegram_gives_one(server: Server) -> None:
    server.service.add_chat(-1007, "Open", type="channel", name="open_news")
    server.service.add_chat(77, "Ann", type="private")
    server.service.add_chat(-78, "Few", type="group")
    links = {to: (await bot(server, to=to).send(delivery(messages.POST))).link for to in ("@open_news", "77", "-78")}
    assert links == {"@open_news": "https://t.me/open_news/1", "77": "", "-78": ""}
    assert (await bot(server).send(delivery(messages.POST))).link == "https://t.me/c/1234567890/1"


async def test_an_edit_that_changes_nothing_is_no_error(server: Server) -> None:
    channel = bot(server)
    head = await channel.send(delivery(messages.POST))
    for _ in range(2):
        await channel.send(delivery(messages.EDIT, id="send-2", edits=head))
    assert [message["edits"] for message in server.service.messages()] == [1]


async def test_a_group_that_became_a_supergroup_is_followed_and_remembered(server: Server) -> None:
    old = server.service.add_chat(-555, "Old", type="group")
    key_values = MemoryKeyValues()
    channel = bot(server, to="-555", key_values=key_values)
    head = await channel.send(delivery(messages.POST))
    old.moved_to = telegram.NEWS
    with pytest.raises(NotEditable, match="supergroup"):
        await channel.send(delivery(messages.EDIT, edits=head))
    receipt = await channel.send(delivery(messages.NOTICE))
    assert receipt.place == str(telegram.NEWS)
    with pytest.raises(ThreadGone):
        await channel.send(delivery(messages.NEW_FACT, reply_to=head))
    server.requests.clear()
    await bot(server, to="-555", key_values=key_values).send(delivery(messages.NOTICE))
    assert [request.body["chat_id"] for _, request in server.requests] == [str(telegram.NEWS)]


async def test_a_public_channel_is_named_and_resolved_once(server: Server) -> None:
    server.service.add_chat(-1009, "Policy", type="channel", name="policy_news")
    channel = bot(server, to="@policy_news")
    head = await channel.send(delivery(messages.POST))
    await channel.send(delivery(messages.EDIT, edits=head))
    assert head.place == "-1009"
    assert server.asked("ask") == 1


async def test_messages_go_to_the_configured_topic_of_a_group(server: Server) -> None:
    server.service.chats[telegram.NEWS].topics = (7,)
    await bot(server, topic=7).send(delivery(messages.POST))
    assert server.service.messages()[0]["topic"] == 7
    with pytest.raises(ChannelClosed, match="topic:"):
        await bot(server, topic=8).send(delivery(messages.POST))


# -- what send-test says


async def faults(channel: Channel) -> dict[str, str]:
    return {line.what: line.help for line in await channel.check() if not line.is_good}


async def test_check_says_what_is_right_and_what_to_correct_in_an_unknown_chat(server: Server) -> None:
    assert [(line.what, line.is_good) for line in await bot(server).check()] == [
        ("the token belongs to @wirewatch_bot", True),
        ("the chat is News", True),
        ("the bot may post there", True),
    ]
    assert server.service.messages() == []
    for to in ("-42", "@nobody_here"):
        [fault] = (await faults(bot(server, to=to))).values()
        assert "`to:`" in fault


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("supergroup", "left", "add the bot"),
        ("supergroup", "restricted", "Administrators"),
        ("supergroup", "member", "Administrators"),
        ("channel", "member", "Administrators"),
        ("channel", "administrator", "Administrators"),
        ("private", "member", "press Start"),
    ],
)
async def test_a_missing_right_says_what_to_click_before_and_while_it_sends(
    server: Server, kind: str, status: str, words: str
) -> None:
    chat = server.service.chats[telegram.NEWS]
    chat.type, chat.status, chat.can_send = kind, status, False
    if kind != "private":
        [fault] = (await faults(bot(server))).values()
        assert words in fault
    with pytest.raises(ChannelClosed, match=words):
        await bot(server).send(delivery(messages.POST))
