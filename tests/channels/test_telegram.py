"""Telegram, against a server that refuses what Telegram refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot import channels
from bot.channels.kit import menu
from bot.model.actions import Useful
from bot.model.channels import ActionResult, Channel, Person
from bot.model.errors import ChannelClosed, NotEditable, ThreadGone
from bot.testing import messages
from tests.channels.context import delivery, faults
from tests.channels.listening import FakeApp, until
from tests.channels.listening import listening as listen
from tests.channels.services import TELEGRAM, server_of
from tests.testbed.fakes import START, FakeClock, MemoryKeyValues
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


# -- buttons, and their presses


@asynccontextmanager
async def listening(server: Server, *others: Channel, **keys: Any) -> AsyncIterator[FakeApp]:
    """Post a story with buttons, and listen for presses under it."""
    channel = bot(server, buttons=True, **keys)
    await channel.send(delivery(messages.POST))
    [listener] = channels.listeners([channel, *others])
    assert listener.is_alone
    app = FakeApp(result=ActionResult(text="Useful for everybody. " + "x" * 300))
    async with listen(listener, app):
        yield app


def buttons(server: Server, number: int = 0) -> list[str]:
    return [button["text"] for row in server.service.messages()[number]["markup"] for button in row]


async def test_a_story_has_three_buttons_and_other_messages_have_none(server: Server) -> None:
    channel = bot(server, buttons=True)
    head = await channel.send(delivery(messages.POST))
    assert buttons(server) == ["Useful", "Noise", "More…"]
    for message in (messages.NEW_FACT, messages.LISTING, messages.NOTICE):
        await channel.send(delivery(message, reply_to=head if message is messages.NEW_FACT else None))
    assert [buttons(server, number) for number in (1, 2, 3)] == [[], [], []]
    await channel.send(delivery(messages.MERGED, edits=head))
    assert buttons(server) == []
    await bot(server).send(delivery(messages.POST))
    assert buttons(server, -1) == []


async def test_a_press_is_kept_confirmed_and_answered_and_another_form_is_passed_over(server: Server) -> None:
    async with listening(server) as app:
        for data in ("explode:abc", "useful:", "useful:a b", "useful:" + "x" * 51, "other", "useful:a\n", "split:abc"):
            server.service.send(data, server.service.messages()[0])
        server.service.press()
        server.service.press(person=78, name=None)
        await until(lambda: not server.service.updates)
    first, second = app.presses
    assert (first.person, first.action) == (Person(id="77", name="@ann_desk"), Useful())
    assert (first.story, first.place, first.ref) == (messages.STORY, str(telegram.NEWS), "1")
    assert (second.person.id, second.person.name, second.id == first.id) == ("78", "Ann", False)
    assert "Useful for everybody" in server.service.answers[-1]
    assert all(len(answer) <= 200 for answer in server.service.answers)
    assert app.changes == [None]


async def test_a_press_that_could_not_be_kept_comes_again(server: Server) -> None:
    async with listening(server) as app:
        app.fails = True
        server.service.press()
        await until(lambda: server.asked("ask") > 3)
        assert server.service.updates
        app.fails = False
        await until(lambda: app.presses)
    assert len(app.presses) == 1


async def test_who_is_not_in_may_act_is_barred_in_that_chat(server: Server) -> None:
    server.service.add_chat(-1007, "Duty")
    async with listening(server, bot(server, buttons=True, to="-1007"), may_act="78") as app:
        server.service.press(person=77)
        server.service.press(person=78)
        await until(lambda: len(app.presses) == 2)
    assert [press.person.barred for press in app.presses] == [frozenset({"desk"}), frozenset()]


async def test_more_shows_what_else_can_be_done_and_back_shows_the_buttons_again(server: Server) -> None:
    async with listening(server) as app:
        server.service.press("More…")
        await until(lambda: "‹ Back" in buttons(server))
        assert "Silence this story here" in buttons(server)
        assert "Why was this posted?" in buttons(server)
        data = [button["callback_data"] for row in server.service.messages()[0]["markup"] for button in row]
        for item in data[:-1]:
            server.service.send(item, server.service.messages()[0])
        await until(lambda: len(app.presses) == len(data))
        server.service.press("‹ Back")
        await until(lambda: "‹ Back" not in buttons(server))
    assert buttons(server) == ["Useful", "Noise", "More…"]
    expected = [choice.action for choice in menu.more_choices(messages.GROWN, [messages.RULE])]
    assert [press.action for press in app.presses[1:-1]] == expected


async def test_another_program_with_the_same_bot_is_reported_with_what_to_do_until_it_stops(server: Server) -> None:
    words = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    server.fail("ask", telegram.Refused(409, words).answer)
    server.service.webhook = "https://other.example/hook"
    async with listening(server) as app:
        await until(lambda: len(app.changes) > 1)
        *_, line = await bot(server, buttons=True).check()
        server.service.webhook = ""
        await until(lambda: None in app.changes)
    getting, having_webhook = str(app.changes[0]), str(app.changes[1])
    assert "conflict with another getUpdates request; another program" in getting
    assert "conflict with a webhook; another program receives the updates of this bot" in having_webhook
    assert telegram.TOKEN not in having_webhook
    assert not line.is_good
    assert "a separate bot" in line.help
    assert await faults(bot(server, buttons=True)) == {}


async def test_a_server_that_answers_at_once_is_asked_once_a_second(server: Server) -> None:
    clock = FakeClock()
    async with listening(server, clock=clock):
        await until(lambda: server.asked("ask") >= 20)
        request, began = server.asked("ask"), clock.now()
    assert (began - START).total_seconds() >= request - 2, "the clock advances only by sleeping"
