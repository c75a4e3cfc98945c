"""Hears buttons and commands over Socket Mode: a connection that we open, so no port is open to the world.

    apps.connections.open ──▶ wss://… ──▶ envelope ──▶ kept by the caller ──▶ acknowledged ──▶ our answer to the person

By the SDK's client that needs no other library; it runs on its own threads. It is made again after each loss, so
that waiting, giving up and stopping are ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import socket
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot import model, ports
from bot.channels.kit import http_errors, threads
from bot.channels.kit.context import ChannelContext
from bot.channels.slack import buttons, errors, questions, sdk_setup
from bot.channels.slack.web_api import WebApi
from bot.model.actions import EndSilence, MakeSilence
from bot.ports.tasks import TaskGroup

log = structlog.get_logger()

#: Seconds for each connect, send and read.
_TIMEOUT = 15
#: Slack wants an acknowledgement within three seconds, so it is sent after this even if the store is still busy.
ACKNOWLEDGE_AFTER = timedelta(seconds=2)
#: How often the connection is checked, and after how many failed checks it counts as lost: the SDK may be replacing it.
_LOOK = timedelta(seconds=0.5)
_LOOKS = 4
#: How long to wait for the SDK's threads when we stop.
_CLOSING = timedelta(seconds=2)
#: A payload contains the whole message; a large buffer reads it in few pieces.
_BUFFER_BYTES = 16_384
_HELP = (
    "copy the app-level token (xapp-…) into what `app_token:` names: Basic Information, App-Level Tokens; its scope is "
    "connections:write"
)
_CODES = {
    "not_authed": _HELP,
    "invalid_auth": _HELP,
    "not_allowed_token_type": _HELP,
    "token_revoked": _HELP,
    "token_expired": _HELP,
    "missing_scope": "create a new app-level token with the scope connections:write",
    "no_permission": "create a new app-level token with the scope connections:write",
    "socket_mode_not_enabled": "turn on Socket Mode on the app's page",
    "forbidden_team": "the app is not installed in this workspace",
}


class SocketConnector:
    """Requests the address of a connection."""

    def __init__(self, *, app_token: model.Secret, api_url: str, context: ChannelContext) -> None:
        self.app_token = app_token
        self.api_url = api_url
        self._context = context

    async def open(self) -> tuple[WebClient, str]:
        """The address of one connection. Raises SendError."""
        token = self._context.secret(self.app_token, what="the Slack app token")
        web = WebClient(
            base_url=self.api_url,
            timeout=_TIMEOUT,
            ssl=sdk_setup.tls(),
            retry_handlers=[],
            logger=sdk_setup.silent_logger(),
        )
        # Let urllib read the environment: the SDK ignores its exceptions from the proxy.
        web.proxy = None
        try:
            response = await threads.run(lambda: web.apps_connections_open(app_token=token), name="socket mode")
            url = response.get("url")
        except SlackApiError as error:
            raise self._refusal(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise http_errors.of_exception(error, who="Slack") from None
        except (SlackClientError, AttributeError, TypeError, ValueError, LookupError) as error:
            raise ports.Unknown(f"Slack: the answer cannot be read ({type(error).__name__})") from None
        return web, self._checked(url)

    def _refusal(self, error: SlackApiError) -> ports.SendError:
        data = error.response.data if isinstance(error.response.data, dict) else {}
        code, status = str(data.get("error") or ""), int(error.response.status_code)
        now = self._context.clock.now()
        if status == 429 or code in ("ratelimited", "rate_limited"):
            wait = http_errors.retry_after(error.response.headers, now=now)
            return ports.Wait("apps.connections.open: Slack says too many requests", after=wait)
        if code in _CODES:
            return ports.Parked(f"apps.connections.open: Slack says {code}; {_CODES[code]}")
        if status >= 500 or not code.replace("_", "").isalnum():
            return http_errors.of_status(status, who="Slack", headers=error.response.headers, now=now)
        return errors.error_of(code, doing="apps.connections.open")

    def _checked(self, url: object) -> str:
        """Return the address if it is wss on port 443, which the SDK supports, or ws for a configured http server."""
        parts = urlsplit(url) if isinstance(url, str) else None
        is_safe = parts is not None and parts.scheme == "wss" and parts.port in (None, 443)
        is_local = parts is not None and parts.scheme == "ws" and self.api_url.startswith("http://")
        if not isinstance(url, str) or not (is_safe or is_local):
            raise ports.Unknown("apps.connections.open: the answer has no usable address")
        return url


class Listener:
    """The connection of an app, for all its channels: Slack sends each press to one connection only."""

    is_alone = False

    def __init__(self, places: Sequence[WebApi], connector: SocketConnector, context: ChannelContext) -> None:
        self.channels = tuple(place.name for place in places)
        self._places = places
        self._connector = connector
        self._context = context

    async def listen(self, on_press: ports.OnPress, on_change: ports.OnChange, on_asked: ports.OnAsked) -> None:
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
                wait = model.SHORTEST_WAIT
            except ports.SendError as error:
                await on_change(str(error))
                retry_after = error.after if isinstance(error, ports.Wait) else None
                wait = retry_after or model.backoff(failures)
                failures += 1
            await self._context.clock.sleep(wait)

    async def _connect(
        self, stack: contextlib.AsyncExitStack
    ) -> tuple[SocketModeClient, asyncio.Queue[SocketModeRequest]]:
        web, url = await self._connector.open()
        loop, envelopes = asyncio.get_running_loop(), asyncio.Queue[SocketModeRequest]()

        def take(_client: object, request: SocketModeRequest) -> None:
            # Runs in a thread of the SDK, when the event loop may be closed.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(envelopes.put_nowait, request)

        client = SocketModeClient(
            app_token="",
            web_client=web,
            logger=sdk_setup.silent_logger(),
            auto_reconnect_enabled=False,
            receive_buffer_size=_BUFFER_BYTES,
            concurrency=2,
        )
        stack.push_async_callback(_close, client)
        client.app_token = self._context.secret(self._connector.app_token, what="the Slack app token")
        client.proxy = _proxy_of(url)
        client.socket_mode_request_listeners.append(take)
        client.wss_uri = url
        await threads.run(client.connect, name="socket mode")
        if not client.is_connected():
            raise ports.Unknown(
                "Socket Mode: the connection could not be made; check the network connection and the proxy"
            )
        return client, envelopes

    async def _receive(
        self,
        client: SocketModeClient,
        envelopes: asyncio.Queue[SocketModeRequest],
        on_press: ports.OnPress,
        on_asked: ports.OnAsked,
    ) -> None:
        """Handle envelopes until the connection is lost."""
        async with TaskGroup() as group:
            closed = 0
            while closed < _LOOKS:
                try:
                    async with asyncio.timeout(_LOOK.total_seconds()):
                        request = await envelopes.get()
                except TimeoutError:
                    # The SDK replaces a connection that Slack is about to close; for a moment there is none.
                    closed = 0 if _is_open(client) else closed + 1
                    continue
                question = questions.parse(str(request.type), request.payload, envelope=str(request.envelope_id))
                if question is None:
                    group.create_task(self._handle_press(client, request, on_press))
                else:
                    group.create_task(self._answer_question(client, request, question, on_asked))

    async def _answer_question(
        self, client: SocketModeClient, request: SocketModeRequest, question: ports.Asked, on_asked: ports.OnAsked
    ) -> None:
        # Acknowledged before it is answered: the person sees whether an answer comes, and can ask again.
        await self._acknowledge(client, request)
        zone, place = self._context.zone, self._places[0]
        try:
            person = await self._with_rights(question.person, with_members=True)
            message = await on_asked(replace(question, person=person))
            if question.is_page:
                await place.publish_page(person=question.person.id, view=questions.page(message, zone=zone))
            else:
                url, api_url = str(request.payload["response_url"]), self._connector.api_url
                await questions.answer(url, message, zone=zone, api_url=api_url, name=place.name)
        except ports.SendError as error:
            log.warning("question not answered", error=str(error))

    async def _handle_press(
        self, client: SocketModeClient, request: SocketModeRequest, on_press: ports.OnPress
    ) -> None:
        press = buttons.parse_press(request.payload, envelope=str(request.envelope_id))
        if press is None:
            # An app created from an earlier manifest also reports reactions.
            if request.type != "events_api":
                log.warning("press ignored", reason="its form is not ours", kind=str(request.type)[:40])
            await self._acknowledge(client, request)
            return
        async with TaskGroup() as group:
            storing = group.create_task(self._store_press(press, on_press))
            await asyncio.wait({storing}, timeout=ACKNOWLEDGE_AFTER.total_seconds())
            # A press that was not stored is not acknowledged: Slack then shows the person that it failed.
            if not storing.done() or storing.result() is not None:
                await self._acknowledge(client, request)
        answer = storing.result()
        if answer is not None:
            await self._answer(press, answer)

    async def _acknowledge(self, client: SocketModeClient, request: SocketModeRequest) -> None:
        response = SocketModeResponse(envelope_id=str(request.envelope_id))
        try:
            await threads.run(lambda: client.send_socket_mode_response(response), name="socket mode")
        except (SlackClientError, OSError, AttributeError) as error:
            # Slack delivers it again with the same envelope id, which identifies the repetition.
            log.warning("press not acknowledged", error=type(error).__name__)

    async def _with_rights(self, person: ports.Person, *, with_members: bool) -> ports.Person:
        """Return the person with the channels that bar them and, with ``with_members``, the channels they are in."""
        barred = [place.name for place in self._places if not await place.may_press(person.id)]
        member_of = [place.name for place in self._places if with_members and await place.is_member(person.id)]
        return replace(person, barred=frozenset(barred), member_of=frozenset(member_of))

    async def _store_press(self, press: ports.Press, on_press: ports.OnPress) -> ports.ActionResult | None:
        try:
            # Only actions that affect other channels need the person's memberships.
            match press.action:
                case MakeSilence(is_here=is_here):
                    is_wide = not is_here
                case action:
                    is_wide = isinstance(action, EndSilence)
            person = await self._with_rights(press.person, with_members=is_wide)
            return await on_press(replace(press, person=person))
        except ports.StoreError as error:
            log.error("press not kept", error=str(error))
            return None

    async def _answer(self, press: ports.Press, answer: ports.ActionResult) -> None:
        command = f"{questions.COMMAND} {answer.command}" if answer.command else ""
        try:
            await self._places[0].post_ephemeral(
                place=press.place, person=press.person.id, text=answer.text, command=command
            )
        except ports.SendError as error:
            log.warning("press not answered", error=str(error))


def _is_open(client: SocketModeClient) -> bool:
    """Whether the current connection has not ended. The SDK notices an end without a word only when its pings have
    failed for 25 seconds, and reads in a tight loop until then (builtin/connection.py of 3.48)."""
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
    """Close the connection, and wait at most ``_CLOSING`` for the SDK's threads, which are daemons."""
    # The SDK's own close waits for its threads: up to three seconds for bytes and one for a message.
    client.closed = True
    client.message_queue.put(None)
    with contextlib.suppress(OSError), _bare_connection(client) as ending:
        ending.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSING.total_seconds()):
            await threads.run(client.close, name="socket mode")


def _proxy_of(url: str) -> str | None:
    """Return the environment's proxy for an address; the SDK ignores the exceptions from it (no_proxy)."""
    host = urlsplit(url).hostname or ""
    proxies: dict[str, Any] = urllib.request.getproxies()
    if urllib.request.proxy_bypass(host):
        return None
    return proxies.get("https")
