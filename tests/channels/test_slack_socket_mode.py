"""Socket Mode against a local Slack: presses, which are kept before they are acknowledged; commands; the Home tab."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from bot.channels.slack import blocks as slack_blocks
from bot.channels.slack import socket_mode
from bot.channels.slack.channel import SCOPES
from bot.model.actions import Noise
from bot.model.channels import Person
from bot.model.messages import Message
from bot.testing import hostile, messages
from tests.channels.context import Secrets
from tests.channels.listening import TS, FakeApp, connected, listening, slack_app, slack_listeners, until
from tests.testbed.fakes import FakeClock
from tests.testbed.servers import slack, slack_socket

SECRETS = Secrets(TOKEN=slack.TOKEN, APP=slack.APP_TOKEN)


async def test_a_press_is_kept_acknowledged_and_answered_and_a_stop_leaves_no_connection() -> None:
    async with connected() as it:
        envelope = it.press()
        assert await it.is_acknowledged(envelope)
        [press] = it.app.presses
        assert (press.id, press.person, press.action) == (envelope, Person(id="U0AMINA", name="amina"), Noise())
        assert (press.story, press.place, press.ref) == ("abc", it.place, TS)
        await until(lambda: it.server.workspace.whispers)
        [whisper] = it.server.workspace.whispers
        it.listening.cancel()
        await asyncio.wait({it.listening})
        await until(lambda: not it.server.socket_mode.connections)
    assert (whisper["channel"], whisper["user"]) == ("policy-alerts", "U0AMINA")
    assert whisper["text"] == 'Noise for "A &amp; B &lt;rule&gt;".'


async def test_a_press_that_could_not_be_kept_is_not_acknowledged_and_the_next_one_is() -> None:
    async with connected() as it:
        it.app.fails = True
        lost = it.press()
        # Envelopes are handled in order, so the lost press has failed by now.
        assert await it.is_acknowledged(it.server.socket_mode.send({}))
        it.app.fails = False
        kept = it.press()
        assert await it.is_acknowledged(kept)
        assert it.server.socket_mode.envelopes[lost].times == 0
        assert [press.id for press in it.app.presses] == [kept]


async def test_a_press_is_acknowledged_in_time_while_the_store_is_slow() -> None:
    async with connected() as it:
        it.app.gate = asyncio.Event()
        slow = it.press()
        assert await it.is_acknowledged(slow)
        assert socket_mode.ACKNOWLEDGE_AFTER.total_seconds() < slack_socket.PATIENCE_SECONDS
        assert it.app.presses == []
        it.app.gate.set()
        await until(lambda: it.app.presses)


async def test_envelopes_of_other_apps_and_of_another_form_are_acknowledged_and_ignored() -> None:
    async with connected() as it:
        sockets, url = it.server.socket_mode, it.server.response_url
        for envelope in (
            *map(sockets.send, ({}, {"type": "block_actions"}, "words", {"type": "event_callback", "event": {}})),
            it.press(verdict="explode"),
            it.press(type="view_submission"),
            sockets.command("feeds", name="/other", url=url),
            sockets.shortcut({"text": ""}, url=url, callback="other"),
            sockets.open_home(user="U0BILAL", tab="messages"),
        ):
            assert await it.is_acknowledged(envelope)
        assert it.app.presses == []
        assert it.app.asked == []


async def test_a_connection_that_slack_wants_to_close_or_that_is_lost_is_replaced() -> None:
    async with connected() as it:
        it.server.socket_mode.refresh()
        await until(lambda: it.server.socket_mode.greeted == 2)
        await until(lambda: len(it.server.socket_mode.connections) == 1)
        assert await it.is_acknowledged(it.press())
        assert it.app.changes == [None], "nobody is told of it"
        it.server.socket_mode.cut()
        await until(lambda: it.server.socket_mode.greeted == 3)
        await until(lambda: it.app.changes == [None, None])
        assert await it.is_acknowledged(it.press())


async def test_a_connection_that_falls_silent_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_mode, "PING_INTERVAL", timedelta(seconds=0.4))
    greeted = 0

    async def fall_silent(request: web.BaseRequest) -> web.WebSocketResponse:
        """Open a WebSocket, and then answer nothing, not even a ping."""
        nonlocal greeted
        connection = web.WebSocketResponse(autoping=False)
        await connection.prepare(request)
        greeted += 1
        async for _ in connection:
            pass
        return connection

    async with RawTestServer(fall_silent) as silent:
        with slack.serve() as server:
            server.workspace.add_channel("policy-alerts")
            server.workspace.open_connection = lambda: str(silent.make_url("/link").with_scheme("ws"))
            [listener] = slack_listeners(server, SECRETS, "policy-alerts")
            async with listening(listener, FakeApp()):
                await until(lambda: greeted == 3)


@pytest.mark.parametrize(
    ("app_token", "why"),
    [
        (slack.TOKEN, "not_allowed_token_type; copy the app-level token (xapp-…) into the variable or file of"),
        ("xapp-wrong", "invalid_auth; copy the app-level token (xapp-…) into the variable or file of `app_token:`"),
        ("", "the Slack app token: env:APP is empty"),
    ],
)
async def test_a_token_that_opens_nothing_is_reported_with_what_to_do_and_tried_again(app_token: str, why: str) -> None:
    async with slack_app(app_token=app_token) as it:
        await until(lambda: len(it.app.changes) > 1)
        assert all(why in str(change) for change in it.app.changes)
        it.secrets.values["APP"] = slack.APP_TOKEN
        await until(lambda: it.app.changes[-1] is None)


async def test_socket_mode_that_is_off_and_a_busy_server_are_reported_without_the_app_token() -> None:
    with slack.serve() as server:
        server.workspace.add_channel("policy-alerts")
        opened, server.workspace.open_connection = server.workspace.open_connection, None
        for fault in ("429", "500", "garbage", "reset", "fatal_error", slack.APP_TOKEN):
            server.fail("apps.connections.open", fault)
        clock, app = FakeClock(), FakeApp()
        began = clock.now()
        [listener] = slack_listeners(server, SECRETS, "policy-alerts", clock=clock)
        async with listening(listener, app):
            await until(lambda: len(app.changes) > 6)
            server.workspace.open_connection = opened
            await until(lambda: app.changes[-1] is None)
    output = [str(change) for change in app.changes]
    assert "too many requests" in output[0]
    assert "500" in output[1]
    assert "socket_mode_not_enabled; turn on Socket Mode" in output[6]
    assert slack.APP_TOKEN not in "".join(output)
    assert clock.now() - began >= timedelta(seconds=1), "not at once again"


async def test_an_address_without_tls_is_used_only_where_the_operator_named_the_server() -> None:
    with slack.serve() as server:
        server.workspace.add_channel("policy-alerts")
        app = FakeApp()
        for url in ("wss://elsewhere.example:8443/link", "http://127.0.0.1/", 7, None):
            server.workspace.open_connection = lambda url=url: url
            [listener] = slack_listeners(server, SECRETS, "policy-alerts")
            async with listening(listener, app):
                await until(lambda: app.changes)
            assert "no usable address" in str(app.changes.pop())
            app.changes.clear()


def test_the_channels_of_one_app_share_one_connection() -> None:
    with slack.serve() as server:
        assert len(slack_listeners(server, Secrets(), "a", "b")) == 1


def test_the_manifest_of_the_app_asks_for_what_is_used_and_has_no_address_to_call() -> None:
    manifest = yaml.safe_load((Path(__file__).parents[2] / "config" / "slack-app-manifest.yaml").read_text())
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == {*SCOPES, "commands"}
    assert [command["command"] for command in manifest["features"]["slash_commands"]] == [socket_mode.COMMAND]
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["interactivity"] == {"is_enabled": True}
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened"]


# -- who may press


@pytest.mark.parametrize(
    ("may_act", "scope", "barred"),
    [
        (["U0BOSS", "S0DESK", "S0UNKNOWN"], "usergroups:read", {"U0BOSS": set(), "U0AMINA": set(), "U0EVE": {"desk"}}),
        # A group whose members the bot may not read lets nobody in.
        (["S0DESK"], "chat:write", {"U0AMINA": {"desk"}}),
    ],
    ids=["people and groups", "an unreadable group"],
)
async def test_only_those_whom_the_channel_lists_may_press(
    may_act: list[str], scope: str, barred: dict[str, set[str]]
) -> None:
    async with connected(may_act=may_act) as it:
        it.server.workspace.groups = {"S0DESK": ["U0AMINA"]}
        it.server.workspace.tokens[slack.TOKEN].add(scope)
        for person in barred:
            assert await it.is_acknowledged(it.press(user=person))
    assert {press.person.id: press.person.barred for press in it.app.presses} == barred


# -- commands, the Home tab and the shortcut of a message


async def test_hostile_answers_keep_slacks_limits_in_a_command_and_on_the_home_tab() -> None:
    async with connected() as it:
        workspace, count = it.server.workspace, 0

        def has_answered() -> bool:
            return len(workspace.answers) == len(workspace.homes) == count

        for it.app.answer in hostile.ALL[::9]:
            count += 1
            it.server.socket_mode.command("feeds", url=it.server.response_url)
            it.server.socket_mode.open_home(user=f"U{count}")
            await until(has_answered)


@pytest.mark.parametrize(
    ("text", "shown", "link"),
    [
        ("", messages.NEW_FACT, messages.WIRE),
        (f"see <{messages.HERALD}|this>", None, messages.HERALD),
        ("no link", None, ""),
    ],
)
async def test_the_shortcut_of_a_message_asks_why_about_its_first_link(
    text: str, shown: Message | None, link: str
) -> None:
    content: dict[str, Any] = {"text": text}
    if shown is not None:
        content["blocks"] = slack_blocks.build_blocks(shown, names_story=True)
    async with connected() as it:
        assert await it.is_acknowledged(it.server.socket_mode.shortcut(content, url=it.server.response_url))
        await until(lambda: it.server.workspace.answers)
        [request] = it.app.asked
    assert (request.words, request.is_page) == (f"why {link}", False)


async def test_of_which_channels_the_person_is_a_member_is_asked_once_in_a_while() -> None:
    async with connected() as it:
        for user in ("U0AMINA", "U0EVE", "U0AMINA"):
            it.server.socket_mode.command("feeds", url=it.server.response_url, user=user)
        await until(lambda: len(it.app.asked) == 3)
        assert it.server.asked("conversations.members") <= 3
    assert [item.person.member_of for item in it.app.asked].count(frozenset({"desk"})) == 2


async def test_a_command_is_not_answered_at_an_address_that_is_not_slacks() -> None:
    async with connected() as it:
        assert await it.is_acknowledged(it.server.socket_mode.command("feeds", url="https://evil.example/x"))
        await until(lambda: it.app.asked)
        assert await it.is_acknowledged(it.press())
        assert it.server.workspace.answers == []
