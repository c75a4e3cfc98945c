"""Send to Slack by bot token: threads, edits and a look-up of what arrived. The full mode.

Also Slack's error codes, the look-up of a channel's id by its name, and who may press buttons there.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookClient, WebhookResponse

from bot import model
from bot.channels.kit import phrases, rendering
from bot.channels.kit.context import (
    ChannelContext,
    StoredId,
    check_edited,
    check_thread,
    passed,
    run_in_thread,
    step,
)
from bot.channels.kit.errors import (
    Act,
    ErrorTable,
    error_of_exception,
    error_of_status,
    parse_retry_after,
    rows,
    send_error,
)
from bot.channels.slack import Channel, Options, blocks
from bot.model import visible

#: Slack's error code -> the reaction, and advice to the operator (for channel-answers.md). Codes from
#: Slack's method reference (chat.postMessage, chat.update, conversations.*) and from observed answers.
ERRORS: ErrorTable = {
    **rows(Act.WAIT, "ratelimited", "rate_limited", "service_unavailable"),
    **rows(
        Act.WAIT,
        *("team_added_to_org", "org_login_required"),
        advice="the workspace is being moved to an organisation",
    ),
    "external_channel_migrating": (Act.WAIT, "the channel is being moved"),
    **rows(Act.LOOK, "fatal_error", "internal_error", "request_timeout", "update_failed"),
    **rows(
        Act.SIMPLIFY,
        *("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text"),
        *("markdown_text_conflict", "attachment_payload_limit_exceeded", "too_many_attachments", "block_mismatch"),
        *("metadata_too_large", "metadata_must_be_sent_from_app", "invalid_metadata_format"),
        *("invalid_metadata_schema", "invalid_arguments", "invalid_arg_name", "invalid_array_arg", "invalid_payload"),
    ),
    **rows(
        Act.TOP_LEVEL,
        *("cannot_reply_to_message", "thread_not_found"),
        *("restricted_action_thread_locked", "restricted_action_non_threadable_channel"),
    ),
    **rows(Act.LEAVE, "message_not_found", "edit_window_closed", "cant_update_message"),
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
    **rows(Act.PARK_CHANNEL, "no_service_id", "no_team", advice="the webhook's address is cut or mistyped"),
    "no_active_hooks": (Act.PARK_CHANNEL, "the webhook was turned off: make a new one"),
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
    **rows(
        Act.PARK_WORKSPACE,
        *("no_permission", "access_denied"),
        advice="the workspace's settings refuse the app: ask an admin",
    ),
    "team_access_not_granted": (Act.PARK_WORKSPACE, "grant the app access to this workspace"),
    "enterprise_is_restricted": (Act.PARK_WORKSPACE, "the organisation refuses the method: ask an admin"),
    "two_factor_setup_required": (Act.PARK_WORKSPACE, "set up two-factor authentication in the workspace"),
    "message_limit_exceeded": (Act.PARK_WORKSPACE, "the workspace's plan takes no more messages"),
    **rows(Act.PARK_WORKSPACE, "deprecated_endpoint", "method_deprecated", advice="update Wirewatch"),
}

#: Codes for refused metadata, not for a refused text.
METADATA_CODES = frozenset(code for code in ERRORS if "metadata" in code)


def error_of_code(code: str, *, doing: str, needed: str = "") -> model.SendError:
    """Return the error for a code of Slack; ``needed`` is the missing scope."""
    act, advice = ERRORS.get(
        code, (Act.PARK_CHANNEL, "this version does not know this error code; see docs.slack.dev for its meaning")
    )
    scope = f" {needed}" if needed else ""
    return send_error(act, f"{doing}: Slack says {code}{scope}", advice=advice)


def error_of_refusal(
    error: SlackApiError, *, doing: str, now: datetime, advice: Mapping[str, str] | None = None
) -> model.SendError:
    """Return the error for a refused call. ``advice`` overrides the advice of the table for some codes."""
    response, code, status = error.response, _code(error), int(error.response.status_code)
    if _is_rate_limit(error):
        return _rate_limit(doing, parse_retry_after(response.headers, now=now) or timedelta(seconds=1))
    if advice and code in advice:
        return model.ChannelClosed(f"{doing}: Slack says {code}; {advice[code]}")
    if status >= 500 or not _CODE.match(code):
        return error_of_status(status, who="Slack", headers=response.headers, now=now)
    return error_of_code(code, doing=doing, needed=str(response.data.get("needed") or ""))


def _code(error: SlackApiError) -> str:
    data = error.response.data
    return str(data.get("error") or "") if isinstance(data, dict) else ""


def _is_rate_limit(error: SlackApiError) -> bool:
    return int(error.response.status_code) == 429 or _code(error) in ("ratelimited", "rate_limited")


def _rate_limit(method: str, wait: timedelta) -> model.RetryLater:
    """Return the error for a rate limit; only the limit of posts concerns the whole channel."""
    return model.RetryLater(f"{method}: Slack says too many requests", after=wait, whole_channel=method == _POST)


@cache
def silent_logger() -> logging.Logger:
    """Return a logger for the SDK that drops everything: it would log payloads and the secret address of a webhook."""
    logger = logging.getLogger("wirewatch.slack_sdk")
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    return logger


@cache
def _sdk_options() -> dict[str, Any]:
    """Return what all clients of the SDK share; reading the system's certificates takes tens of milliseconds."""
    tls_context = ssl.create_default_context()
    # The default retry handler repeats a post whose answer was lost, which may post it twice.
    return {"timeout": _TIMEOUT, "ssl": tls_context, "retry_handlers": [], "logger": silent_logger()}


def web_client(base_url: str, *, token: str | None = None) -> WebClient:
    client = WebClient(token, base_url=base_url, **_sdk_options())
    # Let urllib read the environment: the SDK ignores its exceptions from the proxy.
    client.proxy = None
    return client


async def post_to_webhook(url: str, body: dict[str, Any], *, name: str) -> WebhookResponse:
    """Post to a webhook, or to the response address of a command. Raises SendError."""
    client = WebhookClient(url, **_sdk_options())
    client.proxy = None
    with map_sdk_errors():
        return await run_in_thread(lambda: client.send_dict(body), name=name)


@contextlib.contextmanager
def map_sdk_errors() -> Iterator[None]:
    """Map the SDK's exceptions to SendError, except for Slack's refusals."""
    try:
        yield
    except SlackApiError:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise error_of_exception(error, who="Slack") from None
    except (SlackClientError, AttributeError, TypeError, ValueError, LookupError) as error:
        # The SDK raises these for answers that are not from Slack: a list, another character set, half a document.
        raise model.OutcomeUnknown(f"Slack: the answer cannot be read ({type(error).__name__})") from None


#: The maximum of conversations.list.
_CHANNELS_PER_PAGE = 1_000
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{7,}\Z")

log = structlog.get_logger()

#: Changes of members take effect after this.
MEMBERS_MAX_AGE = timedelta(minutes=5)
#: Returns the members of a user group by its id, or of the channel by an empty id. Raises SendError.
FetchMembers = Callable[[str], Awaitable[frozenset[str]]]


class ButtonRights:
    """The people who may press the buttons of a channel: those listed in its options, and its members.

    If Slack does not return the members of a group or channel, they may not press: a press has effects for others.
    """

    def __init__(self, listed: Sequence[str], members: FetchMembers, clock: model.Clock) -> None:
        self._people = frozenset(listed)
        self._groups = tuple(group for group in listed if group.startswith("S"))
        self._members = members
        self._clock = clock
        self._fetched: dict[str, tuple[datetime, frozenset[str]]] = {}

    async def may(self, person: str) -> bool:
        """Return whether the person is listed or in a listed group; without a list everybody may."""
        if not self._people or person in self._people:
            return True
        return any([await self.is_member(person, group) for group in self._groups])

    async def is_member(self, person: str, group: str = "") -> bool:
        """Return whether the person is a member of the user group, or of the channel."""
        now = self._clock.now()
        fetched_at, members = self._fetched.get(group, (None, frozenset[str]()))
        if fetched_at is None or not timedelta() <= now - fetched_at < MEMBERS_MAX_AGE:
            try:
                members = await self._members(group)
                self._fetched[group] = now, members
            except model.SendError as error:
                # Keep the members of the last answer.
                log.warning("user group not known" if group else "channel members not known", error=str(error))
        return person in members

    async def check(self) -> AsyncIterator[model.CheckLine]:
        """Yield a line for each listed group."""
        for group in self._groups:
            what = f"the members of the user group {group} can be read"
            try:
                await self._members(group)
            except model.SendError as error:
                advice = f"{error}; the app needs the scope usergroups:read for may_act with a group"
                yield model.CheckLine(is_good=False, what=what, help=advice)
            else:
                yield passed(what)


#: Seconds for each connect, send and read; the sender limits the whole call.
_TIMEOUT = 15
_MESSAGES_PER_PAGE = 200
#: Maximum pages of 1,000 members read from a channel.
_MEMBER_PAGES = 30
_EVENT = "wirewatch_message"
_CODE = re.compile(r"[a-z][a-z0-9_]*\Z")
_POST = "chat.postMessage"
_APP_CREDENTIALS = (
    "copy the app-level token (xapp-…) into what `app_token:` names: Basic Information, App-Level Tokens; its scope is "
    "connections:write"
)
#: Error code of apps.connections.open -> advice, where the app token causes the error.
_CONNECTION_ADVICE = {
    **dict.fromkeys(
        ("not_authed", "invalid_auth", "not_allowed_token_type", "token_revoked", "token_expired"), _APP_CREDENTIALS
    ),
    **dict.fromkeys(
        ("missing_scope", "no_permission"), "create a new app-level token with the scope connections:write"
    ),
    "socket_mode_not_enabled": "turn on Socket Mode on the app's page",
    "forbidden_team": "the app is not installed in this workspace",
}
#: Scope -> what needs it.
SCOPES = {
    "chat:write": "posting",
    "channels:read": "finding a public channel by name, and knowing its members",
    "groups:read": "finding a private channel by name, and knowing its members",
    "channels:history": "checking, in public channels, whether a message arrived",
    "groups:history": "checking, in private channels, whether a message arrived",
}


class BotChannel(Channel):
    """A channel of a workspace, by bot token."""

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        assert options.to is not None
        assert options.token is not None
        account = f"slack {options.base_url} {options.token.reference}"
        super().__init__(name, options, context, account=account)
        self._token = options.token
        self._name = options.to.removeprefix("#")
        # Posting takes a name, other methods an id.
        is_id = _CHANNEL_ID.match(options.to)
        key = f"{account}:{self._name}"
        self._place = StoredId(context, key, self._find_channel, configured=options.to if is_id else "")
        #: Where to continue a listing that hit a rate limit: a large workspace has more pages than a minute allows.
        self._cursor = ""
        self._types = "public_channel,private_channel"
        #: The end of the rate limit of each method.
        self._closed_until: dict[str, datetime] = {}
        #: The token's scopes, from the header of the last answer; None if it had none.
        self._scopes: frozenset[str] | None = None
        self._takes_metadata = True
        self._shows_history = True
        self.rights = ButtonRights(options.may_act, self._members, context.clock)

    @property
    def abilities(self) -> model.Abilities:
        can_look = self._takes_metadata and self._shows_history
        return model.Abilities(threads=True, edits=True, lookup=can_look, broadcast=True)

    async def send(self, delivery: model.Delivery) -> model.Receipt:
        place = await self._place.get()
        payload = {**self._payload(delivery), "channel": place}
        if delivery.edits is not None:
            check_edited(delivery.edits, place)
            return await self._post("chat.update", {**payload, "ts": delivery.edits.ref})
        if delivery.reply_to is not None:
            check_thread(delivery.reply_to, place)
            payload["thread_ts"] = delivery.reply_to.thread or delivery.reply_to.ref
            is_reply = delivery.message.kind is model.MessageKind.REPLY
            if delivery.is_broadcast or (is_reply and self.options.broadcast.shows(delivery.message.severity)):
                payload["reply_broadcast"] = True
        # Without Slack's markup, which would format characters that are not escaped.
        receipt = await self._post(_POST, {**payload, "mrkdwn": False})
        if "thread_ts" in payload and not receipt.thread:
            await self._name_story(delivery, receipt)
        return await self._linked(receipt, delivery.message)

    async def _find_channel(self) -> str:
        while True:
            page = await self._channels_page()
            for channel in page.get("channels") or ():
                if self._name in (channel.get("name"), channel.get("name_normalized")):
                    self._cursor = ""
                    return str(channel["id"])
            self._cursor = _next_cursor(page)
            if not self._cursor:
                private = (
                    "" if "private" in self._types else " (it needs the scope groups:read to see private channels)"
                )
                raise model.ChannelClosed(
                    f"the app sees no channel #{self._name}{private}; check `to:` in bot.yaml, "
                    "and type /invite and the app's name in a private channel"
                )

    async def _channels_page(self) -> Mapping[str, Any]:
        params = {"types": self._types, "exclude_archived": "true", "cursor": self._cursor}
        try:
            return await self._get("conversations.list", {**params, "limit": _CHANNELS_PER_PAGE})
        except model.ChannelClosed as error:
            if "missing_scope groups:read" not in str(error) or "private" not in self._types:
                raise
            # Without the scope groups:read only public channels can be listed.
            self._types, self._cursor = "public_channel", ""
            return await self._channels_page()

    async def _name_story(self, delivery: model.Delivery, receipt: model.Receipt) -> None:
        """Edit a reply to name its story: Slack posted it at top level because the head of its thread was deleted."""
        payload = {**self._payload(replace(delivery, reply_to=None)), "channel": receipt.place, "ts": receipt.ref}
        try:
            await self._post("chat.update", payload)
        except model.SendError as error:
            log.warning("reply outside of its thread does not name its story", channel=self.name, error=str(error))

    async def find(self, delivery: model.Delivery, *, since: datetime) -> model.Receipt | None:
        place = await self._place.get()
        params: dict[str, str | int] = {
            "channel": place,
            "oldest": f"{since.timestamp():.6f}",
            "include_all_metadata": "true",
            "limit": _MESSAGES_PER_PAGE,
        }
        method = "conversations.history"
        if delivery.reply_to is not None:
            check_thread(delivery.reply_to, place)
            method, params["ts"] = "conversations.replies", delivery.reply_to.thread or delivery.reply_to.ref
        while True:
            try:
                page = await self._get(method, params)
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
            params["cursor"] = _next_cursor(page)
            if not params["cursor"]:
                return None

    async def _linked(self, receipt: model.Receipt, message: model.Message) -> model.Receipt:
        """Add the link of a story's first message to its receipt, for pages and other messages. Never raises."""
        if message.kind is not model.MessageKind.POST:
            return receipt
        try:
            answer = await self._get("chat.getPermalink", {"channel": receipt.place, "message_ts": receipt.ref})
        except model.SendError:
            return receipt
        return replace(receipt, link=phrases.safe_link(str(answer.get("permalink") or "")) or "")

    async def post_ephemeral(self, *, place: str, person: str, text: str, command: str = "") -> None:
        """Answer a person with a message that nobody else sees and that disappears. Raises SendError.

        ``command`` reverses the action; it is shown as code, to copy it.
        """
        clean = visible.lines(text)
        words = blocks.plain_text(clean)
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

    async def _members(self, group: str) -> frozenset[str]:
        """Return the ids of the members of a user group, or of the channel if ``group`` is empty. Raises SendError."""
        if not group:
            return await self._channel_members()
        users = (await self._get("usergroups.users.list", {"usergroup": group})).get("users")
        if not isinstance(users, list):
            raise model.OutcomeUnknown("usergroups.users.list: the answer has no users")
        return frozenset(user for user in users if isinstance(user, str))

    async def _channel_members(self) -> frozenset[str]:
        place, members, cursor = await self._place.get(), set[str](), ""
        for _ in range(_MEMBER_PAGES):
            params: dict[str, str | int] = {"channel": place, "limit": 1_000, "cursor": cursor}
            page = await self._get("conversations.members", params)
            members.update(member for member in page.get("members") or () if isinstance(member, str))
            cursor = _next_cursor(page)
            if not cursor:
                break
        return frozenset(members)

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
            text = rendering.plain_message(message, zone=self.context.zone)
            payload["text"] = blocks.plain_text(text)
            # Without this an edit would keep the old blocks.
            return {**payload, "blocks": []} if delivery.edits else payload
        payload["text"] = blocks.escape_to(rendering.plain_preview(message), blocks.TEXT_LIMIT)
        payload["blocks"] = blocks.build_blocks(
            message,
            names_story=delivery.reply_to is None,
            has_buttons=self.options.buttons,
            zone=self.context.zone,
        )
        return payload

    async def _post(self, method: str, payload: Mapping[str, Any]) -> model.Receipt:
        try:
            data = await self._ask(method, json=payload)
        except model.ChannelClosed:
            await self._place.forget()
            raise
        ref, place = data.get("ts"), data.get("channel")
        if not isinstance(ref, str) or not isinstance(place, str):
            raise model.OutcomeUnknown("Slack accepted the message, but its answer has no reference")
        # The thread in which the message really is: a message at top level has no thread_ts, or its own ts.
        message = data.get("message")
        thread = message.get("thread_ts") if isinstance(message, dict) else payload.get("thread_ts")
        thread = thread if isinstance(thread, str) and thread != ref else ""
        return self.receipt(ref, place=place, thread=thread)

    async def _get(self, method: str, params: Mapping[str, str | int]) -> Mapping[str, Any]:
        # An empty cursor asks for the first page.
        return await self._ask(method, params={name: value for name, value in params.items() if value != ""})

    async def _ask(
        self, method: str, *, json: Mapping[str, Any] | None = None, params: Mapping[str, str | int] | None = None
    ) -> Mapping[str, Any]:
        """Call a method of Slack's Web API. Raises SendError."""
        now = self.context.clock.now()
        wait = self._closed_until.get(method, now) - now
        if wait > timedelta():
            raise _rate_limit(method, wait)
        client = web_client(self.options.base_url, token=self.context.secret(self._token, what="the Slack token"))
        verb = "POST" if json is not None else "GET"
        body = dict(json) if json is not None else None
        query = dict(params) if params is not None else None
        try:
            with map_sdk_errors():
                response = await run_in_thread(
                    lambda: client.api_call(method, http_verb=verb, json=body, params=query), name=self.name
                )
                scopes = next((v for k, v in response.headers.items() if k.lower() == "x-oauth-scopes"), None)
                self._scopes = self._scopes if scopes is None else frozenset(scopes.replace(" ", "").split(","))
                return response.data if isinstance(response.data, dict) else {}
        except SlackApiError as refusal:
            now = self.context.clock.now()
            error = error_of_refusal(refusal, doing=method, now=now)
            if isinstance(error, model.RetryLater) and error.after and _is_rate_limit(refusal):
                self._closed_until[method] = now + error.after
            if _code(refusal) in METADATA_CODES:
                self._takes_metadata = False
            raise error from None

    async def check_setup(self) -> AsyncIterator[model.CheckLine]:
        """Check token, scopes, channel and membership; the help of each line says what to click."""
        with step("the token is accepted"):
            who = await self._ask("auth.test", json={})
        yield passed(f"the token belongs to {who.get('user')} in {who.get('team')}")
        try:
            place = await self._place.get()
            channel = (await self._get("conversations.info", {"channel": place})).get("channel") or {}
        except model.SendError as error:
            for line in self._check_scopes(SCOPES):
                yield line
            yield model.CheckLine(is_good=False, what=f"the channel {self.options.to} is found", help=str(error))
            return
        # A public channel does not need the scopes for private channels, and vice versa.
        needed, unneeded = ("groups:", "channels:") if channel.get("is_private") else ("channels:", "groups:")
        for line in self._check_scopes([scope for scope in SCOPES if not scope.startswith(unneeded)]):
            yield line
        if self._scopes is not None:
            self._shows_history = f"{needed}history" in self._scopes
        yield passed(f"the channel is #{channel.get('name')} ({place})")
        is_open, is_member = not channel.get("is_archived"), bool(channel.get("is_member"))
        yield model.CheckLine.of(is_open, "the channel is open", otherwise=ERRORS["is_archived"][1])
        what = "the app is a member of the channel"
        yield model.CheckLine.of(is_member, what, otherwise=ERRORS["not_in_channel"][1])
        async for line in self.rights.check():
            yield line
        if self.options.buttons:
            what = "the app token opens a connection for the buttons"
            with step(what):
                await self.open_connection()
            yield passed(what)

    def app_token(self) -> str:
        """Return the app-level token. Raises ChannelClosed."""
        assert self.options.app_token is not None
        return self.context.secret(self.options.app_token, what="the Slack app token")

    async def open_connection(self) -> tuple[WebClient, str]:
        """Request the address of a connection for Socket Mode. Raises SendError."""
        token = self.app_token()
        client, method = web_client(self.options.base_url), "apps.connections.open"
        try:
            with map_sdk_errors():
                response = await run_in_thread(lambda: client.apps_connections_open(app_token=token), name=self.name)
                url = response.get("url")
        except SlackApiError as error:
            now = self.context.clock.now()
            raise error_of_refusal(error, doing=method, now=now, advice=_CONNECTION_ADVICE) from None
        parts = urlsplit(url) if isinstance(url, str) else None
        # The SDK supports wss on port 443 only; ws is for a configured http server.
        is_safe = parts is not None and parts.scheme == "wss" and parts.port in (None, 443)
        is_local = parts is not None and parts.scheme == "ws" and self.options.base_url.startswith("http://")
        if not isinstance(url, str) or not (is_safe or is_local):
            raise model.OutcomeUnknown(f"{method}: the answer has no usable address")
        return client, url

    def _check_scopes(self, scopes: Iterable[str]) -> list[model.CheckLine]:
        if self._scopes is None:
            return []
        have = self._scopes
        add = "add it under OAuth & Permissions, then Reinstall to Workspace"
        return [
            model.CheckLine.of(scope in have, f"scope {scope}", otherwise=f"missing for {SCOPES[scope]}: {add}")
            for scope in scopes
        ]


def _next_cursor(page: Mapping[str, Any]) -> str:
    return str((page.get("response_metadata") or {}).get("next_cursor") or "")


def _send_id(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return payload.get("send_id") if metadata.get("event_type") == _EVENT else None


def _parse_ts(ts: str) -> datetime:
    return datetime.fromtimestamp(float(ts), UTC)
