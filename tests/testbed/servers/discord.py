"""A strict local Discord: one server (guild), as far as the bot and a webhook use it.

    with faulty.serve(discord.Guild()) as server:
        server.service.messages(server.service.news)

From discord/discord-api-docs, folder developers: rate limits and their headers (topics/rate-limits.mdx), the User-Agent
(reference.mdx), threads whose id is that of their message (resources/channel.mdx), messages (discord_message.yaml), an
empty history without Read Message History and a nonce that is checked "in the past few minutes" and not given back
later (resources/message.mdx), permissions (topics/permissions.mdx), webhooks (resources/webhook.mdx), error texts
(topics/opcodes-and-status-codes.mdx).
Stricter than Discord: a field that the bot does not use, or that Discord does not know, is refused.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.testbed.servers import faulty
from tests.testbed.servers.faulty import Answer, Request

TOKEN = "discord-test-token"
VIEW, SEND, EMBED_LINKS, HISTORY = 1 << 10, 1 << 11, 1 << 14, 1 << 16
CREATE_THREADS, SEND_IN_THREADS = 1 << 35, 1 << 38
ALL_RIGHTS = VIEW | SEND | EMBED_LINKS | HISTORY | CREATE_THREADS | SEND_IN_THREADS
GUILD_ID, BOT_ID, ROLE_ID = "100000000000000001", "200000000000000001", "300000000000000001"
#: The channel that there is.
NEWS = "150000000000000001"
_EPOCH_MS = 1_420_070_400_000
_NONCE_SECONDS = 180
_EMBED = 6_000
_ARCHIVE_MINUTES = (60, 1_440, 4_320, 10_080)
_MESSAGE = {"content", "embeds", "allowed_mentions", "flags"}
_CREATE = _MESSAGE | {"nonce", "enforce_nonce"}
#: The text that Discord reads as a mention.
MENTION = re.compile(r"@(?:everyone|here)|<@[!&]?\d+>")
_FORM = faulty.load_form("discord_message.yaml")


class Refused(faulty.Refused):
    def __init__(self, status: int, code: int, message: str, **more: Any) -> None:
        super().__init__(status, {"message": message, "code": code, **more})


def invalid(field: str, why: str, message: str) -> Refused:
    errors = {field: {"_errors": [{"code": why, "message": message}]}}
    return Refused(400, 50035, "Invalid Form Body", errors=errors)


def check_message(body: Any, *, known: set[str], is_edit: bool = False) -> None:
    """Raises Refused."""
    if not isinstance(body, Mapping):
        raise Refused(400, 50109, "The request body contains invalid JSON.")
    for name in body:
        if name not in known:
            raise invalid(name, "UNKNOWN_FIELD", "This field is not known.")
    in_units = json.loads(faulty.in_units(json.dumps(body, ensure_ascii=False)))
    for flaw in _FORM.iter_errors(in_units):
        raise invalid(".".join(map(str, flaw.instance_path)), "BASE_TYPE", flaw.message)
    content, embeds = in_units.get("content") or "", in_units.get("embeds") or []
    if sum(len(embed["description"].strip()) for embed in embeds) > _EMBED:
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {_EMBED}")
    if not is_edit and not content.strip() and not embeds:
        raise Refused(400, 50006, "Cannot send an empty message")


def check_thread(body: Mapping[str, Any]) -> None:
    name = body.get("name", "")
    if len(faulty.in_units(name)) > 100:
        raise invalid("name", "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.")
    if not name.strip():
        raise invalid("name", "BASE_TYPE_REQUIRED", "This field is required")
    if body.get("auto_archive_duration", 60) not in _ARCHIVE_MINUTES:
        raise invalid("auto_archive_duration", "BASE_TYPE_CHOICES", f"Value must be one of {_ARCHIVE_MINUTES}.")


def pinged(body: Mapping[str, Any]) -> list[str]:
    """Mentions of the content that would ping: all of them unless ``allowed_mentions`` says otherwise."""
    allowed = body.get("allowed_mentions")
    mentions = MENTION.findall(body.get("content") or "")
    if allowed is None or allowed.get("parse"):
        return mentions
    ids = {*allowed.get("users", ()), *allowed.get("roles", ())}
    return [mention for mention in mentions if mention.strip("<@!&>") in ids]


@dataclass(slots=True)
class Channel:
    id: str
    name: str
    #: GUILD_TEXT; 11 is a public thread, 15 a forum.
    type: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    #: When the last posts came.
    posted_at: deque[float] = field(default_factory=deque)


class Guild(faulty.Strict):
    SENDS = frozenset({"post", "edit", "start a thread"})

    def __init__(self, *, limit: tuple[int, float] | None = None) -> None:
        """``limit``: so many posts in so many seconds a channel; None: no limit."""
        super().__init__()
        self._last_id = 0
        self.limit = limit
        self.rights = ALL_RIGHTS
        self.channels: dict[str, Channel] = {}
        self.news = self.add_channel("news", id=NEWS).id
        #: "id/token" of a webhook -> channel.
        self.webhooks = {"400000000000000001/hook-key": self.news}
        #: Mentions that reached somebody.
        self.pinged: list[str] = []
        self._nonces: dict[str, tuple[float, dict[str, Any]]] = {}

    def add_channel(self, name: str, *, type: int = 0, id: str = "") -> Channel:  # noqa: A002 - Discord's names
        channel = Channel(id=id or self._snowflake(), name=name, type=type)
        self.channels[channel.id] = channel
        return channel

    def messages(self, channel: str) -> list[dict[str, Any]]:
        with self.lock:
            return [dict(message) for message in self.channels[channel].messages]

    def everything(self) -> list[dict[str, Any]]:
        """Return all messages, also in threads, in order of arrival."""
        with self.lock:
            results = [message for channel in self.channels.values() for message in channel.messages]
            return sorted((dict(message) for message in results), key=lambda message: int(message["id"]))

    def _snowflake(self) -> str:
        now = int(time.time() * 1_000) - _EPOCH_MS  # noqa: TID251 - a server has its own clock
        self._last_id = max(now << 22, self._last_id + 1)
        return str(self._last_id)

    # -- requests

    def doing(self, request: Request) -> str:
        path = re.sub(r"\d{15,}", "#", request.path)
        if path.endswith("/threads"):
            return "start a thread"
        if request.method == "PATCH":
            return "edit"
        if request.method == "POST":
            return "post"
        return "look" if path.endswith("/messages") else "ask"

    def too_many(self) -> Answer:
        return self._limited(1.5)

    def _limited(self, seconds: float) -> Answer:
        body = {"message": "You are being rate limited.", "retry_after": seconds, "global": False}
        headers = {"Retry-After": str(int(seconds) + 1), "X-RateLimit-Remaining": "0", "X-RateLimit-Scope": "user"}
        return Answer(429, body, {**headers, "X-RateLimit-Reset-After": str(seconds)})

    def accept(self, request: Request) -> Answer:
        if not re.match(r"DiscordBot \(\S+, [\w.]+\)", request.headers.get("user-agent", "")):
            return Answer(403, "error code: 1010")
        if request.method != "GET" and request.headers.get("content-type") != "application/json":
            return invalid("content-type", "CONTENT_TYPE_INVALID", "Expected application/json").answer
        path = request.path.removeprefix("/api/v10").removeprefix("/api")
        if matching := re.fullmatch(r"/webhooks/(\d+)/([\w-]+)(?:/messages/(\d+))?", path):
            return self._webhook(request, matching[1], matching[2], matching[3])
        if request.headers.get("authorization") != f"Bot {TOKEN}":
            return Answer(401, {"message": "401: Unauthorized", "code": 0})
        return self._bot(request, path)

    def _bot(self, request: Request, path: str) -> Answer:
        method, body = request.method, request.body
        if path == "/users/@me":
            return Answer(200, {"id": BOT_ID, "username": "Wirewatch", "bot": True})
        if path == f"/guilds/{GUILD_ID}/roles":
            everyone = {"id": GUILD_ID, "name": "@everyone", "permissions": "0"}
            return Answer(200, [everyone, {"id": ROLE_ID, "name": "Wirewatch", "permissions": str(self.rights)}])
        if path == f"/guilds/{GUILD_ID}/members/{BOT_ID}":
            return Answer(200, {"roles": [ROLE_ID]})
        matching = re.fullmatch(r"/channels/(\d+)(?:/messages(?:/(\d+)(/threads)?)?)?", path)
        if not matching:
            return Answer(404, {"message": "404: Not Found", "code": 0})
        channel = self._channel(matching[1])
        if "/messages" not in path:
            last = channel.messages[-1]["id"] if channel.messages else None
            facts = {"id": channel.id, "type": channel.type, "name": channel.name, "guild_id": GUILD_ID}
            return Answer(200, {**facts, "last_message_id": last, "permission_overwrites": []})
        if matching[3]:
            return self._start_thread(channel, matching[2], body)
        if method == "GET":
            return self._history(channel, request.query)
        if method == "PATCH":
            return self._edit(channel, matching[2], body, author=BOT_ID)
        return self._post(channel, body, author=BOT_ID)

    def _channel(self, channel_id: str) -> Channel:
        if channel_id not in self.channels:
            raise Refused(404, 10003, "Unknown Channel")
        self._need(VIEW, 50001, "Missing Access")
        return self.channels[channel_id]

    def _need(self, right: int, code: int = 50013, message: str = "Missing Permissions") -> None:
        if not self.rights & right:
            raise Refused(403, code, message)

    def _post(self, channel: Channel, body: Any, *, author: str) -> Answer:
        if channel.type == 15:
            raise Refused(400, 40058, "Cannot send a message in a forum channel")
        self._need(SEND_IN_THREADS if channel.type == 11 else SEND)
        check_message(body, known=_CREATE)
        if body.get("embeds"):
            self._need(EMBED_LINKS)
        return self._take(channel, body, author)

    def _take(self, channel: Channel, body: Mapping[str, Any], author: str) -> Answer:
        now, nonce = time.monotonic(), str(body.get("nonce") or "")
        earlier = self._nonces.get(nonce)
        if body.get("enforce_nonce") and earlier and now - earlier[0] < _NONCE_SECONDS:
            return Answer(200, {**earlier[1], "nonce": nonce})
        headers = {}
        if self.limit:
            count, seconds = self.limit
            while channel.posted_at and now - channel.posted_at[0] >= seconds:
                channel.posted_at.popleft()
            if len(channel.posted_at) >= count:
                return self._limited(channel.posted_at[0] + seconds - now)
            channel.posted_at.append(now)
            remaining = count - len(channel.posted_at)
            reset_seconds = channel.posted_at[0] + seconds - now
            headers = {"X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset-After": f"{reset_seconds:.3f}"}
        self.pinged += pinged(body)
        kept = {name: body[name] for name in ("content", "embeds", "flags") if name in body}
        message = {"id": self._snowflake(), "channel_id": channel.id, "author": {"id": author, "bot": True}, **kept}
        channel.messages.append({**message, "edits": 0})
        self._nonces[nonce] = (now, message)
        return Answer(200, {**message, "nonce": nonce}, headers)

    def _edit(self, channel: Channel, message_id: str, body: Any, *, author: str) -> Answer:
        message = self._message(channel, message_id)
        if message["author"]["id"] != author:
            raise Refused(403, 50005, "Cannot edit a message authored by another user")
        check_message(body, known=_MESSAGE, is_edit=True)
        self.pinged += pinged(body)
        message.update({name: body[name] for name in ("content", "embeds", "flags") if name in body})
        message["edits"] += 1
        return Answer(200, dict(message))

    def _message(self, channel: Channel, message_id: str) -> dict[str, Any]:
        for message in channel.messages:
            if message["id"] == message_id:
                return message
        raise Refused(404, 10008, "Unknown Message")

    def _start_thread(self, channel: Channel, message_id: str, body: Any) -> Answer:
        self._need(CREATE_THREADS)
        check_thread(body)
        message = self._message(channel, message_id)
        if "thread" in message:
            raise Refused(400, 160004, "A thread has already been created for this message")
        thread = self.add_channel(body["name"], type=11, id=message_id)
        message["thread"] = {"id": thread.id, "name": thread.name}
        return Answer(201, dict(message["thread"]))

    def _history(self, channel: Channel, query: Mapping[str, str]) -> Answer:
        limit = int(query.get("limit", 50))
        if not 1 <= limit <= 100:
            raise invalid("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 100.")
        if not self.rights & HISTORY:
            return Answer(200, [])
        results = [message for message in channel.messages if int(message["id"]) > int(query.get("after", 0))]
        # Return the messages right after one message, or the newest. Each page is newest first.
        page = results[:limit] if "after" in query else results[-limit:]
        return Answer(200, [dict(message) for message in reversed(page)])

    def _webhook(self, request: Request, id: str, key: str, message: str | None) -> Answer:  # noqa: A002
        if not any(webhook.startswith(f"{id}/") for webhook in self.webhooks):
            raise Refused(404, 10015, "Unknown Webhook")
        channel = self.channels.get(self.webhooks.get(f"{id}/{key}", ""))
        if channel is None:
            raise Refused(401, 50027, "Invalid Webhook Token")
        if request.method == "GET":
            return Answer(200, {"id": id, "name": "Wirewatch", "channel_id": channel.id, "guild_id": GUILD_ID})
        if message is not None:
            return self._edit(channel, message, request.body, author=id)
        check_message(request.body, known=_MESSAGE)
        if channel.type == 15:
            text = "Webhooks posted to forum channels must have a thread_name or thread_id"
            raise Refused(400, 220001, text)
        accepted = self._take(channel, request.body, id)
        return accepted if request.query.get("wait") == "true" else Answer(204)
