"""Slack by bot token: threads, edits, and a look whether a message arrived. The full mode."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot import model, ports
from bot.channels.kit import http_errors, phrases, places, plain_text, threads
from bot.channels.kit.context import ChannelContext
from bot.channels.slack import blocks, button_rights, errors, rich_text, sdk_setup
from bot.channels.slack.conversations import Conversations
from bot.model import visible

log = structlog.get_logger()

#: Seconds for each connect, send and read; the sender limits the whole call.
_TIMEOUT = 15
_PAGE = 200
#: Maximum pages of 1,000 members read from a channel.
_MEMBER_PAGES = 30
_EVENT = "wirewatch_message"
_CODE = re.compile(r"[a-z][a-z0-9_]*\Z")
#: Scope -> what needs it.
SCOPES = {
    "chat:write": "posting",
    "channels:read": "finding a public channel by name, and knowing its members",
    "groups:read": "finding a private channel by name, and knowing its members",
    "channels:history": "checking, in public channels, whether a message arrived",
    "groups:history": "checking, in private channels, whether a message arrived",
}


class WebApi:
    """A channel of a workspace, by bot token."""

    def __init__(
        self,
        name: str,
        *,
        to: str,
        token: model.Secret,
        api_url: str,
        pace: timedelta,
        context: ChannelContext,
        has_buttons: bool = False,
        may_act: Sequence[str] = (),
        shows_reply: Callable[[model.Severity], bool] = lambda severity: False,
    ) -> None:
        self.name = name
        self.pace = pace
        self.account = f"slack {api_url} {token.reference}"
        self._to = to
        self._token = token
        self._api_url = api_url
        self._context = context
        self._places = Conversations(to, key_values=context.key_values, key=self.account, ask=self._ask_for)
        #: The end of the rate limit of each method.
        self._closed_until: dict[str, datetime] = {}
        #: The token's scopes, from the header of the last answer; None if it had none.
        self._scopes: frozenset[str] | None = None
        self._takes_metadata = True
        self._shows_history = True
        self._has_buttons = has_buttons
        #: Whether replies of a severity also appear in the channel.
        self._shows_reply = shows_reply
        self._allowed = button_rights.Allowed(may_act, self.members, context.clock)
        self.may_press, self.is_member = self._allowed.may, self._allowed.is_member

    @property
    def abilities(self) -> ports.Abilities:
        can_look = self._takes_metadata and self._shows_history
        return ports.Abilities(threads=True, edits=True, lookup=can_look, broadcast=True)

    async def send(self, delivery: ports.Delivery) -> model.Receipt:
        place = await self._places.id()
        payload = {**self._payload(delivery), "channel": place}
        if delivery.edits is not None:
            places.check_edited(delivery.edits, place)
            return await self._post("chat.update", {**payload, "ts": delivery.edits.ref})
        if delivery.reply_to is not None:
            places.check_thread(delivery.reply_to, place)
            payload["thread_ts"] = delivery.reply_to.thread or delivery.reply_to.ref
            is_reply = delivery.message.kind is model.MessageKind.REPLY
            if delivery.is_broadcast or (is_reply and self._shows_reply(delivery.message.severity)):
                payload["reply_broadcast"] = True
        # Without Slack's markup, which would format characters that are not escaped.
        receipt = await self._post("chat.postMessage", {**payload, "mrkdwn": False})
        if "thread_ts" in payload and not receipt.thread:
            await self._name_story(delivery, receipt)
        return await self._linked(receipt, delivery.message)

    async def _name_story(self, delivery: ports.Delivery, receipt: model.Receipt) -> None:
        """Edit a reply to name its story: Slack posted it at top level because the head of its thread was deleted."""
        payload = {**self._payload(replace(delivery, reply_to=None)), "channel": receipt.place, "ts": receipt.ref}
        try:
            await self._post("chat.update", payload)
        except ports.SendError as error:
            log.warning("reply outside of its thread does not name its story", channel=self.name, error=str(error))

    async def find(self, delivery: ports.Delivery, *, since: datetime) -> model.Receipt | None:
        place = await self._places.id()
        params: dict[str, str | int] = {
            "channel": place,
            "oldest": f"{since.timestamp():.6f}",
            "include_all_metadata": "true",
            "limit": _PAGE,
        }
        method = "conversations.history"
        if delivery.reply_to is not None:
            places.check_thread(delivery.reply_to, place)
            method, params["ts"] = "conversations.replies", delivery.reply_to.thread or delivery.reply_to.ref
        while True:
            try:
                page = await self._ask_for(method, params)
            except ports.ThreadGone:
                # The thread's head was deleted; Slack may have posted the reply at top level.
                if method == "conversations.history":
                    raise
                method = "conversations.history"
                del params["ts"]
                continue
            except ports.Parked as error:
                if "missing_scope" not in str(error):
                    raise
                self._shows_history = False
                raise ports.Unknown(f"{error}; until then the operator's choice on_unknown decides") from None
            for message in page.get("messages") or ():
                if _send_id(message) == delivery.id:
                    ts = str(message["ts"])
                    thread = str(params.get("ts", ""))
                    receipt = model.Receipt(ref=ts, place=place, thread=thread, sent_at=_time(ts))
                    if delivery.reply_to is not None and not thread:
                        await self._name_story(delivery, receipt)
                    return await self._linked(receipt, delivery.message)
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
            params["cursor"] = cursor

    async def _linked(self, receipt: model.Receipt, message: model.Message) -> model.Receipt:
        """Add the link of a story's first message to its receipt, for pages and other messages. Never raises."""
        if message.kind is not model.MessageKind.POST:
            return receipt
        try:
            answer = await self._ask_for("chat.getPermalink", {"channel": receipt.place, "message_ts": receipt.ref})
        except ports.SendError:
            return receipt
        return replace(receipt, link=phrases.safe_link(str(answer.get("permalink") or "")) or "")

    async def post_ephemeral(self, *, place: str, person: str, text: str, command: str = "") -> None:
        """Answer a person with a message that nobody else sees and that disappears. Raises SendError.

        ``command`` reverses the action; it is shown as code, to copy it.
        """
        clean = visible.lines(text)
        words = rich_text.escaped_to(rich_text.unformatted(clean), rich_text.TEXT_LIMIT)
        # These blocks have no markup, so their text needs no joiners.
        pieces = [rich_text.text(phrases.cut(clean, rich_text.SECTION_LIMIT))]
        if command:
            pieces += [rich_text.text("\nTo end it: "), rich_text.text(command, code=True)]
        payload = {"channel": place, "user": person, "text": words, "parse": "none", "link_names": False}
        shown = [rich_text.rich([rich_text.section(pieces)])]
        await self._ask("chat.postEphemeral", json={**payload, "blocks": shown})

    async def publish_page(self, *, person: str, view: Mapping[str, Any]) -> None:
        """Publish the app's Home tab for one person. Raises SendError."""
        await self._ask("views.publish", json={"user_id": person, "view": view})

    async def members(self, group: str) -> frozenset[str]:
        """Return the ids of the members of a user group, or of the channel if ``group`` is empty. Raises SendError."""
        if not group:
            return await self._channel_members()
        users = (await self._ask_for("usergroups.users.list", {"usergroup": group})).get("users")
        if not isinstance(users, list):
            raise ports.Unknown("usergroups.users.list: the answer has no users")
        return frozenset(user for user in users if isinstance(user, str))

    async def _channel_members(self) -> frozenset[str]:
        place, members, cursor = await self._places.id(), set[str](), ""
        for _ in range(_MEMBER_PAGES):
            params: dict[str, str | int] = {"channel": place, "limit": 1_000, **({"cursor": cursor} if cursor else {})}
            page = await self._ask_for("conversations.members", params)
            members.update(member for member in page.get("members") or () if isinstance(member, str))
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return frozenset(members)

    async def close(self) -> None:
        """No connection is kept open between calls."""

    def _payload(self, delivery: ports.Delivery) -> dict[str, Any]:
        message = delivery.message
        payload: dict[str, Any] = {
            "parse": "none",
            "link_names": False,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if self._takes_metadata:
            story = message.briefs[0].story if len(message.briefs) == 1 else ""
            ids = {"send_id": delivery.id, "story": story}
            payload["metadata"] = {"event_type": _EVENT, "event_payload": ids}
        if delivery.is_plain:
            text = plain_text.whole(message, zone=self._context.zone)
            payload["text"] = rich_text.escaped_to(rich_text.unformatted(text), rich_text.TEXT_LIMIT)
            # Without this an edit would keep the old blocks.
            return {**payload, "blocks": []} if delivery.edits else payload
        payload["text"] = rich_text.escaped_to(plain_text.preview(message), rich_text.TEXT_LIMIT)
        payload["blocks"] = blocks.blocks(
            message,
            names_story=delivery.reply_to is None,
            has_buttons=self._has_buttons,
            zone=self._context.zone,
        )
        return payload

    async def _post(self, method: str, payload: Mapping[str, Any]) -> model.Receipt:
        try:
            data = await self._ask(method, json=payload)
        except ports.Parked:
            await self._places.forget()
            raise
        ref, place = data.get("ts"), data.get("channel")
        if not isinstance(ref, str) or not isinstance(place, str):
            raise ports.Unknown("Slack accepted the message, but its answer has no reference")
        # The thread in which the message really is: a message at top level has no thread_ts, or its own ts.
        message = data.get("message")
        thread = message.get("thread_ts") if isinstance(message, dict) else payload.get("thread_ts")
        thread = thread if isinstance(thread, str) and thread != ref else ""
        return model.Receipt(ref=ref, place=place, thread=thread, sent_at=self._context.clock.now())

    async def _ask_for(self, method: str, params: Mapping[str, str | int]) -> Mapping[str, Any]:
        return await self._ask(method, params=params)

    async def _ask(
        self, method: str, *, json: Mapping[str, Any] | None = None, params: Mapping[str, str | int] | None = None
    ) -> Mapping[str, Any]:
        """Call a method of Slack's Web API. Raises SendError."""
        now = self._context.clock.now()
        closed_until = self._closed_until.get(method, now)
        if closed_until > now:
            raise self._wait(method, closed_until - now)
        client = self._client()
        verb = "POST" if json is not None else "GET"

        body = dict(json) if json is not None else None
        query = dict(params) if params is not None else None
        try:
            response = await threads.run(
                lambda: client.api_call(method, http_verb=verb, json=body, params=query), name=self.name
            )
            granted = next((v for k, v in response.headers.items() if k.lower() == "x-oauth-scopes"), None)
            self._scopes = self._scopes if granted is None else frozenset(granted.replace(" ", "").split(","))
            return response.data if isinstance(response.data, dict) else {}
        except SlackApiError as error:
            raise self._refusal(method, error) from None
        except (OSError, http.client.HTTPException) as error:
            raise http_errors.of_exception(error, who="Slack") from None
        except (SlackClientError, AttributeError, TypeError, ValueError, LookupError) as error:
            # The SDK raises these for answers that are not from Slack: a list, another character set, half a document.
            raise ports.Unknown(f"Slack: the answer cannot be read ({type(error).__name__})") from None

    def _client(self) -> WebClient:
        token = self._context.secret(self._token, what="the Slack token")
        client = WebClient(
            token,
            base_url=self._api_url,
            timeout=_TIMEOUT,
            ssl=sdk_setup.tls(),
            # The default handler repeats a post whose answer was lost, which may post it twice.
            retry_handlers=[],
            logger=sdk_setup.silent_logger(),
        )
        # Let urllib read the environment: the SDK ignores its exceptions from the proxy.
        client.proxy = None
        return client

    def _refusal(self, method: str, error: SlackApiError) -> ports.SendError:
        response = error.response
        now = self._context.clock.now()
        data = response.data if isinstance(response.data, dict) else {}
        code = data.get("error")
        has_code = isinstance(code, str) and _CODE.match(code) is not None
        status = int(response.status_code)
        if status == 429 or code in ("ratelimited", "rate_limited"):
            pause = http_errors.retry_after(response.headers, now=now) or timedelta(seconds=1)
            self._closed_until[method] = now + pause
            return self._wait(method, pause)
        if status >= 500 or not has_code:
            return http_errors.of_status(status, who="Slack", headers=response.headers, now=now)
        if code in errors.METADATA_CODES:
            self._takes_metadata = False
        return errors.error_of(str(code), doing=method, needed=str(data.get("needed") or ""))

    def _wait(self, method: str, pause: timedelta) -> ports.Wait:
        """Return the error for a rate limit; only the limit of posts concerns the whole channel."""
        is_post = method == "chat.postMessage"
        return ports.Wait(f"{method}: Slack says too many requests", after=pause, whole_channel=is_post)

    async def check(self) -> Sequence[ports.CheckLine]:
        """Check token, scopes, channel and membership; the help of each line says what to click."""
        try:
            who = await self._ask("auth.test", json={})
        except ports.SendError as error:
            return [ports.CheckLine(is_good=False, what="the token is accepted", help=str(error))]
        lines = [ports.CheckLine(is_good=True, what=f"the token belongs to {who.get('user')} in {who.get('team')}")]
        try:
            place = await self._places.id()
            channel = (await self._ask_for("conversations.info", {"channel": place})).get("channel") or {}
        except ports.SendError as error:
            missing = ports.CheckLine(is_good=False, what=f"the channel {self._to} is found", help=str(error))
            return [*lines, *self._check_scopes(SCOPES), missing]
        # A public channel does not need the scopes for private channels, and vice versa.
        needed, unneeded = ("groups:", "channels:") if channel.get("is_private") else ("channels:", "groups:")
        lines += self._check_scopes([scope for scope in SCOPES if not scope.startswith(unneeded)])
        if self._scopes is not None:
            self._shows_history = f"{needed}history" in self._scopes
        lines.append(ports.CheckLine(is_good=True, what=f"the channel is #{channel.get('name')} ({place})"))
        for is_good, what, code in (
            (not channel.get("is_archived"), "the channel is open", "is_archived"),
            (bool(channel.get("is_member")), "the app is a member of the channel", "not_in_channel"),
        ):
            lines.append(ports.CheckLine.of(is_good, what, otherwise=errors.TABLE[code][1]))
        return [*lines, *await self._allowed.check()]

    def _check_scopes(self, scopes: Iterable[str]) -> list[ports.CheckLine]:
        if self._scopes is None:
            return []
        have = self._scopes
        add = "add it under OAuth & Permissions, then Reinstall to Workspace"
        return [
            ports.CheckLine.of(scope in have, f"scope {scope}", otherwise=f"missing for {SCOPES[scope]}: {add}")
            for scope in scopes
        ]


def _send_id(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return payload.get("send_id") if metadata.get("event_type") == _EVENT else None


def _time(ts: str) -> datetime:
    return datetime.fromtimestamp(float(ts), UTC)
