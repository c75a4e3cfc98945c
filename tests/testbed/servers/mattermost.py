"""A strict local Mattermost server: its API as far as the bot uses it, for ``faulty.serve``.

It refuses what the real one refuses. Each rule names its source in mattermost/mattermost, under server/: "api4" is
channels/api4/post.go, "app" channels/app/post.go, "model" public/model/post.go. Its mentions are read as
channels/app/mention_parser_standard.go reads them, from the whole message, which is stricter: the real one leaves code
and addresses out.
"""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import dataclass, field
from typing import Any

from tests.testbed.servers import faulty
from tests.testbed.servers.faulty import Answer, Request

TOKEN = "m4ttermostt0kenfortests1234"
TEAM = "newsroom"
ME = "b" * 26
#: model: PostMessageMaxRunesV2, PostPropsMaxUserRunes.
MESSAGE_RUNES, PROPS_RUNES = 16_383, 760_000
#: app: pendingPostIDsCacheTTL.
_PENDING_SECONDS = 30
#: The keys of a post that the bot sets (model: Post). A real server ignores those that it does not know.
_CREATE = {"channel_id", "root_id", "message", "props", "pending_post_id"}
_PATCH = {"message", "props"}


class Refused(faulty.Refused):
    def __init__(self, status: int, name: str) -> None:
        super().__init__(status, {"id": name, "message": "words", "status_code": status, "request_id": "r"})


@dataclass(slots=True)
class Channel:
    id: str
    name: str
    is_member: bool = True
    is_archived: bool = False
    #: In order of arrival, replies among them.
    posts: list[dict[str, Any]] = field(default_factory=list)


class Mattermost(faulty.Strict):
    """The state of the server."""

    SENDS = frozenset({"post", "edit"})

    def __init__(self) -> None:
        super().__init__()
        self.channels: dict[str, Channel] = {}
        #: The people who would have been notified by name.
        self.pinged: list[str] = []
        #: Seconds after which a post can no longer be edited (ServiceSettings.PostEditTimeLimit); -1: never.
        self.edit_limit_seconds = -1
        self._pending: dict[str, tuple[float, dict[str, Any]]] = {}
        self._numbers = itertools.count(1)

    def add_channel(self, name: str, **facts: Any) -> Channel:
        channel = Channel(id=f"c{len(self.channels):025d}", name=name, **facts)
        self.channels[channel.id] = channel
        return channel

    def posts(self, name: str) -> list[dict[str, Any]]:
        with self.lock:
            return [dict(post) for channel in self.channels.values() if channel.name == name for post in channel.posts]

    # -- the service of ``faulty``

    def doing(self, request: Request) -> str:
        if request.path == "/api/v4/posts":
            return "post"
        if request.path.endswith("/patch"):
            return "edit"
        if request.path.endswith("/posts"):
            return "look"
        return "name" if "/name/" in request.path else "other"

    def too_many(self) -> Answer:
        """channels/app/ratelimit.go: a text, and headers."""
        return Answer(429, "limit exceeded", {"X-RateLimit-Reset": "2", "Retry-After": "2"})

    def accept(self, request: Request) -> Answer:
        status = 201 if request.method == "POST" and request.path.endswith("/posts") else 200
        return Answer(status, self._answer(request))

    def _answer(self, request: Request) -> Any:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            # channels/web/handlers.go: an unknown token is an expired session.
            raise Refused(401, "api.context.session_expired.app_error")
        parts = request.path.removeprefix("/api/v4").strip("/").split("/")
        match request.method, parts:
            case "GET", ["users", "me"]:
                return {"id": ME, "username": "wirewatch", "is_bot": True}
            case "GET", ["teams", "name", team, "channels", "name", name]:
                return self._by_name(team, name)
            case "GET", ["channels", channel_id]:
                return self._shown(self._channel(channel_id))
            case "GET", ["channels", channel_id, "members", "me"]:
                if not self._channel(channel_id).is_member:
                    raise Refused(404, "app.channel.get_member.missing.app_error")
                return {"user_id": ME, "channel_id": channel_id}
            case "GET", ["channels", channel_id, "posts"]:
                return self._page(self._readable(channel_id), request)
            case "POST", ["posts"]:
                return self._create(request.body)
            case "PUT", ["posts", post_id, "patch"]:
                return self._patch(post_id, request.body)
        raise Refused(404, "api.context.404.app_error")

    def _by_name(self, team: str, name: str) -> dict[str, Any]:
        if team != TEAM:
            raise Refused(404, "app.team.get_by_name.missing.app_error")
        for channel in self.channels.values():
            if channel.name == name and not channel.is_archived:
                return self._shown(channel)
        raise Refused(404, "app.channel.get_by_name.missing.app_error")

    def _shown(self, channel: Channel) -> dict[str, Any]:
        return {"id": channel.id, "name": channel.name, "delete_at": int(channel.is_archived)}

    def _channel(self, channel_id: str) -> Channel:
        if channel_id not in self.channels:
            raise Refused(404, "app.channel.get.existing.app_error")
        return self.channels[channel_id]

    def _readable(self, channel_id: str) -> Channel:
        # api4: userCreatePostPermissionCheckWithContext; an unknown channel gives no right either.
        channel = self.channels.get(channel_id)
        if channel is None or not channel.is_member:
            raise Refused(403, "api.context.permissions.app_error")
        return channel

    def _page(self, channel: Channel, request: Request) -> dict[str, Any]:
        page, size = int(request.query.get("page", 0)), min(int(request.query.get("per_page", 60)), 200)
        results = [post for post in channel.posts[::-1] if not post["delete_at"]][page * size : (page + 1) * size]
        return {"order": [post["id"] for post in results], "posts": {post["id"]: post for post in results}}

    def _create(self, body: Any) -> dict[str, Any]:
        self._check(body, known=_CREATE)
        channel = self._readable(str(body.get("channel_id")))
        if channel.is_archived:
            raise Refused(400, "api.post.create_post.can_not_post_to_deleted.error")
        # app: deduplicateCreatePost.
        pending, now = str(body.get("pending_post_id") or ""), time.monotonic()
        earlier = self._pending.get(pending)
        if pending and earlier and now - earlier[0] < _PENDING_SECONDS:
            return earlier[1]
        if root := str(body.get("root_id") or ""):
            # app: CreatePost, "Verify the parent/child relationships are correct".
            head = self._post(root)
            if head is None or head["delete_at"] or head["root_id"]:
                raise Refused(400, "api.post.create_post.root_id.app_error")
            if head["channel_id"] != channel.id:
                raise Refused(400, "api.post.create_post.channel_root_id.app_error")
        post = {
            "id": f"p{next(self._numbers):025d}",
            "create_at": int(time.time() * 1000),  # noqa: TID251 - a server has its own clock
            "delete_at": 0,
            "user_id": ME,
            "channel_id": channel.id,
            "root_id": root,
            "message": body["message"],
            "props": {**(body.get("props") or {}), "from_bot": "true"},
            "pending_post_id": pending,
            "edits": 0,
        }
        self.pinged += pings(post["message"])
        channel.posts.append(post)
        self._pending[pending] = (now, post)
        return post

    def _patch(self, post_id: str, body: Any) -> dict[str, Any]:
        """api4: patchPost, postPatchChecks."""
        self._check(body, known=_PATCH)
        post = self._post(post_id)
        if post is None or post["delete_at"] or post["user_id"] != ME:
            raise Refused(403, "api.context.permissions.app_error")
        age_seconds = time.time() - post["create_at"] / 1000  # noqa: TID251 - a server has its own clock
        if self.edit_limit_seconds != -1 and age_seconds > self.edit_limit_seconds:
            raise Refused(400, "api.post.update_post.permissions_time_limit.app_error")
        self.pinged += pings(body["message"])
        # app: PatchPost; props are replaced as a whole.
        post.update({name: body[name] for name in ("message", "props") if name in body}, edits=post["edits"] + 1)
        return post

    def _post(self, post_id: str) -> dict[str, Any] | None:
        return next((p for channel in self.channels.values() for p in channel.posts if p["id"] == post_id), None)

    def _check(self, body: Any, *, known: set[str]) -> None:
        if not isinstance(body, dict) or set(body) - known:
            raise Refused(400, "api.context.invalid_body_param.app_error")
        message = body.get("message")
        # Stricter: an empty post is taken where it has a file.
        if not isinstance(message, str) or not message.strip():
            raise Refused(400, "api.context.invalid_param.app_error")
        # model: IsValid counts runes.
        if len(message) > MESSAGE_RUNES:
            raise Refused(400, "model.post.is_valid.message_length.app_error")
        if len(str(body.get("props") or "")) > PROPS_RUNES:
            raise Refused(400, "model.post.is_valid.props.app_error")


def pings(message: str) -> list[str]:
    """Words that would notify somebody: @here, @channel, @all, a person, a group."""
    words = re.split(r"[^:.\-_@\w]", message)
    return [word for word in (word.lstrip(":.-_").rstrip(":.-_") for word in words) if re.match(r"@\w", word)]
