"""``kind: slack``: a channel by bot token (threads, edits, look-up) or by incoming webhook (posts only)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import pydantic
import structlog
from msgspec.structs import replace

from bot.channels.kit import phrases
from bot.channels.kit.context import (
    Address,
    BaseChannel,
    ChannelContext,
    ChannelOptions,
    Picture,
    ServicePace,
    StoredId,
    as_list,
    check_ids,
    check_mode,
    check_place,
    passed,
    step,
)
from bot.channels.kit.errors import Act, ErrorTable, error_of_status, parse_retry_after, rows, send_error
from bot.channels.kit.http_client import RateLimits
from bot.channels.slack import blocks, sdk
from bot.durations import is_recent
from bot.model import visible
from bot.model.access import Secret
from bot.model.channels import Abilities, ChannelFeatures, CheckLine, Delivery
from bot.model.errors import ChannelClosed, OutcomeUnknown, SendError, ThreadGone
from bot.model.messages import Post, Receipt, Reply
from bot.model.rules import Severity
from bot.patterns import LazyPattern

KIND = "slack"
_API = "https://slack.com/api"
#: The id of a person or a user group.
_ID = "[UWS][A-Z0-9]{1,20}"
_ADVICE = "U012ABCDEF (a person, in a profile under Copy member ID), S012ABCDEF (a user group)"


class Options(ChannelOptions):
    """A Slack channel, by bot token (full) or by incoming webhook (reduced: no threads, no edits)."""

    to: str | None = pydantic.Field(None, description="The channel's name (#policy-alerts) or id (C0123ABCDE).")
    token: Secret | None = pydantic.Field(None, description="The app's Bot User OAuth Token: env:NAME or file:/path.")
    webhook: Secret | None = pydantic.Field(
        None, description="Instead of to and token: the address of an incoming webhook, as env:NAME or file:/path."
    )
    broadcast: Literal["never", "high", "always"] = pydantic.Field(
        "never",
        description="When replies also appear in the channel: never, high (for severity high) or always.",
    )
    buttons: bool = pydantic.Field(
        False, description="Buttons under each story: Useful, Noise, More… Only with token and app_token."
    )
    app_token: Secret | None = pydantic.Field(
        None,
        description="For buttons: the app's app-level token (xapp-…, scope connections:write), as env:NAME or "
        "file:/path.",
    )
    may_act: Annotated[tuple[str, ...], as_list, check_ids(LazyPattern(_ID, re.ASCII), _ADVICE)] = pydantic.Field(
        (),
        description="For buttons: the ids of the people (U012ABCDEF) or user groups (S012ABCDEF) who may press them. "
        "Without it, everybody who sees the channel may.",
    )
    people: Annotated[
        dict[str, str],
        check_ids(
            LazyPattern(f"{_ID}|here|channel", re.ASCII),
            f"{_ADVICE}, here or channel",
        ),
    ] = pydantic.Field(
        {}, description="People whom messages can mention: a name of your choice, and the id of a person or user group."
    )
    api_url: Address | None = pydantic.Field(
        None, description="The address of another server with Slack's Web API (a proxy, tests)."
    )
    picture: Picture = False
    pace: ServicePace = timedelta(seconds=1)

    @pydantic.field_validator("to")
    @classmethod
    def _names_a_channel(cls, to: str | None) -> str | None:
        if to is not None and (not to.removeprefix("#").strip() or to.startswith("@") or any(c.isspace() for c in to)):
            raise ValueError(
                'expected a channel\'s name or id: "#policy-alerts" (in quotes: # begins a comment) or C0123ABCDE'
            )
        return to

    @pydantic.model_validator(mode="after")
    def _is_one_mode(self) -> Self:
        check_mode(self.to, self.token, self.webhook)
        if self.buttons and self.webhook is not None:
            raise ValueError("a webhook cannot receive button presses: buttons need to, token and app_token")
        if self.buttons and self.app_token is None:
            raise ValueError("buttons need the app's app-level token: add app_token: env:SLACK_APP_TOKEN")
        if self.app_token is not None and not self.buttons:
            raise ValueError("app_token is for buttons: add buttons: true, or remove app_token")
        if self.may_act and not self.buttons:
            raise ValueError("may_act is for buttons: add buttons: true, or remove may_act")
        return self

    @property
    def features(self) -> ChannelFeatures:
        return ChannelFeatures(
            shows_pictures=self.picture,
            people=self.people,
            may_act=self.may_act,
            can_edit=self.webhook is None,
            shows_all_stories=blocks.shows_all_stories,
        )

    @property
    def base_url(self) -> str:
        """The address of the Web API, with a slash at its end."""
        return f"{self.api_url or _API}/"


_POST = "chat.postMessage"
_CODE = LazyPattern(r"[a-z][a-z0-9_]*\Z")
_CHANNEL_ID = LazyPattern(r"[CG][A-Z0-9]{7,}\Z")
#: Channels per page (the maximum of conversations.list), and messages per page.
_CHANNELS_PER_PAGE, _MESSAGES_PER_PAGE = 1_000, 200
#: Maximum pages of 1,000 members read from a channel.
_MEMBER_PAGES = 30
#: Maximum age of a list of members; a change of members takes effect after this time at the latest.
_MEMBERS_MAX_AGE = timedelta(minutes=5)
_EVENT = "wirewatch_message"

log = structlog.get_logger()


class Channel(BaseChannel):
    """A channel of a Slack workspace, used with a bot token."""

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        assert options.to is not None
        assert options.token is not None
        account = f"slack {options.base_url} {options.token.reference}"
        super().__init__(name, account=account, pace=options.pace, context=context)
        self.options = options
        self._token = options.token
        self._name = options.to.removeprefix("#")
        # Posting accepts the channel's name, but other methods need its id.
        self._place = StoredId(context, f"{account}:{self._name}", self._find_channel)
        #: Where to continue a listing of channels that hit a rate limit. A large workspace has more pages than Slack
        #: allows in a minute.
        self._cursor = ""
        self._types = "public_channel,private_channel"
        self._limits = RateLimits(context.clock, who="Slack", posts=_POST)
        #: User group, or "" for the channel -> the time of Slack's answer, and the members in it.
        self._members: dict[str, tuple[datetime, frozenset[str]]] = {}
        self._takes_metadata = True
        self._shows_history = True

    @property
    def abilities(self) -> Abilities:
        can_look = self._takes_metadata and self._shows_history
        return Abilities(threads=True, edits=True, lookup=can_look)

    async def send(self, delivery: Delivery) -> Receipt:
        place = await self._place.get()
        payload = {**self._payload(delivery), "channel": place}
        check_place(delivery, place)
        if delivery.edits is not None:
            return await self._post("chat.update", {**payload, "ts": delivery.edits.ref})
        if delivery.reply_to is not None:
            payload["thread_ts"] = delivery.reply_to.head
            message, broadcast = delivery.message, self.options.broadcast
            is_wanted = broadcast == "always" or (broadcast == "high" and message.severity is Severity.HIGH)
            if isinstance(message, Reply) and is_wanted:
                payload["reply_broadcast"] = True
        # Turn off Slack's markup, which would format characters that are not escaped.
        receipt = await self._post(_POST, {**payload, "mrkdwn": False})
        return await self._complete(receipt, delivery)

    def _payload(self, delivery: Delivery) -> dict[str, Any]:
        message = delivery.message
        payload = {
            "parse": "none",
            "link_names": False,
            **blocks.message_content(delivery, has_buttons=self.options.buttons, zone=self.context.zone),
        }
        if self._takes_metadata:
            story = message.stories[0].id if len(message.stories) == 1 else ""
            ids = {"send_id": delivery.id, "story": story}
            payload["metadata"] = {"event_type": _EVENT, "event_payload": ids}
        if delivery.is_plain and delivery.edits:
            # Without this an edit would keep the old blocks.
            payload["blocks"] = []
        return payload

    async def _post(self, method: str, payload: Mapping[str, Any]) -> Receipt:
        try:
            data, _ = await self.call(method, json=payload)
        except ChannelClosed:
            await self._place.forget()
            raise
        ref, place = data.get("ts"), data.get("channel")
        if not isinstance(ref, str) or not isinstance(place, str):
            raise OutcomeUnknown("Slack accepted the message, but its answer has no reference")
        # Read the actual thread from the answer. A message at top level has no thread_ts, or its own ts as thread_ts.
        message = data.get("message")
        thread = message.get("thread_ts") if isinstance(message, dict) else payload.get("thread_ts")
        thread = thread if isinstance(thread, str) and thread != ref else ""
        return self.receipt(ref, place=place, thread=thread)

    async def _complete(self, receipt: Receipt, delivery: Delivery) -> Receipt:
        """Complete a message that has arrived, and return its receipt. Slack's errors are never raised.

        The receipt of a story's first message gets the message's link, for web pages and other messages. A reply that
        Slack posted at top level, because the head of its thread was deleted, is edited to name its story.
        """
        message = delivery.message
        try:
            if delivery.reply_to is not None and not receipt.thread:
                payload = self._payload(replace(delivery, reply_to=None))
                await self._post("chat.update", {**payload, "channel": receipt.place, "ts": receipt.ref})
        except SendError as error:
            log.warning("reply outside of its thread does not name its story", channel=self.name, error=str(error))
        if not isinstance(message, Post):
            return receipt
        try:
            answer = await self._get("chat.getPermalink", {"channel": receipt.place, "message_ts": receipt.ref})
        except SendError:
            return receipt
        return replace(receipt, link=phrases.safe_link(str(answer.get("permalink") or "")) or "")

    async def find(self, delivery: Delivery, *, since: datetime) -> Receipt | None:
        place = await self._place.get()
        check_place(delivery, place)
        head = delivery.reply_to.head if delivery.reply_to else ""
        try:
            receipt = await self._look(delivery, place, head, since)
        except ThreadGone:
            if not head:
                raise
            # The thread's head was deleted; Slack may have posted the reply at top level.
            receipt = await self._look(delivery, place, "", since)
        return await self._complete(receipt, delivery) if receipt else None

    async def _look(self, delivery: Delivery, place: str, head: str, since: datetime) -> Receipt | None:
        """Look for a message in the thread of ``head``, or in the channel if ``head`` is empty."""
        method = "conversations.replies" if head else "conversations.history"
        oldest = f"{since.timestamp():.6f}"
        params = {"channel": place, "ts": head, "oldest": oldest, "include_all_metadata": "true"}
        try:
            async for page in self._pages(method, {**params, "limit": _MESSAGES_PER_PAGE}):
                for message in page.get("messages") or ():
                    metadata = message.get("metadata") or {}
                    ids = metadata.get("event_payload") or {}
                    if metadata.get("event_type") == _EVENT and ids.get("send_id") == delivery.id:
                        ts = str(message["ts"])
                        sent_at = datetime.fromtimestamp(float(ts), UTC)
                        return Receipt(ref=ts, place=place, thread=head, sent_at=sent_at)
        except ChannelClosed as error:
            if "missing_scope" not in str(error):
                raise
            self._shows_history = False
            raise OutcomeUnknown(f"{error}; until then, on_unknown in bot.yaml decides") from None
        return None

    async def _find_channel(self) -> str:
        if _CHANNEL_ID.match(self._name):
            return self._name
        params = {"types": self._types, "exclude_archived": "true", "limit": _CHANNELS_PER_PAGE}
        try:
            async for page in self._pages("conversations.list", params, start=self._cursor):
                self._cursor = _next_cursor(page)
                for channel in page.get("channels") or ():
                    if self._name in (channel.get("name"), channel.get("name_normalized")):
                        self._cursor = ""
                        return str(channel["id"])
        except ChannelClosed as error:
            if "missing_scope groups:read" not in str(error) or "private" not in self._types:
                raise
            # Without the scope groups:read only public channels can be listed.
            self._types, self._cursor = "public_channel", ""
            return await self._find_channel()
        private = "" if "private" in self._types else " (it needs the scope groups:read to see private channels)"
        raise ChannelClosed(
            f"the app sees no channel #{self._name}{private}; check `to:` in bot.yaml, "
            "and type /invite and the app's name in a private channel"
        )

    async def may_press(self, person: str) -> bool:
        """Return True if ``may_act`` is empty or contains the person or one of their user groups."""
        listed = self.options.may_act
        if not listed or person in listed:
            return True
        return any([await self.is_member(person, group) for group in self._listed_groups])

    @property
    def _listed_groups(self) -> list[str]:
        return [listed for listed in self.options.may_act if listed.startswith("S")]

    async def is_member(self, person: str, group: str = "") -> bool:
        """Return whether the person is a member of the user group, or of the channel if ``group`` is empty.

        Return False if Slack has never returned the members, because a press affects other people.
        """
        now = self.context.clock.now()
        fetched_at, members = self._members.get(group, (None, frozenset[str]()))
        if not is_recent(fetched_at, _MEMBERS_MAX_AGE, now):
            try:
                members = await self._fetch_members(group)
                self._members[group] = now, members
            except SendError as error:
                # Use the members of the last answer.
                log.warning(
                    "user group could not be read" if group else "channel members could not be read", error=str(error)
                )
        return person in members

    async def _fetch_members(self, group: str) -> frozenset[str]:
        """Return the ids of the members of a user group, or of the channel if ``group`` is empty. Raises SendError."""
        if group:
            users = (await self._get("usergroups.users.list", {"usergroup": group})).get("users")
            if not isinstance(users, list):
                raise OutcomeUnknown("usergroups.users.list: the answer has no users")
            return frozenset(user for user in users if isinstance(user, str))
        params = {"channel": await self._place.get(), "limit": 1_000}
        members, pages = set[str](), 0
        async for page in self._pages("conversations.members", params):
            members.update(member for member in page.get("members") or () if isinstance(member, str))
            pages += 1
            if pages == _MEMBER_PAGES:
                break
        return frozenset(members)

    async def post_ephemeral(self, *, place: str, person: str, text: str, command: str = "") -> None:
        """Answer a person with a message that nobody else sees and that disappears. Raises SendError.

        ``command`` is a chat command that reverses the person's action. It is shown as code, so that it can be copied.
        """
        clean = visible.lines(text)
        words = blocks.plain_text(clean)
        # These blocks have no markup, so their text needs no joiners.
        pieces = [blocks.text_element(phrases.cut(clean, blocks.SECTION_LIMIT))]
        if command:
            pieces += [blocks.text_element("\nTo end it: "), blocks.text_element(command, code=True)]
        payload = {"channel": place, "user": person, "text": words, "parse": "none", "link_names": False}
        shown = [blocks.rich_text_block([blocks.section_element(pieces)])]
        await self.call("chat.postEphemeral", json={**payload, "blocks": shown})

    async def open_connection(self) -> str:
        """Request the address of a connection for Socket Mode. Raises SendError."""
        method = "apps.connections.open"
        fields, _ = await self.call(method, token=self.app_token(), advice=_CONNECTION_ADVICE)
        url = fields.get("url")
        parts = urlsplit(url) if isinstance(url, str) else None
        # The SDK supports wss on port 443 only. Allow ws only for a server that is configured with http.
        is_safe = parts is not None and parts.scheme == "wss" and parts.port in (None, 443)
        is_local = parts is not None and parts.scheme == "ws" and self.options.base_url.startswith("http://")
        if not isinstance(url, str) or not (is_safe or is_local):
            raise OutcomeUnknown(f"{method}: the answer has no usable address")
        return url

    def app_token(self) -> str:
        """Return the app-level token. Raises ChannelClosed."""
        assert self.options.app_token is not None
        return self.context.secret(self.options.app_token, what="the Slack app token")

    async def _pages(
        self, method: str, params: Mapping[str, object], *, start: str = ""
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the pages of a listing, from the cursor ``start`` on."""
        cursor = start
        while True:
            page = await self._get(method, {**params, "cursor": cursor})
            yield page
            cursor = _next_cursor(page)
            if not cursor:
                return

    async def _get(self, method: str, params: Mapping[str, object]) -> Mapping[str, Any]:
        # Omit empty values. Without a cursor Slack returns the first page, without a thread the channel.
        fields, _ = await self.call(method, params={name: value for name, value in params.items() if value != ""})
        return fields

    async def call(
        self,
        method: str,
        *,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, object] | None = None,
        token: str = "",
        advice: Mapping[str, str] | None = None,
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Call a method of Slack's Web API and return the fields and headers of its answer. Raises SendError.

        If ``token`` is empty, the bot's token is used. The codes in ``advice`` (error code -> advice) raise
        ChannelClosed.
        """
        self._limits.check(method)
        status, headers, fields = await sdk.call_method(
            self.options.base_url,
            method,
            token=token or self.context.secret(self._token, what="the Slack token"),
            name=self.name,
            json=json,
            params=params or {},
        )
        if status < 300 and fields.get("ok") is True:
            return fields, headers
        now, code = self.context.clock.now(), str(fields.get("error") or "")
        if status == 429 or code in ("ratelimited", "rate_limited"):
            raise self._limits.close(method, parse_retry_after(headers, now=now))
        if "metadata" in code and code in ERRORS:
            # Slack refuses the metadata, not the text, so send no metadata from now on.
            self._takes_metadata = False
        if advice and code in advice:
            raise ChannelClosed(f"{method}: Slack says {code}; {advice[code]}")
        if status >= 500 or not _CODE.match(code):
            raise error_of_status(status, who="Slack", headers=headers, now=now)
        raise _error_of_code(code, doing=method, needed=str(fields.get("needed") or ""))

    async def check_setup(self) -> AsyncIterator[CheckLine]:
        """Check token, scopes, channel and membership; the help of each line says what to click."""
        with step("the token is accepted"):
            who, headers = await self.call("auth.test")
        scopes = next((value for name, value in headers.items() if name.lower() == "x-oauth-scopes"), None)
        held_scopes = None if scopes is None else set(scopes.replace(" ", "").split(","))
        yield passed(f"the token belongs to {who.get('user')} in {who.get('team')}")
        try:
            place = await self._place.get()
            channel = (await self._get("conversations.info", {"channel": place})).get("channel") or {}
        except SendError as error:
            for line in _check_scopes(SCOPES, held_scopes):
                yield line
            yield CheckLine(is_good=False, what=f"the channel {self.options.to} is found", help=str(error))
            return
        # A public channel does not need the scopes for private channels, and vice versa.
        needed, unneeded = ("groups:", "channels:") if channel.get("is_private") else ("channels:", "groups:")
        for line in _check_scopes([scope for scope in SCOPES if not scope.startswith(unneeded)], held_scopes):
            yield line
        if held_scopes is not None:
            self._shows_history = f"{needed}history" in held_scopes
        yield passed(f"the channel is #{channel.get('name')} ({place})")
        is_open, is_member = not channel.get("is_archived"), bool(channel.get("is_member"))
        yield CheckLine.of(is_open, "the channel is open", otherwise=ERRORS["is_archived"][1])
        what = "the app is a member of the channel"
        yield CheckLine.of(is_member, what, otherwise=ERRORS["not_in_channel"][1])
        for group in self._listed_groups:
            what = f"the members of the user group {group} can be read"
            try:
                await self._fetch_members(group)
            except SendError as error:
                advice = f"{error}; the app needs the scope usergroups:read for may_act with a group"
                yield CheckLine(is_good=False, what=what, help=advice)
            else:
                yield passed(what)
        if self.options.buttons:
            what = "the app token opens a connection for the buttons"
            with step(what):
                await self.open_connection()
            yield passed(what)


def _next_cursor(page: Mapping[str, Any]) -> str:
    return str((page.get("response_metadata") or {}).get("next_cursor") or "")


def _check_scopes(needed: Iterable[str], held: set[str] | None) -> list[CheckLine]:
    """Return a line for each needed scope, or no lines if Slack did not name the held scopes."""
    add = "add it under OAuth & Permissions, then Reinstall to Workspace"
    return [
        CheckLine.of(scope in held, f"scope {scope}", otherwise=f"missing for {SCOPES[scope]}: {add}")
        for scope in needed
        if held is not None
    ]


class SlackWebhook(BaseChannel):
    """The channel of an incoming webhook. Slack returns no reference, so threads, edits and look-up are impossible."""

    abilities = Abilities(threads=False, edits=False, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        assert options.webhook is not None
        account = f"slack webhook {options.webhook.reference}"
        super().__init__(name, account=account, pace=options.pace, context=context)
        self._webhook = options.webhook

    async def send(self, delivery: Delivery) -> Receipt:
        document = {**blocks.message_content(delivery, zone=self.context.zone), "mrkdwn": False}
        status, headers, body = await sdk.post_to_webhook(self._address(), document, name=self.name)
        word = body.strip()
        if status == 200 and word == "ok":
            return self.receipt("")
        if word in ERRORS:
            raise _error_of_code(word, doing="webhook")
        now = self.context.clock.now()
        raise error_of_status(status, who="Slack", headers=headers, now=now)

    async def check_setup(self) -> AsyncIterator[CheckLine]:
        yield passed(
            "reduced mode: a webhook has no threads, no edits and no way to check whether a message arrived",
            "a bot token has all three: docs/channels.md, Slack",
        )
        with step("the webhook's address is set"):
            self._address()
        yield passed("the webhook's address is set")

    def _address(self) -> str:
        return self.context.secret_address(self._webhook, what="the Slack webhook")


_APP_CREDENTIALS = (
    "copy the app-level token (xapp-…) into the variable or file of `app_token:`: Basic Information, App-Level Tokens; "
    "its scope is connections:write"
)
#: Error code of apps.connections.open -> advice, for errors that the app's token or settings cause.
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
#: Scope -> purpose.
SCOPES = {
    "chat:write": "posting",
    "channels:read": "finding a public channel by name, and knowing its members",
    "groups:read": "finding a private channel by name, and knowing its members",
    "channels:history": "checking, in public channels, whether a message arrived",
    "groups:history": "checking, in private channels, whether a message arrived",
}

#: Slack's error code -> reaction and advice to the operator (for channel-answers.md). The codes are from Slack's method
#: reference (chat.postMessage, chat.update, conversations.*) and from observed answers.
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
        "check `to:` in bot.yaml; the app sees a private channel only after it was invited: /invite the app there",
    ),
    "not_in_channel": (Act.PARK_CHANNEL, "invite the app: type /invite and its name in the channel"),
    "is_archived": (Act.PARK_CHANNEL, "unarchive the channel, or set another in bot.yaml"),
    "restricted_action": (Act.PARK_CHANNEL, "a workspace setting stops apps from posting there: ask an admin"),
    "restricted_action_read_only_channel": (Act.PARK_CHANNEL, "the channel is read-only: ask its admin"),
    "restricted_action_thread_only_channel": (Act.PARK_CHANNEL, "the channel accepts only replies: ask its admin"),
    "ekm_access_denied": (Act.PARK_CHANNEL, "the organisation's key policy stops posting there: ask an admin"),
    "messages_tab_disabled": (Act.PARK_CHANNEL, "turn on the app's Messages tab under App Home"),
    "method_not_supported_for_channel_type": (Act.PARK_CHANNEL, "set `to:` to a channel, not a conversation"),
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
        "copy the Bot User OAuth Token (xoxb-…; app's page, OAuth & Permissions) into the variable or file of `token:`",
    ),
    "account_inactive": (Act.PARK_WORKSPACE, "the app was removed from the workspace: install it again"),
    "token_revoked": (
        Act.PARK_WORKSPACE,
        "install the app again and copy its new token into the variable or file of `token:`",
    ),
    "token_expired": (
        Act.PARK_WORKSPACE,
        "turn token rotation off for the app, or copy a new token into the variable or file of `token:`",
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
    "message_limit_exceeded": (Act.PARK_WORKSPACE, "the workspace's plan allows no more messages"),
    **rows(Act.PARK_WORKSPACE, "deprecated_endpoint", "method_deprecated", advice="update Wirewatch"),
}


def _error_of_code(code: str, *, doing: str, needed: str = "") -> SendError:
    """Return the error for a code of Slack; ``needed`` is the missing scope."""
    act, advice = ERRORS.get(
        code, (Act.PARK_CHANNEL, "this version does not know this error code; see docs.slack.dev for its meaning")
    )
    scope = f" {needed}" if needed else ""
    return send_error(act, f"{doing}: Slack says {code}{scope}", advice=advice)
