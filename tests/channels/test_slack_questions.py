"""Commands and the Home tab, against a local Slack: answered to the person who asks, and to nobody else."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest

from bot.channels.slack import blocks as slack_blocks
from bot.testing import hostile, messages
from tests.channels.listening import connected, until
from tests.testbed.servers import slack


async def test_a_command_is_acknowledged_and_answered_to_the_one_who_typed_it() -> None:
    async with connected() as it:
        envelope = it.server.socket_mode.command("why https://wire.example/a", url=it.server.response_url)
        assert await it.is_acknowledged(envelope)
        await until(lambda: it.server.workspace.answers)
        [request] = it.app.asked
        assert (request.id, request.person.id, request.person.name, request.words) == (
            envelope,
            "U0AMINA",
            "amina",
            "why https://wire.example/a",
        )
        [answer] = it.server.workspace.answers
    assert answer["response_type"] == "ephemeral"
    assert messages.NOTICE.lines[0] in str(answer["blocks"])
    assert not it.server.workspace.messages("policy-alerts"), "nobody else sees it"


async def test_the_home_tab_shows_what_is_answered_to_whom_opens_it() -> None:
    async with connected() as it:
        it.app.answer = messages.LISTING
        assert await it.is_acknowledged(it.server.socket_mode.open_home(user="U0BILAL"))
        await until(lambda: it.server.workspace.homes)
        assert it.app.asked[0].is_page
        assert messages.WIRE in str(it.server.workspace.homes["U0BILAL"])
        assert "button" not in str(it.server.workspace.homes["U0BILAL"])
        assert await it.is_acknowledged(it.server.socket_mode.open_home(user="U0BILAL", tab="messages"))
        assert len(it.app.asked) == 1


async def test_a_button_of_the_home_tab_carries_a_command_and_shows_the_tab_again() -> None:
    async with connected() as it:
        it.app.commands = {"Refresh": "refresh", "End this silence": "silence end 3f2a9c01"}
        it.server.socket_mode.open_home(user="U0BILAL")
        await until(lambda: it.server.workspace.homes)
        it.app.answer = messages.LISTING
        envelope = it.server.socket_mode.press_home(
            it.server.workspace.homes["U0BILAL"], "End this silence", user="U0BILAL"
        )
        assert await it.is_acknowledged(envelope)
        await until(lambda: messages.WIRE in str(it.server.workspace.homes["U0BILAL"]))
        request = it.app.asked[-1]
    assert (request.person.id, request.words, request.is_page) == ("U0BILAL", "silence end 3f2a9c01", True)


@pytest.mark.parametrize("kind", ["post", "new_fact", "listing", "plain", "no link"])
async def test_the_shortcut_of_a_message_asks_why_about_its_first_link(kind: str) -> None:
    content: dict[str, Any] = {"text": f"see <{messages.WIRE}|this>" if kind == "plain" else "no link"}
    if kind in messages.ALL:
        content["blocks"] = slack_blocks.build_blocks(messages.ALL[kind], names_story=True)
    async with connected() as it:
        envelope = it.server.socket_mode.shortcut(content, url=it.server.response_url)
        assert await it.is_acknowledged(envelope)
        await until(lambda: it.server.workspace.answers)
        [request] = it.app.asked
    assert not request.is_page
    if kind == "no link":
        assert request.words == "why "
    else:
        first_link = next(url for url in re.findall(r"https?://[^'|>]+", str(content)))
        assert request.words == f"why {first_link}"


async def test_another_apps_shortcut_gets_no_answer() -> None:
    async with connected() as it:
        envelope = it.server.socket_mode.shortcut({"text": ""}, url=it.server.response_url, callback="other")
        assert await it.is_acknowledged(envelope)
        assert it.app.asked == []


async def test_of_which_channels_the_person_is_a_member_is_asked_once_in_a_while() -> None:
    async with connected() as it:
        for user in ("U0AMINA", "U0EVE", "U0AMINA"):
            it.server.socket_mode.command("feeds", url=it.server.response_url, user=user)
        await until(lambda: len(it.app.asked) == 3)
        request = it.server.asked("conversations.members")
    assert {(item.person.id, item.person.member_of) for item in it.app.asked} == {
        ("U0AMINA", frozenset({"desk"})),
        ("U0EVE", frozenset()),
    }
    assert request <= 3


async def test_hostile_answers_keep_slacks_limits_in_a_command_and_on_the_home_tab() -> None:
    async with connected() as it:
        for place, it.app.answer in enumerate(hostile.ALL[::9], start=1):
            it.server.socket_mode.command("feeds", url=it.server.response_url)
            it.server.socket_mode.open_home(user=f"U{place}")
            await until(partial(_have, it.server.workspace, place))


def _have(workspace: slack.Workspace, count: int) -> bool:
    return len(workspace.answers) == len(workspace.homes) == count


async def test_another_apps_command_and_an_address_that_is_not_slacks_get_no_answer() -> None:
    async with connected() as it:
        assert await it.is_acknowledged(
            it.server.socket_mode.command("feeds", name="/other", url=it.server.response_url)
        )
        assert await it.is_acknowledged(it.server.socket_mode.command("feeds", url="https://evil.example/x"))
        await until(lambda: it.app.asked)
        assert await it.is_acknowledged(it.press())
        assert it.server.workspace.answers == []
