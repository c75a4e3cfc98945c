"""Receive button presses, commands, shortcuts and openings of the Home tab over Socket Mode.

We open the connection, so no port is open to the world:

    apps.connections.open ──▶ wss://… ──▶ envelope ──▶ stored by the caller ──▶ acknowledged ──▶ answer to the person

An envelope is one JSON text, and its acknowledgement another (docs.slack.dev/apis/events-api/using-socket-mode).
Payloads from Slack are untrusted; this module checks only their form.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.request
from collections.abc import Sequence
from datetime import timedelta, tzinfo
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
import structlog
from msgspec.structs import replace

from bot.aio import TaskGroup
from bot.channels.kit import http_client, phrases, rendering
from bot.channels.slack import blocks, sdk
from bot.channels.slack.channel import Channel
from bot.durations import SHORTEST_WAIT, backoff
from bot.model.actions import EndSilence, MakeSilence
from bot.model.channels import ActionResult, ChatRequest, OnChange, OnChatRequest, OnPress, Person, Press
from bot.model.errors import OutcomeUnknown, RetryLater, SendError, StoreError
from bot.model.messages import Message
from bot.patterns import LazyPattern

log = structlog.get_logger()

#: An acknowledgement is sent after this time even if the store is busy, because Slack requires it within three seconds.
ACKNOWLEDGE_AFTER = timedelta(seconds=2)
_CONNECT_TIMEOUT = timedelta(seconds=15)
#: How long to wait for the server's answer when we close a connection.
_CLOSE_TIMEOUT = timedelta(seconds=2)
#: The time between two pings. A connection whose server does not answer within half of it counts as lost.
PING_INTERVAL = timedelta(seconds=10)


class _Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery of Slack, and the connection on which it came."""

    id: str
    kind: str
    payload: Any
    connection: aiohttp.ClientWebSocketResponse

    async def acknowledge(self) -> None:
        try:
            await self.connection.send_json({"envelope_id": self.id})
        except (aiohttp.ClientError, ConnectionError) as error:
            # Slack delivers the press again with the same envelope id, by which the repetition is recognized.
            log.warning("button press not acknowledged", error=type(error).__name__)


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
        failures, is_replaced = 0, False
        async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack, TaskGroup() as group:
            while True:
                try:
                    connection = await self._connect(session)
                    if not is_replaced:
                        await on_change(None)
                    # A connection that Slack is about to close stays open until there is another.
                    await stack.aclose()
                    stack.push_async_callback(connection.close)
                    failures = 0
                    is_replaced = await self._receive(connection, group, on_press, on_asked)
                    if is_replaced:
                        continue
                    wait = SHORTEST_WAIT
                except SendError as error:
                    await on_change(str(error))
                    retry_after = error.retry_after if isinstance(error, RetryLater) else None
                    wait = retry_after or backoff(failures)
                    failures, is_replaced = failures + 1, False
                await self._context.clock.sleep(wait)

    async def _connect(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        url = await self._places[0].open_connection()
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT.total_seconds()):
                return await session.ws_connect(
                    url,
                    heartbeat=PING_INTERVAL.total_seconds(),
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT.total_seconds()),
                    proxy=_proxy_of(url),
                    ssl=http_client.tls_context(),
                )
        except (aiohttp.ClientError, OSError, ValueError):
            # The error is not chained, because its text may contain the address, which is a secret.
            advice = "check the network connection and the proxy"
            raise OutcomeUnknown(f"Socket Mode: the connection could not be made; {advice}") from None

    async def _receive(
        self,
        connection: aiohttp.ClientWebSocketResponse,
        group: TaskGroup,
        on_press: OnPress,
        on_asked: OnChatRequest,
    ) -> bool:
        """Handle envelopes until the connection is lost. Return True if Slack asks for another connection first."""
        async for frame in connection:
            match _parse_json(frame.data):
                case {"type": "disconnect"}:
                    return True
                case {"envelope_id": str(id_), "type": str(kind), "payload": payload}:
                    envelope = _Envelope(id=id_, kind=kind, payload=payload, connection=connection)
                    question = parse_question(kind, payload, envelope=id_)
                    if question is None:
                        group.create_task(self._handle_press(envelope, on_press))
                    else:
                        group.create_task(self._answer_question(envelope, question, on_asked))
        return False

    async def _answer_question(self, envelope: _Envelope, question: ChatRequest, on_asked: OnChatRequest) -> None:
        # Acknowledge before answering, because the person sees whether an answer comes, and can ask again.
        await envelope.acknowledge()
        zone, place = self._context.zone, self._places[0]
        try:
            person = await self._with_rights(question.person, with_members=True)
            parts = await on_asked(replace(question, person=person))
            if question.is_page:
                # docs.slack.dev/surfaces/app-home
                view = {"type": "home", "blocks": blocks.build_page(parts, zone=zone)}
                await place.call("views.publish", json={"user_id": question.person.id, "view": view})
            else:
                url, api_url = str(envelope.payload["response_url"]), place.options.base_url
                await answer_command(url, parts[0].message, zone=zone, api_url=api_url)
        except SendError as error:
            log.warning("chat command not answered", error=str(error))

    async def _handle_press(self, envelope: _Envelope, on_press: OnPress) -> None:
        press = blocks.parse_press(envelope.payload, envelope=envelope.id)
        if press is None:
            # An app created from an earlier manifest also reports reactions, which need no warning.
            if envelope.kind != "events_api":
                log.warning("button press ignored", reason="unknown form", kind=envelope.kind[:40])
            await envelope.acknowledge()
            return
        async with TaskGroup() as group:
            storing = group.create_task(self._store_press(press, on_press))
            await asyncio.wait({storing}, timeout=ACKNOWLEDGE_AFTER.total_seconds())
            # Do not acknowledge a press that was not stored, so that Slack shows the person that it failed.
            if not storing.done() or storing.result() is not None:
                await envelope.acknowledge()
        answer = storing.result()
        if answer is not None:
            await self._answer(press, answer)

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


def _parse_json(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _proxy_of(url: str) -> str | None:
    """Return the environment's proxy for an address, or None. Names of ``no_proxy`` have none."""
    host = urlsplit(url).hostname or ""
    proxies: dict[str, Any] = urllib.request.getproxies()
    if urllib.request.proxy_bypass(host):
        return None
    return proxies.get("https")


COMMAND = "/wirewatch"
#: Id of the shortcut in the menu of every message (config/slack-app-manifest.yaml).
_WHY = "wirewatch-why"
_USER = LazyPattern(r"[UW][A-Z0-9]{1,20}\Z")
#: Maximum characters of a command that are read. Every command is shorter.
_MAX_COMMAND_LENGTH = 2_000
_SLACK_HOSTS = (".slack.com", ".slack-gov.com")


def parse_question(kind: str, payload: Any, *, envelope: str) -> ChatRequest | None:
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
