"""``kind: mattermost``: one channel of a server, by a bot's access token."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self, TypeAlias
from urllib.parse import quote

import pydantic

from bot import model, ports
from bot.channels.kit import http_client, places
from bot.channels.kit.context import ChannelContext, Duration
from bot.channels.kit.http_client import HttpResponse
from bot.channels.kit.people import ids
from bot.channels.mattermost import errors, markdown

KIND = "mattermost"
_WHO = "Mattermost"
_ID = re.compile(r"[a-z0-9]{26}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
#: The property of a post by which a look-up finds it.
SEND_ID = "wirewatch_send_id"
_PAGE = 100
_PAGE_BYTES = _PAGE * 80_000

Body: TypeAlias = Mapping[str, object]


class Options(pydantic.BaseModel):
    """A channel of a Mattermost server, with threads and edits."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    server: str = pydantic.Field(..., description="The server's address: https://mattermost.example.org.")
    team: str | None = pydantic.Field(None, description="The team, as in the channel's address; not if to is an id.")
    to: str = pydantic.Field(..., description="The channel, as in its address (policy-alerts), or its id.")
    token: model.Secret = pydantic.Field(..., description="The bot's access token: env:NAME or file:/path.")
    people: Annotated[
        dict[str, str],
        ids(_NAME, "the name behind the @, or here, channel or all"),
    ] = pydantic.Field({}, description="People whom messages can mention: a name of your choice, and the user's name.")
    max_length: Annotated[int, pydantic.Field(ge=4_000, le=65_535)] = pydantic.Field(
        16_383, description="The server's longest message, in characters; with an old database, 4000."
    )
    pace: Duration = pydantic.Field(timedelta(seconds=1), description="Minimum time between two messages.")

    @pydantic.field_validator("server")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")) or "/api/" in url:
            raise ValueError("expected the server's address: https://mattermost.example.org")
        return url.rstrip("/")

    @pydantic.field_validator("to")
    @classmethod
    def _names_a_channel(cls, to: str) -> str:
        if not re.fullmatch(r"~?[a-z0-9._-]{1,64}", to):
            raise ValueError("expected a channel as in its address, in small letters: policy-alerts; or its id")
        return to.removeprefix("~")

    @pydantic.model_validator(mode="after")
    def _has_team(self) -> Self:
        if self.team is None and not _ID.fullmatch(self.to):
            raise ValueError("add the team, as in the channel's address: team: policy")
        return self


class Channel:
    """A channel. The server recognizes a repetition for half a minute by its pending id; later ones need a look-up."""

    #: Less than the half minute for which a server keeps a post's pending id.
    abilities = ports.Abilities(threads=True, edits=True, lookup=True, idempotent=timedelta(seconds=20))

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        self.name = name
        self.pace = options.pace
        self.account = f"mattermost {options.server} {options.token.reference}"
        self._options = options
        self._context = context
        self._key = f"{self.account} {options.team} {options.to}"
        self._place = options.to if options.team is None else ""
        self._me = ""

    async def send(self, delivery: ports.Delivery) -> model.Receipt:
        place = await self._channel_id()
        text = markdown.text(
            delivery.message,
            limit=self._options.max_length,
            zone=self._context.zone,
            names_story=delivery.reply_to is None,
            is_plain=delivery.is_plain,
        )
        if delivery.edits is not None:
            places.check_edited(delivery.edits, place)
            path = f"/posts/{quote(delivery.edits.ref, safe='')}/patch"
            # The patch keeps the props, by which a look-up finds the post.
            patched = await self._call("PUT", path, {"message": text}, doing="editing", is_edit=True)
            return self._receipt(patched, place=place, thread=delivery.edits.thread)
        root = ""
        if delivery.reply_to is not None:
            places.check_thread(delivery.reply_to, place)
            root = delivery.reply_to.thread or delivery.reply_to.ref
        post = {
            "channel_id": place,
            "root_id": root,
            "message": text,
            "props": {SEND_ID: delivery.id},
            # Within half a minute a repetition returns the first post (app/post.go, deduplicateCreatePost).
            "pending_post_id": f"wirewatch:{delivery.id}",
        }
        created = await self._call("POST", "/posts?set_online=false", post, doing="posting")
        return self._receipt(created, place=place, thread=root)

    def _receipt(self, post: Body, *, place: str, thread: str) -> model.Receipt:
        ref = _text(post, "id")
        return model.Receipt(
            ref=ref, place=place, thread=thread, link=self._link(ref), sent_at=self._context.clock.now()
        )

    def _link(self, ref: str) -> str:
        """Return a post's link; the server redirects it to the post's team."""
        return f"{self._options.server}/_redirect/pl/{ref}"

    async def find(self, delivery: ports.Delivery, *, since: datetime) -> model.Receipt | None:
        place = await self._channel_id()
        places.check_thread(delivery.reply_to, place)
        me, page = await self._my_id(), 0
        while True:
            path = f"/channels/{place}/posts?page={page}&per_page={_PAGE}&skipFetchThreads=true"
            listing = await self._call("GET", path, doing="looking for a message")
            order, posts = listing.get("order"), listing.get("posts")
            if not isinstance(order, list) or not isinstance(posts, dict):
                raise _unreadable("order")
            for post in (posts[post_id] for post_id in order):
                at = datetime.fromtimestamp(post.get("create_at", 0) / 1000, UTC)
                if post.get("user_id") == me and (post.get("props") or {}).get(SEND_ID) == delivery.id:
                    ref, thread = str(post["id"]), str(post.get("root_id") or "")
                    return model.Receipt(ref=ref, place=place, thread=thread, link=self._link(ref), sent_at=at)
                if at < since:
                    return None
            if len(order) < _PAGE:
                return None
            page += 1

    async def check(self) -> Sequence[ports.CheckLine]:
        """Check token, channel and membership."""
        try:
            me = await self._call("GET", "/users/me", doing="the login")
        except ports.SendError as error:
            return [ports.CheckLine(is_good=False, what="the token is accepted", help=str(error))]
        name = str(me.get("username"))
        lines = [ports.CheckLine(is_good=True, what=f"the token belongs to {name}")]
        what = f"the bot can see the channel {self._options.to}"
        try:
            place = await self._channel_id()
            channel = await self._call("GET", f"/channels/{place}", doing="looking for the channel")
        except ports.SendError as error:
            return [*lines, ports.CheckLine(is_good=False, what=what, help=str(error))]
        lines.append(ports.CheckLine(is_good=True, what=what))
        archived = errors.TABLE["api.post.create_post.can_not_post_to_deleted.error"][1]
        is_open = not channel.get("delete_at")
        lines.append(ports.CheckLine.of(is_open, "the channel is not archived", otherwise=archived))
        response = await self._ask("GET", f"/channels/{place}/members/me")
        what, invite = f"{name} is a member of the channel", errors.TABLE["api.context.permissions.app_error"][1]
        return [*lines, ports.CheckLine.of(response.is_success, what, otherwise=invite)]

    async def close(self) -> None:
        """No connection is kept open between calls."""

    async def _channel_id(self) -> str:
        """Return the channel's id, looked up once and stored. Raises SendError."""
        if not self._place:
            self._place = await self._context.key_values.get(self._key) or ""
        if not self._place:
            team, channel = quote(self._options.team or "", safe=""), quote(self._options.to, safe="")
            path = f"/teams/name/{team}/channels/name/{channel}"
            self._place = _text(await self._call("GET", path, doing="looking for the channel"), "id")
            await self._context.key_values.put(self._key, self._place)
        return self._place

    async def _my_id(self) -> str:
        self._me = self._me or _text(await self._call("GET", "/users/me", doing="the login"), "id")
        return self._me

    async def _call(
        self, method: str, path: str, body: Body | None = None, *, doing: str, is_edit: bool = False
    ) -> Body:
        response = await self._ask(method, path, body)
        if response.is_success:
            return response.fields
        error = errors.error_of(response, doing=doing, now=self._context.clock.now(), is_edit=is_edit)
        if isinstance(error, ports.Parked) and self._options.team is not None and self._place:
            # A new channel may have the name of a deleted one.
            self._place = ""
            await self._context.key_values.put(self._key, "")
        raise error

    async def _ask(self, method: str, path: str, body: Body | None = None) -> HttpResponse:
        token = self._context.secret(self._options.token, what="the Mattermost token")
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self._options.server}/api/v4{path}"
        return await http_client.request(method, url, who=_WHO, document=body, headers=headers, limit_bytes=_PAGE_BYTES)


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise _unreadable(name)
    return value


def _unreadable(name: str) -> ports.Unknown:
    return ports.Unknown(f"Mattermost: the answer cannot be read (no {name})")
