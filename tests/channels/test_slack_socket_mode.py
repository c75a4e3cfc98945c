"""Presses over Socket Mode, against a local Slack: kept before they are acknowledged, known again, never believed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from datetime import timedelta

import pytest

from bot.channels.slack import socket_mode
from bot.model.actions import Noise
from tests.channels.context import Secrets
from tests.channels.listening import FakeApp, connected, listening, press, slack_app, slack_listeners, until
from tests.testbed.fakes import FakeClock
from tests.testbed.servers import slack, slack_socket

SECRETS = Secrets(TOKEN=slack.TOKEN, APP=slack.APP_TOKEN)


async def test_a_press_is_kept_acknowledged_and_answered_to_the_one_who_pressed() -> None:
    async with connected() as it:
        envelope = it.press()
        assert await it.is_acknowledged(envelope)
        [press] = it.app.presses
        assert (press.id, press.person.id, press.action, press.story) == (envelope, "U0AMINA", Noise(), "abc")
        await until(lambda: it.server.workspace.whispers)
        [whisper] = it.server.workspace.whispers
    assert (whisper["channel"], whisper["user"]) == ("policy-alerts", "U0AMINA")
    assert whisper["text"] == 'Noise for "A &amp; B &lt;rule&gt;".'


async def test_an_envelope_that_comes_again_has_the_same_name() -> None:
    async with connected() as it:
        envelope = it.press()
        assert await it.is_acknowledged(envelope)
        it.server.socket_mode.deliver(envelope)
        assert await it.is_acknowledged(envelope)
        assert {press.id for press in it.app.presses} == {envelope}


async def test_a_press_that_could_not_be_kept_is_not_acknowledged_and_the_next_one_is() -> None:
    async with connected() as it:
        it.app.fails = True
        lost = it.press()
        ignored = it.press(type="view_submission")
        assert await it.is_acknowledged(ignored)
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


async def test_envelopes_of_other_apps_are_acknowledged_and_ignored() -> None:
    async with connected() as it:
        for payload in ({}, {"type": "block_actions"}, "words", {"type": "event_callback", "event": {}}):
            assert await it.is_acknowledged(it.server.socket_mode.send(payload))
        assert await it.is_acknowledged(it.press(verdict="explode"))
        assert it.app.presses == []


async def test_a_connection_that_is_lost_is_made_again() -> None:
    async with connected() as it:
        it.server.socket_mode.cut()
        await until(lambda: it.server.socket_mode.greeted == 2)
        await until(lambda: it.app.changes == [None, None])
        assert await it.is_acknowledged(it.press())


async def test_a_connection_that_falls_silent_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_mode, "PING_INTERVAL", timedelta(seconds=0.4))
    greeted = 0

    async def fall_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Open a WebSocket (RFC 6455, 1.3), and then answer nothing, not even a ping."""
        nonlocal greeted
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        [key] = re.findall(r"(?i)sec-websocket-key: (\S+)", head)
        accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
        answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(answer + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        greeted += 1
        await reader.read()
        writer.close()

    async with await asyncio.start_server(fall_silent, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        with slack.serve() as server:
            server.workspace.add_channel("policy-alerts")
            server.workspace.open_connection = lambda: f"ws://127.0.0.1:{port}/link"
            [listener] = slack_listeners(server, SECRETS, "policy-alerts")
            async with listening(listener, FakeApp()):
                await until(lambda: greeted == 3)


async def test_a_connection_that_slack_wants_to_close_is_changed_for_another() -> None:
    async with connected() as it:
        it.server.socket_mode.refresh()
        await until(lambda: it.server.socket_mode.greeted == 2)
        await until(lambda: len(it.server.socket_mode.connections) == 1)
        assert await it.is_acknowledged(it.press())
        assert it.app.changes == [None], "nobody is told of it"


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


async def test_socket_mode_that_is_off_and_a_busy_server_are_reported() -> None:
    with slack.serve() as server:
        server.workspace.add_channel("policy-alerts")
        opened, server.workspace.open_connection = server.workspace.open_connection, None
        server.fail("apps.connections.open", "429")
        server.fail("apps.connections.open", "500")
        server.fail("apps.connections.open", "garbage")
        clock, app = FakeClock(), FakeApp()
        began = clock.now()
        [listener] = slack_listeners(server, SECRETS, "policy-alerts", clock=clock)
        async with listening(listener, app):
            await until(lambda: len(app.changes) > 3)
            server.workspace.open_connection = opened
            await until(lambda: app.changes[-1] is None)
    output = [str(change) for change in app.changes]
    assert "too many requests" in output[0]
    assert "500" in output[1]
    assert "socket_mode_not_enabled; turn on Socket Mode" in output[3]
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


async def test_stopping_leaves_no_connection_behind() -> None:
    async with connected() as it:
        it.listening.cancel()
        await asyncio.wait({it.listening})
        await until(lambda: not it.server.socket_mode.connections)


async def test_no_answer_of_slacks_shows_the_app_token() -> None:
    secret = "xapp-1-A0SECRET"
    async with slack_app(app_token=secret) as it:
        for fault in ("500", "garbage", "reset", "fatal_error", "xapp-1-A0SECRET"):
            it.server.fail("apps.connections.open", fault)
        await until(lambda: len(it.app.changes) > 5)
        assert not any(secret in str(change) for change in it.app.changes)


# -- who may press


async def is_barred(person: str, *, may_act: list[str], scope: str = "usergroups:read") -> bool:
    with slack.serve() as server:
        place = server.workspace.add_channel("policy-alerts").id
        server.workspace.groups = {"S0DESK": ["U0AMINA"]}
        server.workspace.tokens[slack.TOKEN].add(scope)
        app = FakeApp()
        [listener] = slack_listeners(server, SECRETS, "policy-alerts", may_act=may_act)
        async with listening(listener, app):
            await until(lambda: server.socket_mode.connections)
            press(server, place, "noise", user=person)
            await until(lambda: app.presses)
    return bool(app.presses[0].person.barred)


@pytest.mark.parametrize(
    ("person", "may_act", "expected"),
    [
        ("U0AMINA", [], False),
        ("U0AMINA", ["U0AMINA"], False),
        ("U0MALLORY", ["U0AMINA"], True),
        ("U0AMINA", ["S0DESK"], False),
        ("U0MALLORY", ["U0AMINA", "S0DESK"], True),
        ("U0AMINA", ["S0UNKNOWN"], True),
    ],
)
async def test_only_those_whom_the_channel_lists_may_press(person: str, may_act: list[str], *, expected: bool) -> None:
    assert await is_barred(person, may_act=may_act) is expected


async def test_a_group_whose_members_the_bot_may_not_read_lets_nobody_in() -> None:
    assert await is_barred("U0AMINA", may_act=["S0DESK"], scope="chat:write")
