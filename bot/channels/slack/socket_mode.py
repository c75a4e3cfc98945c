"""Receive button presses, commands, shortcuts and openings of the Home tab over Socket Mode.

We open the connection, so no port is open to the world:

    apps.connections.open ──▶ wss://… ──▶ envelope ──▶ stored by the caller ──▶ acknowledged ──▶ answer to the person

The SDK's built-in client needs no further library and runs in its own threads. We open a new connection after each
loss, so that waiting, giving up and stopping are under our control. Payloads from Slack are untrusted; this module
checks only their form.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta, tzinfo
from typing import Any
from urllib.parse import urlsplit

import structlog
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.aio import TaskGroup
from bot.channels.kit import phrases, rendering
from bot.channels.kit.context import run_in_thread
from bot.channels.slack import blocks, sdk
from bot.channels.slack.channel import Channel
from bot.model.actions import EndSilence, MakeSilence
from bot.model.channels import ActionResult, ChatRequest, OnChange, OnChatRequest, OnPress, Person, Press
from bot.model.durations import SHORTEST_WAIT, backoff
from bot.model.errors import OutcomeUnknown, RetryLater, SendError, StoreError
from bot.model.messages import Message

log = structlog.get_logger()

#: An acknowledgement is sent after this time even if the store is busy, because Slack requires it within three seconds.
ACKNOWLEDGE_AFTER = timedelta(seconds=2)
#: The time between two checks of the connection.
_CHECK_INTERVAL = timedelta(seconds=0.5)
#: Number of failed checks in a row after which the connection counts as lost. One failed check is not enough, because
#: the SDK may be replacing the connection.
_CHECKS = 4
#: How long to wait for the SDK's threads when we stop.
_CLOSE_TIMEOUT = timedelta(seconds=2)
#: Size of the receive buffer. A payload contains the whole message, and a large buffer receives it in few pieces.
_BUFFER_BYTES = 16_384


class SocketModeListener:
    """The connection of an app. All its channels share it, because Slack sends each press to one connection only."""

    is_alone = False

    def __init__(self, places: Sequence[Channel]) -> None:
        self.channels = tuple(place.name for place in places)
        self._places = places
        self._context = places[0].context

    async def listen(self, on_press: OnPress, on_change: OnChange, on_asked: OnChatRequest) -> None:
        """Receive presses and questions until cancelled.

        ``on_change`` gets the reason when the connection fails, and None when it works again.
        """
        failures = 0
        while True:
            try:
                async with contextlib.AsyncExitStack() as stack:
                    client, envelopes = await self._connect(stack)
                    await on_change(None)
                    failures = 0
                    await self._receive(client, envelopes, on_press, on_asked)
                wait = SHORTEST_WAIT
            except SendError as error:
                await on_change(str(error))
                retry_after = error.after if isinstance(error, RetryLater) else None
                wait = retry_after or backoff(failures)
                failures += 1
            await self._context.clock.sleep(wait)

    async def _connect(
        self, stack: contextlib.AsyncExitStack
    ) -> tuple[SocketModeClient, asyncio.Queue[SocketModeRequest]]:
        place = self._places[0]
        url = await place.open_connection()
        loop, envelopes = asyncio.get_running_loop(), asyncio.Queue[SocketModeRequest]()

        def take(_client: object, request: SocketModeRequest) -> None:
            # This runs in a thread of the SDK, and the event loop may be closed.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(envelopes.put_nowait, request)

        client = SocketModeClient(
            app_token="",
            web_client=sdk.web_client(place.options.base_url),
            logger=sdk.silent_logger(),
            auto_reconnect_enabled=False,
            receive_buffer_size=_BUFFER_BYTES,
            concurrency=2,
        )
        stack.push_async_callback(_close, client)
        client.app_token = place.app_token()
        client.proxy = _proxy_of(url)
        client.socket_mode_request_listeners.append(take)
        client.wss_uri = url
        await run_in_thread(client.connect, name="socket mode")
        if not client.is_connected():
            raise OutcomeUnknown(
                "Socket Mode: the connection could not be made; check the network connection and the proxy"
            )
        return client, envelopes

    async def _receive(
        self,
        client: SocketModeClient,
        envelopes: asyncio.Queue[SocketModeRequest],
        on_press: OnPress,
        on_asked: OnChatRequest,
    ) -> None:
        """Handle envelopes until the connection is lost."""
        async with TaskGroup() as group:
            closed = 0
            while closed < _CHECKS:
                try:
                    async with asyncio.timeout(_CHECK_INTERVAL.total_seconds()):
                        request = await envelopes.get()
                except TimeoutError:
                    # The SDK replaces a connection that Slack is about to close. For a moment, no connection is open.
                    closed = 0 if _is_open(client) else closed + 1
                    continue
                question = parse_question(str(request.type), request.payload, envelope=str(request.envelope_id))
                if question is None:
                    group.create_task(self._handle_press(client, request, on_press))
                else:
                    group.create_task(self._answer_question(client, request, question, on_asked))

    async def _answer_question(
        self,
        client: SocketModeClient,
        request: SocketModeRequest,
        question: ChatRequest,
        on_asked: OnChatRequest,
    ) -> None:
        # Acknowledge before answering, because the person sees whether an answer comes, and can ask again.
        await self._acknowledge(client, request)
        zone, place = self._context.zone, self._places[0]
        try:
            person = await self._with_rights(question.person, with_members=True)
            parts = await on_asked(replace(question, person=person))
            if question.is_page:
                # docs.slack.dev/surfaces/app-home
                view = {"type": "home", "blocks": blocks.build_page(parts, zone=zone)}
                await place.call("views.publish", json={"user_id": question.person.id, "view": view})
            else:
                url, api_url = str(request.payload["response_url"]), place.options.base_url
                await answer_command(url, parts[0].message, zone=zone, api_url=api_url)
        except SendError as error:
            log.warning("chat command not answered", error=str(error))

    async def _handle_press(self, client: SocketModeClient, request: SocketModeRequest, on_press: OnPress) -> None:
        press = blocks.parse_press(request.payload, envelope=str(request.envelope_id))
        if press is None:
            # An app created from an earlier manifest also reports reactions, which need no warning.
            if request.type != "events_api":
                log.warning("button press ignored", reason="unknown form", kind=str(request.type)[:40])
            await self._acknowledge(client, request)
            return
        async with TaskGroup() as group:
            storing = group.create_task(self._store_press(press, on_press))
            await asyncio.wait({storing}, timeout=ACKNOWLEDGE_AFTER.total_seconds())
            # Do not acknowledge a press that was not stored, so that Slack shows the person that it failed.
            if not storing.done() or storing.result() is not None:
                await self._acknowledge(client, request)
        answer = storing.result()
        if answer is not None:
            await self._answer(press, answer)

    async def _acknowledge(self, client: SocketModeClient, request: SocketModeRequest) -> None:
        response = SocketModeResponse(envelope_id=str(request.envelope_id))
        try:
            await run_in_thread(lambda: client.send_socket_mode_response(response), name="socket mode")
        except (SlackClientError, OSError, AttributeError) as error:
            # Slack delivers the press again with the same envelope id, by which the repetition is recognized.
            log.warning("button press not acknowledged", error=type(error).__name__)

    async def _with_rights(self, person: Person, *, with_members: bool) -> Person:
        """Return the person with the channels in which they may not press buttons.

        If ``with_members`` is true, also add the channels of which they are a member.
        """
        barred = [place.name for place in self._places if not await place.may_press(person.id)]
        member_of = [place.name for place in self._places if with_members and await place.is_member(person.id)]
        return replace(person, barred=frozenset(barred), member_of=frozenset(member_of))

    async def _store_press(self, press: Press, on_press: OnPress) -> ActionResult | None:
        try:
            # Only actions that affect other channels need the person's memberships.
            action = press.action
            is_wide = isinstance(action, EndSilence) or (isinstance(action, MakeSilence) and not action.is_here)
            person = await self._with_rights(press.person, with_members=is_wide)
            return await on_press(replace(press, person=person))
        except StoreError as error:
            log.error("button press not stored", error=str(error))
            return None

    async def _answer(self, press: Press, answer: ActionResult) -> None:
        command = f"{COMMAND} {answer.command}" if answer.command else ""
        try:
            await self._places[0].post_ephemeral(
                place=press.place, person=press.person.id, text=answer.text, command=command
            )
        except SendError as error:
            log.warning("button press not answered", error=str(error))


def _is_open(client: SocketModeClient) -> bool:
    """Return whether the current connection is open.

    The SDK notices a silent end only when its pings have failed for 25 seconds, and reads in a tight loop until then
    (builtin/connection.py of 3.48).
    """
    try:
        with _bare_connection(client) as looking:
            return looking.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def _bare_connection(client: SocketModeClient) -> socket.socket:
    """Return the current connection below TLS, to check it or to end it. Raises OSError if there is none."""
    session = client.current_session
    connection = session.sock if session is not None else None
    if connection is None:
        raise ConnectionError("not connected")
    return socket.socket(fileno=os.dup(connection.fileno()))


async def _close(client: SocketModeClient) -> None:
    """Close the connection, and wait at most ``_CLOSE_TIMEOUT`` for the SDK's threads, which are daemons."""
    # The SDK's own close waits for its threads: up to three seconds for bytes and one for a message.
    client.closed = True
    client.message_queue.put(None)
    with contextlib.suppress(OSError), _bare_connection(client) as ending:
        ending.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_TIMEOUT.total_seconds()):
            await run_in_thread(client.close, name="socket mode")


def _proxy_of(url: str) -> str | None:
    """Return the environment's proxy for an address, or None. The SDK itself ignores no_proxy."""
    host = urlsplit(url).hostname or ""
    proxies: dict[str, Any] = urllib.request.getproxies()
    if urllib.request.proxy_bypass(host):
        return None
    return proxies.get("https")


COMMAND = "/wirewatch"
#: Id of the shortcut in the menu of every message (config/slack-app-manifest.yaml).
_WHY = "wirewatch-why"
_USER = re.compile(r"[UW][A-Z0-9]{1,20}\Z")
#: Maximum characters of a command that are read. Every command is shorter.
_MAX_COMMAND_LENGTH = 2_000
_SLACK_HOSTS = (".slack.com", ".slack-gov.com")


def parse_question(kind: str, payload: Mapping[str, Any], *, envelope: str) -> ChatRequest | None:
    """Parse an envelope of this ``kind``. Returns None if it is not a command, a shortcut or a use of the Home tab."""
    match kind, payload:
        case "slash_commands", {"command": str(command), "text": str(words), "user_id": str(by), "response_url": str()}:
            is_ours = command == COMMAND and _USER.match(by)
            person = Person(id=by, name=phrases.person_name(payload.get("user_name"), service="Slack"))
            return ChatRequest(id=envelope, person=person, words=words[:_MAX_COMMAND_LENGTH]) if is_ours else None
        case "events_api", {"event": {"type": "app_home_opened", "tab": "home", "user": str(by)}}:
            person = Person(id=by)
            return ChatRequest(id=envelope, person=person, is_page=True) if _USER.match(by) else None
        case "interactive", {
            "type": "block_actions",
            "container": {"type": "view"},
            "user": {"id": str(by)},
            "actions": [{"type": "button", "action_id": str(element), "value": str(words)}],
        } if element.startswith(blocks.COMMAND_PREFIX) and _USER.match(by):
            return ChatRequest(id=envelope, person=Person(id=by), words=words[:_MAX_COMMAND_LENGTH], is_page=True)
        case "interactive", {
            "type": "message_action",
            "callback_id": str(shortcut),
            "message": dict(message),
            "user": {"id": str(by)},
            "response_url": str(),
        } if shortcut == _WHY and _USER.match(by):
            link = blocks.find_link(message)
            return ChatRequest(id=envelope, person=Person(id=by), words=f"why {link}"[:_MAX_COMMAND_LENGTH])
        case _:
            return None


async def answer_command(url: str, message: Message, *, zone: tzinfo, api_url: str) -> None:
    """Post the answer to a command, visible only to the person who typed it. Raises SendError.

    The response address ``url`` works in every channel, even if the app is not a member.
    """
    parts, api = urlsplit(url), urlsplit(api_url)
    is_on_slack = parts.scheme == "https" and (parts.hostname or "").endswith(_SLACK_HOSTS)
    if not is_on_slack and (parts.scheme, parts.netloc) != (api.scheme, api.netloc):
        raise OutcomeUnknown("answering a command: the response address is not on Slack's host")
    text = blocks.plain_text(rendering.plain_preview(message))
    body = {"response_type": "ephemeral", "text": text, "blocks": blocks.build_blocks(message, zone=zone)}
    status, _, _ = await sdk.post_to_webhook(url, body, name="answer of a command")
    if status != 200:
        raise OutcomeUnknown(f"answering a command: Slack answered {status}")
