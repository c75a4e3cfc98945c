"""Send to Slack by bot token: threads, edits and a look-up of what arrived. The full mode.

Also Slack's error codes, the look-up of a channel's id by its name, and who may press buttons there.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import re
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot import model
from bot.channels.kit import context, errors, phrases, rendering
from bot.channels.kit.context import ChannelContext, KeyValues
from bot.channels.kit.errors import Act
from bot.channels.slack import blocks
from bot.model import visible

#: Slack's error code -> the reaction, and advice to the operator (docs/channels.md has the same table). Codes from
#: Slack's method reference (chat.postMessage, chat.update, conversations.*) and from observed answers.
ERRORS: Mapping[str, tuple[Act, str]] = {
    "ratelimited": (Act.WAIT, ""),
    "rate_limited": (Act.WAIT, ""),
    "service_unavailable": (Act.WAIT, ""),
    "team_added_to_org": (Act.WAIT, "the workspace is being moved to an organisation"),
    "org_login_required": (Act.WAIT, "the workspace is being moved to an organisation"),
    "external_channel_migrating": (Act.WAIT, "the channel is being moved"),
    "fatal_error": (Act.LOOK, ""),
    "internal_error": (Act.LOOK, ""),
    "request_timeout": (Act.LOOK, ""),
    "update_failed": (Act.LOOK, ""),
    "invalid_blocks": (Act.SIMPLIFY, ""),
    "invalid_blocks_format": (Act.SIMPLIFY, ""),
    "msg_blocks_too_long": (Act.SIMPLIFY, ""),
    "msg_too_long": (Act.SIMPLIFY, ""),
    "no_text": (Act.SIMPLIFY, ""),
    "markdown_text_conflict": (Act.SIMPLIFY, ""),
    "attachment_payload_limit_exceeded": (Act.SIMPLIFY, ""),
    "too_many_attachments": (Act.SIMPLIFY, ""),
    "block_mismatch": (Act.SIMPLIFY, ""),
    "metadata_too_large": (Act.SIMPLIFY, ""),
    "metadata_must_be_sent_from_app": (Act.SIMPLIFY, ""),
    "invalid_metadata_format": (Act.SIMPLIFY, ""),
    "invalid_metadata_schema": (Act.SIMPLIFY, ""),
    "invalid_arguments": (Act.SIMPLIFY, ""),
    "invalid_arg_name": (Act.SIMPLIFY, ""),
    "invalid_array_arg": (Act.SIMPLIFY, ""),
    "invalid_payload": (Act.SIMPLIFY, ""),
    "cannot_reply_to_message": (Act.TOP_LEVEL, ""),
    "thread_not_found": (Act.TOP_LEVEL, ""),
    "restricted_action_thread_locked": (Act.TOP_LEVEL, ""),
    "restricted_action_non_threadable_channel": (Act.TOP_LEVEL, ""),
    "message_not_found": (Act.LEAVE, ""),
    "edit_window_closed": (Act.LEAVE, ""),
    "cant_update_message": (Act.LEAVE, ""),
    "channel_not_found": (
        Act.PARK_CHANNEL,
        "check `to:` in bot.yaml; a private channel is seen only after the app was invited: /invite the app there",
    ),
    "not_in_channel": (Act.PARK_CHANNEL, "invite the app: type /invite and its name in the channel"),
    "is_archived": (Act.PARK_CHANNEL, "unarchive the channel, or name another in bot.yaml"),
    "restricted_action": (Act.PARK_CHANNEL, "a workspace setting stops apps from posting there: ask an admin"),
    "restricted_action_read_only_channel": (Act.PARK_CHANNEL, "the channel is read-only: ask its admin"),
    "restricted_action_thread_only_channel": (Act.PARK_CHANNEL, "the channel takes only replies: ask its admin"),
    "ekm_access_denied": (Act.PARK_CHANNEL, "the organisation's key policy stops posting there: ask an admin"),
    "messages_tab_disabled": (Act.PARK_CHANNEL, "turn on the app's Messages tab under App Home"),
    "method_not_supported_for_channel_type": (Act.PARK_CHANNEL, "name a channel, not a conversation, in `to:`"),
    "channel_is_archived": (Act.PARK_CHANNEL, "unarchive the channel, or make a webhook for another"),
    "action_prohibited": (Act.PARK_CHANNEL, "a workspace setting stops webhooks there: ask an admin"),
    "posting_to_general_channel_denied": (Act.PARK_CHANNEL, "only some members may post there: ask an admin"),
    "user_not_found": (Act.PARK_CHANNEL, "the webhook's receiver is gone: make a new webhook"),
    "no_service": (Act.PARK_CHANNEL, "the webhook was removed or turned off: make a new one"),
    "no_service_id": (Act.PARK_CHANNEL, "the webhook's address is cut or mistyped"),
    "no_active_hooks": (Act.PARK_CHANNEL, "the webhook was turned off: make a new one"),
    "no_team": (Act.PARK_CHANNEL, "the webhook's address is cut or mistyped"),
    "team_disabled": (Act.PARK_CHANNEL, "the workspace is closed"),
    "invalid_token": (Act.PARK_CHANNEL, "the webhook's address is cut, mistyped or withdrawn"),
    "not_authed": (Act.PARK_WORKSPACE, "the request carried no token"),
    "invalid_auth": (
        Act.PARK_WORKSPACE,
        "copy the Bot User OAuth Token (xoxb-…) from the app's page, OAuth & Permissions, into what `token:` names",
    ),
    "account_inactive": (Act.PARK_WORKSPACE, "the app was removed from the workspace: install it again"),
    "token_revoked": (Act.PARK_WORKSPACE, "install the app again and copy its new token into what `token:` names"),
    "token_expired": (
        Act.PARK_WORKSPACE,
        "turn token rotation off for the app, or copy a new token into what `token:` names",
    ),
    "not_allowed_token_type": (Act.PARK_WORKSPACE, "use the Bot User OAuth Token (xoxb-…)"),
    "missing_scope": (Act.PARK_WORKSPACE, "add the scope under OAuth & Permissions and install the app again"),
    "no_permission": (Act.PARK_WORKSPACE, "the workspace's settings refuse the app: ask an admin"),
    "access_denied": (Act.PARK_WORKSPACE, "the workspace's settings refuse the app: ask an admin"),
    "team_access_not_granted": (Act.PARK_WORKSPACE, "grant the app access to this workspace"),
    "enterprise_is_restricted": (Act.PARK_WORKSPACE, "the organisation refuses the method: ask an admin"),
    "two_factor_setup_required": (Act.PARK_WORKSPACE, "set up two-factor authentication in the workspace"),
    "message_limit_exceeded": (Act.PARK_WORKSPACE, "the workspace's plan takes no more messages"),
    "deprecated_endpoint": (Act.PARK_WORKSPACE, "update Wirewatch"),
    "method_deprecated": (Act.PARK_WORKSPACE, "update Wirewatch"),
}

#: Codes for refused metadata, not for a refused text.
METADATA_CODES = frozenset(code for code in ERRORS if "metadata" in code)


def error_of_code(code: str, *, doing: str, needed: str = "") -> model.SendError:
    """Return the error for a code of Slack; ``needed`` is the missing scope."""
    act, advice = ERRORS.get(
        code, (Act.PARK_CHANNEL, "this version does not know this error code; see docs.slack.dev for its meaning")
    )
    scope = f" {needed}" if needed else ""
    return errors.send_error(act, f"{doing}: Slack says {code}{scope}", advice=advice)


@cache
def tls_context() -> ssl.SSLContext:
    """Return a shared TLS context: reading the system's certificates takes tens of milliseconds."""
    return ssl.create_default_context()


@cache
def silent_logger() -> logging.Logger:
    """Return a logger for the SDK that drops everything: it would log payloads and the secret address of a webhook."""
    logger = logging.getLogger("wirewatch.slack_sdk")
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    return logger


#: The maximum of conversations.list.
_CHANNELS_PER_PAGE = 1_000
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{7,}\Z")

CallMethod = Callable[[str, Mapping[str, str | int]], Awaitable[Mapping[str, Any]]]


class ChannelLookup:
    """The id of the configured channel, looked up once and stored: posting takes a name, other methods an id."""

    def __init__(self, to: str, *, key_values: KeyValues, key: str, ask: CallMethod) -> None:
        self._name = to.removeprefix("#")
        self._configured_id = to if _CHANNEL_ID.match(to) else None
        self._key_values = key_values
        self._key = f"{key}:{self._name}"
        self._ask = ask
        self._id: str | None = None
        #: Where to continue a listing that hit a rate limit: a large workspace has more pages than a minute allows.
        self._cursor = ""
        self._types = "public_channel,private_channel"
        #: One listing at a time: two would share the cursor.
        self._finding = asyncio.Lock()

    async def id(self) -> str:
        """Return the id. Raises Parked if no channel has the name, or the error of the call."""
        if self._configured_id:
            return self._configured_id
        async with self._finding:
            if self._id is None:
                self._id = await self._key_values.get(self._key) or await self._find()
            return self._id

    async def forget(self) -> None:
        """Forget the id: the channel may have been deleted or archived, or the workspace changed."""
        if self._id is not None:
            self._id, self._cursor = None, ""
            await self._key_values.put(self._key, "")

    async def _find(self) -> str:
        while True:
            page = await self._page()
            for channel in page.get("channels") or ():
                if channel.get("name") == self._name or channel.get("name_normalized") == self._name:
                    self._cursor = ""
                    await self._key_values.put(self._key, channel["id"])
                    return str(channel["id"])
            self._cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not self._cursor:
                raise self._not_found()

    async def _page(self) -> Mapping[str, Any]:
        params: dict[str, str | int] = {"types": self._types, "exclude_archived": "true", "limit": _CHANNELS_PER_PAGE}
        if self._cursor:
            params["cursor"] = self._cursor
        try:
            return await self._ask("conversations.list", params)
        except model.ChannelClosed as error:
            if "missing_scope groups:read" not in str(error) or "private" not in self._types:
                raise
            # Without the scope groups:read only public channels can be listed.
            self._types, self._cursor = "public_channel", ""
            return await self._page()

    def _not_found(self) -> model.ChannelClosed:
        private = "" if "private" in self._types else " (it needs the scope groups:read to see private channels)"
        return model.ChannelClosed(
            f"the app sees no channel #{self._name}{private}; check `to:` in bot.yaml, "
            "and type /invite and the app's name in a private channel"
        )


log = structlog.get_logger()

#: Changes of members take effect after this.
MEMBERS_MAX_AGE = timedelta(minutes=5)
_PERSON = re.compile(r"[UW][A-Z0-9]{1,20}\Z")
_GROUP = re.compile(r"S[A-Z0-9]{1,20}\Z")

#: Returns the members of a user group by its id, or of the channel by an empty id. Raises SendError.
FetchMembers = Callable[[str], Awaitable[frozenset[str]]]


class ButtonRights:
    """The people who may press the buttons of a channel: those listed in its options, and its members.

    If Slack does not return the members of a group or channel, they may not press: a press has effects for others.
    """

    def __init__(self, listed: Sequence[str], members: FetchMembers, clock: model.Clock) -> None:
        self._persons = frozenset(person_or_group for person_or_group in listed if _PERSON.match(person_or_group))
        self.groups = tuple(person_or_group for person_or_group in listed if _GROUP.match(person_or_group))
        self._members = members
        self._clock = clock
        self._fetched: dict[str, tuple[datetime, frozenset[str]]] = {}

    async def may(self, person: str) -> bool:
        """Return whether the person is listed or in a listed group; without a list everybody may."""
        if not self._persons and not self.groups:
            return True
        if person in self._persons:
            return True
        return any([person in await self._of(group) for group in self.groups])

    async def is_member(self, person: str) -> bool:
        """Return whether the person is a member of the channel."""
        return person in await self._of("")

    async def check(self) -> list[model.CheckLine]:
        """Return a line for each listed group."""
        lines = []
        for group in self.groups:
            what = f"the members of the user group {group} can be read"
            try:
                await self._members(group)
            except model.SendError as error:
                text = f"{error}; the app needs the scope usergroups:read for may_act with a group"
                lines.append(model.CheckLine(is_good=False, what=what, help=text))
            else:
                lines.append(model.CheckLine(is_good=True, what=what))
        return lines

    async def _of(self, group: str) -> frozenset[str]:
        now = self._clock.now()
        fetched_at, members = self._fetched.get(group, (None, frozenset[str]()))
        if fetched_at is None or not timedelta() <= now - fetched_at < MEMBERS_MAX_AGE:
            try:
                members = await self._members(group)
            except model.SendError as error:
                # Keep the members of the last answer.
                log.warning("user group not known" if group else "channel members not known", error=str(error))
                return members
            self._fetched[group] = now, members
        return members


#: Seconds for each connect, send and read; the sender limits the whole call.
_TIMEOUT = 15
_MESSAGES_PER_PAGE = 200
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
        self._places = ChannelLookup(to, key_values=context.key_values, key=self.account, ask=self._ask_for)
        #: The end of the rate limit of each method.
        self._closed_until: dict[str, datetime] = {}
        #: The token's scopes, from the header of the last answer; None if it had none.
        self._scopes: frozenset[str] | None = None
        self._takes_metadata = True
        self._shows_history = True
        self._has_buttons = has_buttons
        #: Whether replies of a severity also appear in the channel.
        self._shows_reply = shows_reply
        self._allowed = ButtonRights(may_act, self.members, context.clock)
        self.may_press, self.is_member = self._allowed.may, self._allowed.is_member

    @property
    def abilities(self) -> model.Abilities:
        can_look = self._takes_metadata and self._shows_history
        return model.Abilities(threads=True, edits=True, lookup=can_look, broadcast=True)

    async def send(self, delivery: model.Delivery) -> model.Receipt:
        place = await self._places.id()
        payload = {**self._payload(delivery), "channel": place}
        if delivery.edits is not None:
            context.check_edited(delivery.edits, place)
            return await self._post("chat.update", {**payload, "ts": delivery.edits.ref})
        if delivery.reply_to is not None:
            context.check_thread(delivery.reply_to, place)
            payload["thread_ts"] = delivery.reply_to.thread or delivery.reply_to.ref
            is_reply = delivery.message.kind is model.MessageKind.REPLY
            if delivery.is_broadcast or (is_reply and self._shows_reply(delivery.message.severity)):
                payload["reply_broadcast"] = True
        # Without Slack's markup, which would format characters that are not escaped.
        receipt = await self._post("chat.postMessage", {**payload, "mrkdwn": False})
        if "thread_ts" in payload and not receipt.thread:
            await self._name_story(delivery, receipt)
        return await self._linked(receipt, delivery.message)

    async def _name_story(self, delivery: model.Delivery, receipt: model.Receipt) -> None:
        """Edit a reply to name its story: Slack posted it at top level because the head of its thread was deleted."""
        payload = {**self._payload(replace(delivery, reply_to=None)), "channel": receipt.place, "ts": receipt.ref}
        try:
            await self._post("chat.update", payload)
        except model.SendError as error:
            log.warning("reply outside of its thread does not name its story", channel=self.name, error=str(error))

    async def find(self, delivery: model.Delivery, *, since: datetime) -> model.Receipt | None:
        place = await self._places.id()
        params: dict[str, str | int] = {
            "channel": place,
            "oldest": f"{since.timestamp():.6f}",
            "include_all_metadata": "true",
            "limit": _MESSAGES_PER_PAGE,
        }
        method = "conversations.history"
        if delivery.reply_to is not None:
            context.check_thread(delivery.reply_to, place)
            method, params["ts"] = "conversations.replies", delivery.reply_to.thread or delivery.reply_to.ref
        while True:
            try:
                page = await self._ask_for(method, params)
            except model.ThreadGone:
                # The thread's head was deleted; Slack may have posted the reply at top level.
                if method == "conversations.history":
                    raise
                method = "conversations.history"
                del params["ts"]
                continue
            except model.ChannelClosed as error:
                if "missing_scope" not in str(error):
                    raise
                self._shows_history = False
                raise model.OutcomeUnknown(f"{error}; until then the operator's choice on_unknown decides") from None
            for message in page.get("messages") or ():
                if _send_id(message) == delivery.id:
                    ts = str(message["ts"])
                    thread = str(params.get("ts", ""))
                    receipt = model.Receipt(ref=ts, place=place, thread=thread, sent_at=_parse_ts(ts))
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
        except model.SendError:
            return receipt
        return replace(receipt, link=phrases.safe_link(str(answer.get("permalink") or "")) or "")

    async def post_ephemeral(self, *, place: str, person: str, text: str, command: str = "") -> None:
        """Answer a person with a message that nobody else sees and that disappears. Raises SendError.

        ``command`` reverses the action; it is shown as code, to copy it.
        """
        clean = visible.lines(text)
        words = blocks.escape_to(blocks.break_formats(clean), blocks.TEXT_LIMIT)
        # These blocks have no markup, so their text needs no joiners.
        pieces = [blocks.text_element(phrases.cut(clean, blocks.SECTION_LIMIT))]
        if command:
            pieces += [blocks.text_element("\nTo end it: "), blocks.text_element(command, code=True)]
        payload = {"channel": place, "user": person, "text": words, "parse": "none", "link_names": False}
        shown = [blocks.rich_text_block([blocks.section_element(pieces)])]
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
            raise model.OutcomeUnknown("usergroups.users.list: the answer has no users")
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

    def _payload(self, delivery: model.Delivery) -> dict[str, Any]:
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
            text = rendering.plain_message(message, zone=self._context.zone)
            payload["text"] = blocks.escape_to(blocks.break_formats(text), blocks.TEXT_LIMIT)
            # Without this an edit would keep the old blocks.
            return {**payload, "blocks": []} if delivery.edits else payload
        payload["text"] = blocks.escape_to(rendering.plain_preview(message), blocks.TEXT_LIMIT)
        payload["blocks"] = blocks.build_blocks(
            message,
            names_story=delivery.reply_to is None,
            has_buttons=self._has_buttons,
            zone=self._context.zone,
        )
        return payload

    async def _post(self, method: str, payload: Mapping[str, Any]) -> model.Receipt:
        try:
            data = await self._ask(method, json=payload)
        except model.ChannelClosed:
            await self._places.forget()
            raise
        ref, place = data.get("ts"), data.get("channel")
        if not isinstance(ref, str) or not isinstance(place, str):
            raise model.OutcomeUnknown("Slack accepted the message, but its answer has no reference")
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
            response = await context.run_in_thread(
                lambda: client.api_call(method, http_verb=verb, json=body, params=query), name=self.name
            )
            granted = next((v for k, v in response.headers.items() if k.lower() == "x-oauth-scopes"), None)
            self._scopes = self._scopes if granted is None else frozenset(granted.replace(" ", "").split(","))
            return response.data if isinstance(response.data, dict) else {}
        except SlackApiError as error:
            raise self._refusal(method, error) from None
        except (OSError, http.client.HTTPException) as error:
            raise errors.error_of_exception(error, who="Slack") from None
        except (SlackClientError, AttributeError, TypeError, ValueError, LookupError) as error:
            # The SDK raises these for answers that are not from Slack: a list, another character set, half a document.
            raise model.OutcomeUnknown(f"Slack: the answer cannot be read ({type(error).__name__})") from None

    def _client(self) -> WebClient:
        token = self._context.secret(self._token, what="the Slack token")
        client = WebClient(
            token,
            base_url=self._api_url,
            timeout=_TIMEOUT,
            ssl=tls_context(),
            # The default handler repeats a post whose answer was lost, which may post it twice.
            retry_handlers=[],
            logger=silent_logger(),
        )
        # Let urllib read the environment: the SDK ignores its exceptions from the proxy.
        client.proxy = None
        return client

    def _refusal(self, method: str, error: SlackApiError) -> model.SendError:
        response = error.response
        now = self._context.clock.now()
        data = response.data if isinstance(response.data, dict) else {}
        code = data.get("error")
        has_code = isinstance(code, str) and _CODE.match(code) is not None
        status = int(response.status_code)
        if status == 429 or code in ("ratelimited", "rate_limited"):
            pause = errors.parse_retry_after(response.headers, now=now) or timedelta(seconds=1)
            self._closed_until[method] = now + pause
            return self._wait(method, pause)
        if status >= 500 or not has_code:
            return errors.error_of_status(status, who="Slack", headers=response.headers, now=now)
        if code in METADATA_CODES:
            self._takes_metadata = False
        return error_of_code(str(code), doing=method, needed=str(data.get("needed") or ""))

    def _wait(self, method: str, pause: timedelta) -> model.RetryLater:
        """Return the error for a rate limit; only the limit of posts concerns the whole channel."""
        is_post = method == "chat.postMessage"
        return model.RetryLater(f"{method}: Slack says too many requests", after=pause, whole_channel=is_post)

    async def check(self) -> Sequence[model.CheckLine]:
        """Check token, scopes, channel and membership; the help of each line says what to click."""
        try:
            who = await self._ask("auth.test", json={})
        except model.SendError as error:
            return [model.CheckLine(is_good=False, what="the token is accepted", help=str(error))]
        lines = [model.CheckLine(is_good=True, what=f"the token belongs to {who.get('user')} in {who.get('team')}")]
        try:
            place = await self._places.id()
            channel = (await self._ask_for("conversations.info", {"channel": place})).get("channel") or {}
        except model.SendError as error:
            missing = model.CheckLine(is_good=False, what=f"the channel {self._to} is found", help=str(error))
            return [*lines, *self._check_scopes(SCOPES), missing]
        # A public channel does not need the scopes for private channels, and vice versa.
        needed, unneeded = ("groups:", "channels:") if channel.get("is_private") else ("channels:", "groups:")
        lines += self._check_scopes([scope for scope in SCOPES if not scope.startswith(unneeded)])
        if self._scopes is not None:
            self._shows_history = f"{needed}history" in self._scopes
        lines.append(model.CheckLine(is_good=True, what=f"the channel is #{channel.get('name')} ({place})"))
        for is_good, what, code in (
            (not channel.get("is_archived"), "the channel is open", "is_archived"),
            (bool(channel.get("is_member")), "the app is a member of the channel", "not_in_channel"),
        ):
            lines.append(model.CheckLine.of(is_good, what, otherwise=ERRORS[code][1]))
        return [*lines, *await self._allowed.check()]

    def _check_scopes(self, scopes: Iterable[str]) -> list[model.CheckLine]:
        if self._scopes is None:
            return []
        have = self._scopes
        add = "add it under OAuth & Permissions, then Reinstall to Workspace"
        return [
            model.CheckLine.of(scope in have, f"scope {scope}", otherwise=f"missing for {SCOPES[scope]}: {add}")
            for scope in scopes
        ]


def _send_id(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return payload.get("send_id") if metadata.get("event_type") == _EVENT else None


def _parse_ts(ts: str) -> datetime:
    return datetime.fromtimestamp(float(ts), UTC)
