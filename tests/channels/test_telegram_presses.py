"""The buttons under a story in Telegram, and their presses, against a server that refuses what Telegram refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot import channels
from bot.channels.kit import menu
from bot.model.actions import Useful
from bot.model.channels import ActionResult, Channel, Person
from bot.testing import messages
from tests.channels.context import delivery
from tests.channels.listening import FakeApp, until
from tests.channels.listening import listening as listen
from tests.channels.services import TELEGRAM
from tests.testbed.fakes import START, FakeClock
from tests.testbed.servers import faulty, telegram

Server = faulty.Server[telegram.BotApi]


@pytest.fixture
def server() -> Iterator[Server]:
    with faulty.serve(telegram.BotApi()) as running:
        yield running


def bot(server: Server, **changes: Any) -> Channel:
    return TELEGRAM.channel(server, **{"buttons": True, **changes})


@asynccontextmanager
async def listening(*chats: Any) -> AsyncIterator[FakeApp]:
    [listener] = channels.listeners(chats)
    assert listener.is_alone
    app = FakeApp(result=ActionResult(text="Useful for everybody. " + "x" * 300))
    async with listen(listener, app):
        yield app


def buttons(server: Server, number: int = 0) -> list[str]:
    return [button["text"] for row in server.service.messages()[number]["markup"] for button in row]


async def test_a_story_has_three_buttons_and_other_messages_have_none(server: Server) -> None:
    channel = bot(server)
    head = await channel.send(delivery(messages.POST))
    assert buttons(server) == ["Useful", "Noise", "More…"]
    for message in (messages.NEW_FACT, messages.LISTING, messages.NOTICE):
        await channel.send(delivery(message, reply_to=head if message is messages.NEW_FACT else None))
    assert [buttons(server, number) for number in (1, 2, 3)] == [[], [], []]
    await channel.send(delivery(messages.MERGED, edits=head))
    assert buttons(server) == []
    await bot(server, buttons=False).send(delivery(messages.POST))
    assert buttons(server, -1) == []


async def test_a_press_is_kept_confirmed_and_answered_to_the_one_who_pressed(server: Server) -> None:
    channel = bot(server)
    await channel.send(delivery(messages.POST))
    async with listening(channel) as app:
        server.service.press()
        await until(lambda: server.service.answers)
        server.service.press(person=78, name=None)
        await until(lambda: not server.service.updates)
    first, second = app.presses
    assert (first.person, first.action, first.story) == (
        Person(id="77", name="@ann_desk"),
        Useful(),
        messages.STORY,
    )
    assert (first.place, first.ref) == (str(telegram.NEWS), "1")
    assert (second.person.id, second.person.name, second.id == first.id) == ("78", "Ann", False)
    assert all(len(answer) <= 200 for answer in server.service.answers)
    assert app.changes == [None]


async def test_a_press_that_could_not_be_kept_comes_again(server: Server) -> None:
    channel = bot(server)
    await channel.send(delivery(messages.POST))
    async with listening(channel) as app:
        app.fails = True
        server.service.press()
        await until(lambda: server.asked("ask") > 3)
        assert server.service.updates
        app.fails = False
        await until(lambda: app.presses)
    assert len(app.presses) == 1


async def test_a_press_of_another_form_is_passed_over(server: Server) -> None:
    channel = bot(server)
    await channel.send(delivery(messages.POST))
    async with listening(channel) as app:
        for data in ("explode:abc", "useful:", "useful:a b", "useful:" + "x" * 51, "other", "useful:a\n", "split:abc"):
            server.service.send(data, server.service.messages()[0])
        server.service.press()
        await until(lambda: app.presses)
    assert len(app.presses) == 1


async def test_who_is_not_in_may_act_is_barred_in_that_chat(server: Server) -> None:
    server.service.add_chat(-1007, "Duty")
    desk = bot(server, may_act="78")
    await desk.send(delivery(messages.POST))
    async with listening(desk, bot(server, to="-1007")) as app:
        server.service.press(person=77)
        server.service.press(person=78)
        await until(lambda: len(app.presses) == 2)
    assert [press.person.barred for press in app.presses] == [frozenset({"desk"}), frozenset()]


async def test_more_shows_what_else_can_be_done_and_back_shows_the_buttons_again(server: Server) -> None:
    channel = bot(server)
    await channel.send(delivery(messages.POST))
    async with listening(channel) as app:
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
    async with listening(bot(server)) as app:
        await until(lambda: len(app.changes) > 1)
        server.service.webhook = ""
        await until(lambda: None in app.changes)
    getting, having_webhook = app.changes[0], app.changes[1]
    assert "conflict with another getUpdates request; another program" in str(getting)
    assert "conflict with a webhook; another program receives the updates of this bot" in str(having_webhook)
    assert telegram.TOKEN not in str(having_webhook)


async def test_the_check_says_whether_another_program_receives_the_presses(server: Server) -> None:
    assert all(line.is_good for line in await bot(server).check())
    server.service.webhook = "https://other.example/hook"
    *_, line = await bot(server).check()
    assert not line.is_good
    assert "a separate bot" in line.help
    assert all(line.is_good for line in await bot(server, buttons=False).check())


async def test_a_server_that_answers_at_once_is_asked_once_a_second(server: Server) -> None:
    clock = FakeClock()
    channel = bot(server, clock=clock)
    async with listening(channel):
        await until(lambda: server.asked("ask") >= 20)
        request, began = server.asked("ask"), clock.now()
    assert (began - START).total_seconds() >= request - 2, "the clock advances only by sleeping"
