"""The workspace behind the local Slack: its public channels, what was posted, and the methods of the Web API.

It refuses messages by their limits and by the shape of their blocks (slack_blocks.yaml) and metadata. It is stricter
where Slack is only known to misbehave: a text past 4,000 characters is split there, here refused.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs

from tests.testbed.servers import faulty

TOKEN = "xoxb-test-token"
#: The app's own token, for Socket Mode.
APP_TOKEN = "xapp-test-token"
SCOPES = (
    "chat:write",
    "channels:read",
    "groups:read",
    "channels:history",
    "groups:history",
)
TEXT = 4_000
BLOCKS = 50
ALL_BLOCKS = 13_200
METADATA = 8_000

#: Arguments that the methods know; another is refused.
POST_ARGUMENTS = frozenset(
    "channel text blocks metadata thread_ts reply_broadcast parse link_names unfurl_links unfurl_media mrkdwn".split()
)
HOOK_ARGUMENTS = POST_ARGUMENTS - {"channel", "thread_ts", "metadata"}
EPHEMERAL_ARGUMENTS = frozenset({"channel", "user", "text", "blocks", "thread_ts", "parse", "link_names"})
#: docs.slack.dev/interactivity/handling-user-interaction, "Message responses".
RESPONSE_ARGUMENTS = frozenset({"response_type", "replace_original", "delete_original", "text", "blocks", "thread_ts"})
UPDATE_ARGUMENTS = (POST_ARGUMENTS | {"ts"}) - {"thread_ts", "mrkdwn"}
_BLOCKS = faulty.load_form("slack_blocks.yaml")


class Refused(Exception):
    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


def check_message(body: Mapping[str, Any], *, known: frozenset[str]) -> None:
    """Raises Refused with Slack's own word."""
    for name in body:
        if name not in known:
            raise Refused("invalid_arg_name", name)
    text, blocks = body.get("text", ""), body.get("blocks")
    if not isinstance(text, str):
        raise Refused("invalid_arguments", "text")
    if not text and not blocks:
        raise Refused("no_text")
    if len(faulty.in_units(text)) > TEXT:
        raise Refused("msg_too_long", str(len(faulty.in_units(text))))
    if blocks:
        check_blocks(blocks)
    if "metadata" in body:
        _check_metadata(body["metadata"])


def check_blocks(blocks: Any, *, most: int = BLOCKS, total_most: int = ALL_BLOCKS) -> None:
    if not isinstance(blocks, list):
        raise Refused("invalid_blocks_format")
    if len(blocks) > most:
        raise Refused("invalid_blocks", f"{len(blocks)} blocks")
    text = faulty.in_units(json.dumps(blocks, ensure_ascii=False))
    try:
        _BLOCKS.validate(json.loads(text))
    except jsonschema_rs.ValidationError as error:
        raise Refused("invalid_blocks", f"{error.instance_path}: {error.message}"[:200]) from error
    for block in blocks:
        actions = [element.get("action_id") for element in block.get("elements", ()) if block["type"] == "actions"]
        if len(set(actions)) < len(actions):
            raise Refused("invalid_blocks", "action_id twice")
    if len(text) > total_most:
        raise Refused("msg_blocks_too_long", str(len(text)))


def _check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict) or metadata.keys() != {"event_type", "event_payload"}:
        raise Refused("invalid_metadata_format")
    payload = metadata["event_payload"]
    if not isinstance(metadata["event_type"], str) or not isinstance(payload, dict):
        raise Refused("invalid_metadata_format")
    if not all(isinstance(value, str | int | bool) for value in payload.values()):
        raise Refused("invalid_metadata_schema")
    if len(json.dumps(metadata)) > METADATA:
        raise Refused("metadata_too_large")


@dataclass(slots=True)
class Channel:
    id: str
    name: str
    is_archived: bool = False
    is_member: bool = True
    #: People who are in it.
    members: list[str] = field(default_factory=lambda: ["U0AMINA", "U0BILAL"])
    #: In order of arrival; threads among them.
    messages: list[dict[str, Any]] = field(default_factory=list)
    #: The ts of messages that somebody deleted.
    deleted: set[str] = field(default_factory=set)
    posted_at: float = 0.0


@dataclass(slots=True)
class Workspace:
    """The state of the server. ``least_gap``: seconds between two posts of a channel; None enforces none."""

    tokens: dict[str, set[str]] = field(default_factory=lambda: {TOKEN: set(SCOPES)})
    app_tokens: dict[str, set[str]] = field(default_factory=lambda: {APP_TOKEN: {"connections:write"}})
    #: Gives the address of a new connection; None: Socket Mode is off.
    open_connection: Callable[[], str] | None = None
    channels: dict[str, Channel] = field(default_factory=dict)
    #: Messages that only one person sees.
    whispers: list[dict[str, Any]] = field(default_factory=list)
    #: Answers that were posted to the address of a command.
    answers: list[dict[str, Any]] = field(default_factory=list)
    #: Person -> the Home tab that they see.
    homes: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: User groups, by id.
    groups: dict[str, list[str]] = field(default_factory=dict)
    #: Last part of a webhook's address -> channel id.
    hooks: dict[str, str] = field(default_factory=dict)
    least_gap: float | None = None
    page: int = 100
    lock: threading.RLock = field(default_factory=threading.RLock)
    last_ts: float = 0.0

    def add_channel(self, name: str) -> Channel:
        channel = Channel(id=f"C{len(self.channels):09d}", name=name)
        self.channels[channel.id] = channel
        return channel

    def messages(self, name: str) -> list[dict[str, Any]]:
        with self.lock:
            return [dict(m) for channel in self.channels.values() if channel.name == name for m in channel.messages]

    def delete(self, name: str, ts: str) -> None:
        """Somebody deletes a message."""
        with self.lock:
            (channel,) = [item for item in self.channels.values() if item.name == name]
            channel.messages = [message for message in channel.messages if message["ts"] != ts]
            channel.deleted.add(ts)

    def next_ts(self) -> str:
        self.last_ts = max(time.time(), self.last_ts + 0.000001)  # noqa: TID251 - a server has its own clock
        return f"{self.last_ts:.6f}"


class Api:
    """The methods. Each gives the answer's fields or raises Refused."""

    def __init__(self, workspace: Workspace) -> None:
        self.w = workspace

    def call(self, method: str, args: Mapping[str, Any], token: str | None) -> dict[str, Any]:
        if method == "apps.connections.open":
            return self.connect(token)
        known = {
            "auth.test": self.auth_test,
            "chat.postMessage": self.post,
            "chat.postEphemeral": self.whisper,
            "usergroups.users.list": self.list_members,
            "chat.update": self.update,
            "chat.getPermalink": self.permalink,
            "views.publish": self.publish,
            "conversations.list": self.list_channels,
            "conversations.info": self.info,
            "conversations.members": self.members_of,
            "conversations.history": self.history,
            "conversations.replies": self.replies,
        }
        if method not in known:
            raise Refused("unknown_method")
        if not token:
            raise Refused("not_authed")
        if token not in self.w.tokens:
            raise Refused("invalid_auth")
        with self.w.lock:
            return known[method](dict(args), self.w.tokens[token])

    def auth_test(self, args: dict[str, Any], scopes: set[str]) -> dict[str, Any]:
        return {"user": "wirewatch", "team": "Test", "user_id": "U1", "team_id": "T1", "bot_id": "B1"}

    def post(self, args: dict[str, Any], scopes: set[str]) -> dict[str, Any]:
        _need(scopes, "chat:write")
        channel = self._channel(args, by_name=True)
        if not channel.is_member:
            raise Refused("not_in_channel")
        check_message(args, known=POST_ARGUMENTS)
        thread = args.get("thread_ts")
        if thread is not None and not any(m["ts"] == thread and "thread_ts" not in m for m in channel.messages):
            if thread not in channel.deleted:
                raise Refused("thread_not_found")
            # The head was deleted: Slack says ok, and the message is one at top level.
            args = {name: value for name, value in args.items() if name not in ("thread_ts", "reply_broadcast")}
        return self.take(channel, args)

    def permalink(self, args: dict[str, Any], scopes: set[str]) -> dict[str, Any]:
        """docs.slack.dev/reference/methods/chat.getPermalink: of any message that the token may read; no scope."""
        channel = self._channel(args)
        ts = str(args.get("message_ts") or "")
        if not any(message["ts"] == ts for message in channel.messages):
            raise Refused("message_not_found")
        link = f"https://test.slack.example/archives/{channel.id}/p{ts.replace('.', '')}"
        return {"channel": channel.id, "permalink": link}

    def take(self, channel: Channel, args: dict[str, Any]) -> dict[str, Any]:
        now = time.monotonic()
        if self.w.least_gap and now - channel.posted_at < self.w.least_gap:
            raise Refused("ratelimited")
        channel.posted_at = now
        message = {"ts": self.w.next_ts(), **{k: v for k, v in args.items() if k != "channel"}, "edits": 0}
        channel.messages.append(message)
        return {"ts": message["ts"], "channel": channel.id, "message": message}

    def connect(self, token: str | None) -> dict[str, Any]:
        if token not in self.w.app_tokens:
            raise Refused("not_allowed_token_type" if token in self.w.tokens else "invalid_auth")
        _need(self.w.app_tokens[token], "connections:write")
        if self.w.open_connection is None:
            raise Refused("socket_mode_not_enabled")
        return {"url": self.w.open_connection()}

    def whisper(self, args: dict[str, Any], scopes: set[str]) -> dict[str, Any]:
        _need(scopes, "chat:write")
        channel = self._channel(args)
        if not str(args.get("user", "")).startswith("U"):
            raise Refused("user_not_in_channel")
        check_message(args, known=EPHEMERAL_ARGUMENTS)
        self.w.whispers.append({**args, "channel": channel.name})
        return {"message_ts": self.w.next_ts()}

    def publish(self, args: dict[str, Any], scopes: set[str]) -> dict[str, Any]:
        view = args.get("view")
        if set(args) != {"user_id", "view"} or not isinstance(view, dict) or view.get("type") != "home":
            raise Refused("invalid_arguments")
        if set(view) - {"type", "blocks", "private_metadata", "callback_id", "external_id"}:
            raise Refused("invalid_arguments", str(set(view)))
        # docs.slack.dev/reference/methods/views.publish: view_too_large above 250 KB.
        check_blocks(view.get("blocks"), most=100, total_most=250_000)
        self.w.homes[str(args["user_id"])] = view
        return {"view": view}

    def list_members(self, args: dict[str, Any], scopes: set[str]) -> dict[str, Any]:
        _need(scopes, "usergroups:read")
        if args.get("usergroup") not in self.w.groups:
            raise Refused("no_such_subteam")
        return {"users": self.w.groups[args["usergroup"]]}

    def update(self, args: dict[str, Any], scopes: set[str]) -> dict[str, Any]:
        _need(scopes, "chat:write")
        channel = self._channel(args)
        check_message(args, known=UPDATE_ARGUMENTS)
        message = next((m for m in channel.messages if m["ts"] == args.get("ts")), None)
        if message is None:
            raise Refused("message_not_found")
        message.update({k: v for k, v in args.items() if k not in ("channel", "ts")}, edits=message["edits"] + 1)
        return {"ts": message["ts"], "channel": channel.id, "text": message.get("text", "")}

    def list_channels(self, args: dict[str, Any], scopes: set[str]) -> dict[str, Any]:
        types = args.get("types", "public_channel").split(",")
        for kind, scope in (("public_channel", "channels:read"), ("private_channel", "groups:read")):
            if kind in types:
                _need(scopes, scope)
        is_hidden = args.get("exclude_archived") == "true"
        shown = [
            {"id": channel.id, "name": channel.name, "is_private": False, "is_member": channel.is_member}
            for channel in self.w.channels.values()
            if "public_channel" in types and not (channel.is_archived and is_hidden)
        ]
        page, more = self._page(shown, args)
        return {"channels": page, **more}

    def info(self, args: dict[str, Any], scopes: set[str]) -> dict[str, Any]:
        channel = self._channel(args, archived=True)
        _need(scopes, "channels:read")
        facts = {"id": channel.id, "name": channel.name, "is_member": channel.is_member}
        return {"channel": {**facts, "is_archived": channel.is_archived, "is_private": False}}

    def members_of(self, args: dict[str, Any], scopes: set[str]) -> dict[str, Any]:
        """docs.slack.dev/reference/methods/conversations.members."""
        channel = self._channel(args, archived=True)
        _need(scopes, "channels:read")
        page, more = self._page(channel.members, args)
        return {"members": page, **more}

    def history(self, args: dict[str, Any], scopes: set[str]) -> dict[str, Any]:
        channel = self._read(args, scopes)
        oldest = float(args.get("oldest", 0))
        results = [m for m in channel.messages if "thread_ts" not in m and float(m["ts"]) > oldest]
        page, more = self._page(results[::-1], args)
        return {"messages": [_shown(m, args) for m in page], **more}

    def replies(self, args: dict[str, Any], scopes: set[str]) -> dict[str, Any]:
        channel = self._read(args, scopes)
        oldest = float(args.get("oldest", 0))
        parent = [m for m in channel.messages if m["ts"] == args.get("ts")]
        if not parent:
            raise Refused("thread_not_found")
        remaining = [m for m in channel.messages if m.get("thread_ts") == args["ts"] and float(m["ts"]) > oldest]
        page, more = self._page(parent + remaining, args)
        return {"messages": [_shown(m, args) for m in page], **more}

    def _read(self, args: dict[str, Any], scopes: set[str]) -> Channel:
        channel = self._channel(args, archived=True)
        _need(scopes, "channels:history")
        if not channel.is_member:
            raise Refused("not_in_channel")
        return channel

    def _channel(self, args: dict[str, Any], *, by_name: bool = False, archived: bool = False) -> Channel:
        expected = args.get("channel", "")
        for channel in self.w.channels.values():
            if channel.id == expected or (by_name and channel.name == str(expected).removeprefix("#")):
                if channel.is_archived and not archived:
                    raise Refused("is_archived")
                return channel
        raise Refused("channel_not_found")

    def _page(self, rows: list[Any], args: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        start = int(args.get("cursor") or 0)
        end = start + min(int(args.get("limit", 100)), self.w.page)
        cursor = str(end) if end < len(rows) else ""
        return rows[start:end], {"response_metadata": {"next_cursor": cursor}, "has_more": bool(cursor)}


def _need(scopes: set[str], scope: str) -> None:
    if scope not in scopes:
        raise Refused(f"missing_scope {scope}")


def _shown(message: dict[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    hidden = set() if args.get("include_all_metadata") in ("true", "1", True) else {"metadata"}
    return {k: v for k, v in message.items() if k not in hidden}
