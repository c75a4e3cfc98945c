"""``kind: mattermost``: one channel of a server, by a bot's access token, with threads, edits and look-up.

Mattermost reads mentions from the message text itself, whatever its markup: an @ followed by a name
(mattermost/mattermost, app/mention_parser_standard.go). An invisible joiner after each @ ends the word there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import groupby
from typing import Annotated, Self, TypeAlias
from urllib.parse import quote

import pydantic

from bot import model
from bot.channels.kit import context, errors, http_client, outline, phrases, rendering
from bot.channels.kit.context import ChannelContext, Duration, check_ids
from bot.channels.kit.errors import Act
from bot.channels.kit.http_client import HttpResponse
from bot.channels.kit.outline import Line, Run, Style
from bot.channels.kit.phrases import break_markup

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
        check_ids(_NAME, "the name behind the @, or here, channel or all"),
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
    abilities = model.Abilities(threads=True, edits=True, lookup=True, idempotent=timedelta(seconds=20))

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        self.name = name
        self.pace = options.pace
        self.account = f"mattermost {options.server} {options.token.reference}"
        self._options = options
        self._context = context
        self._key = f"{self.account} {options.team} {options.to}"
        self._place = options.to if options.team is None else ""
        self._me = ""

    async def send(self, delivery: model.Delivery) -> model.Receipt:
        place = await self._channel_id()
        text = render_text(
            delivery.message,
            limit=self._options.max_length,
            zone=self._context.zone,
            names_story=delivery.reply_to is None,
            is_plain=delivery.is_plain,
        )
        if delivery.edits is not None:
            context.check_edited(delivery.edits, place)
            path = f"/posts/{quote(delivery.edits.ref, safe='')}/patch"
            # The patch keeps the props, by which a look-up finds the post.
            patched = await self._call("PUT", path, {"message": text}, doing="editing", is_edit=True)
            return self._receipt(patched, place=place, thread=delivery.edits.thread)
        root = ""
        if delivery.reply_to is not None:
            context.check_thread(delivery.reply_to, place)
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
        ref = _require_text(post, "id")
        return model.Receipt(
            ref=ref, place=place, thread=thread, link=self._link(ref), sent_at=self._context.clock.now()
        )

    def _link(self, ref: str) -> str:
        """Return a post's link; the server redirects it to the post's team."""
        return f"{self._options.server}/_redirect/pl/{ref}"

    async def find(self, delivery: model.Delivery, *, since: datetime) -> model.Receipt | None:
        place = await self._channel_id()
        context.check_thread(delivery.reply_to, place)
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

    async def check(self) -> Sequence[model.CheckLine]:
        """Check token, channel and membership."""
        try:
            me = await self._call("GET", "/users/me", doing="the login")
        except model.SendError as error:
            return [model.CheckLine(is_good=False, what="the token is accepted", help=str(error))]
        name = str(me.get("username"))
        lines = [model.CheckLine(is_good=True, what=f"the token belongs to {name}")]
        what = f"the bot can see the channel {self._options.to}"
        try:
            place = await self._channel_id()
            channel = await self._call("GET", f"/channels/{place}", doing="looking for the channel")
        except model.SendError as error:
            return [*lines, model.CheckLine(is_good=False, what=what, help=str(error))]
        lines.append(model.CheckLine(is_good=True, what=what))
        archived = ERRORS["api.post.create_post.can_not_post_to_deleted.error"][1]
        is_open = not channel.get("delete_at")
        lines.append(model.CheckLine.of(is_open, "the channel is not archived", otherwise=archived))
        response = await self._ask("GET", f"/channels/{place}/members/me")
        what, invite = f"{name} is a member of the channel", ERRORS["api.context.permissions.app_error"][1]
        return [*lines, model.CheckLine.of(response.is_success, what, otherwise=invite)]

    async def close(self) -> None:
        """No connection is kept open between calls."""

    async def _channel_id(self) -> str:
        """Return the channel's id, looked up once and stored. Raises SendError."""
        if not self._place:
            self._place = await self._context.key_values.get(self._key) or ""
        if not self._place:
            team, channel = quote(self._options.team or "", safe=""), quote(self._options.to, safe="")
            path = f"/teams/name/{team}/channels/name/{channel}"
            self._place = _require_text(await self._call("GET", path, doing="looking for the channel"), "id")
            await self._context.key_values.put(self._key, self._place)
        return self._place

    async def _my_id(self) -> str:
        self._me = self._me or _require_text(await self._call("GET", "/users/me", doing="the login"), "id")
        return self._me

    async def _call(
        self, method: str, path: str, body: Body | None = None, *, doing: str, is_edit: bool = False
    ) -> Body:
        response = await self._ask(method, path, body)
        if response.is_success:
            return response.fields
        error = _error_of(response, doing=doing, now=self._context.clock.now(), is_edit=is_edit)
        if isinstance(error, model.ChannelClosed) and self._options.team is not None and self._place:
            # A new channel may have the name of a deleted one.
            self._place = ""
            await self._context.key_values.put(self._key, "")
        raise error

    async def _ask(self, method: str, path: str, body: Body | None = None) -> HttpResponse:
        token = self._context.secret(self._options.token, what="the Mattermost token")
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self._options.server}/api/v4{path}"
        return await http_client.request(method, url, who=_WHO, document=body, headers=headers, limit_bytes=_PAGE_BYTES)


def _require_text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise _unreadable(name)
    return value


def _unreadable(name: str) -> model.OutcomeUnknown:
    return model.OutcomeUnknown(f"Mattermost: the answer cannot be read (no {name})")


_JOINER = "\u2060"
#: Marks that a backslash escapes; # also begins a hashtag. A ( is harmless after our \].
_MARKS = re.compile(r"[\\`*_\[\]#~|!]")
#: The start of a list, a quote or a heading at the start of a line.
_LINE_START = re.compile(r"^(?=[-+=]|\d+[.)])")
_ENTITY = re.compile(r"&(?=[#\w]{1,32};)")
_PREFIXES = {Style.HEAD: "#### ", Style.LINE: "", Style.QUOTE: "> ", Style.ITEM: "- ", Style.SMALL: ""}


def render_text(
    message: model.Message, *, limit: int, zone: tzinfo, names_story: bool = False, is_plain: bool = False
) -> str:
    """Return a message in Mattermost's Markdown, of at most ``limit`` characters."""
    if is_plain:
        words = break_markup(rendering.plain_message(message, zone=zone))
        return rendering.cut_lines(words, limit)
    return outline.render_to_fit(
        message, _render, lambda rendered: phrases.size(rendered) <= limit, names_story=names_story, zone=zone
    )


def _render(lines: Sequence[Line]) -> str:
    """Return blocks with blank lines between them, without which the text after a quote would belong to it."""
    blocks: list[str] = []
    for style, group in groupby(lines, key=lambda line: line.style):
        texts = [_PREFIXES[style] + "".join(_render_run(run) for run in line.runs) for line in group]
        blocks += ["\n".join(texts)] if style in (Style.ITEM, Style.SMALL) else texts
    return "\n\n".join(blocks)


def _render_run(run: Run) -> str:
    if run.mention:
        return f"@{run.mention}"
    leading, words, trailing = run.parted
    if not words:
        return run.text
    text = escape(words)
    for is_on, mark in ((run.is_italic, "*"), (run.is_struck, "~~"), (run.is_bold, "**")):
        text = f"{mark}{text}{mark}" if is_on else text
    text = f"[{text}]({_escape_address(run.link)})" if run.link else text
    return f"{leading}{text}{trailing}"


def escape(words: str) -> str:
    """Escape untrusted text.

    >>> escaped("*now* <b> @all #tag").replace("\\u2060", "^")
    '\\\\*now\\\\* ‹b› @^all \\\\#tag'
    """
    text = _MARKS.sub(r"\\\g<0>", words.replace("<", "‹").replace(">", "›"))
    text = _ENTITY.sub(f"&{_JOINER}", text).replace("@", f"@{_JOINER}").replace("\uff20", f"\uff20{_JOINER}")
    return _LINE_START.sub(_JOINER, text)


def _escape_address(link: str) -> str:
    """Escape an address for the brackets of a link, without changing where it leads."""
    return re.sub(r"[()\[\]*`@\\]", lambda mark: f"%{ord(mark[0]):02X}", link)


_COPY_ADVICE = "copy the bot's access token into what `token:` names: Integrations, Bot Accounts, Create New Token"
_INVITE = "add the bot to the team, and in the channel type /invite and its name"
_CHECK_NAMES = (
    "check `team:` and `to:` in bot.yaml: both are written as in the channel's address; add the bot to a private "
    "channel first"
)

#: Error id -> the reaction, and advice to the operator (docs/channels.md has the same table). Ids from
#: mattermost/mattermost: server/channels/api4/post.go, app/post.go, app/channel.go, web/context.go and
#: server/public/model/post.go.
ERRORS: Mapping[str, tuple[Act, str]] = {
    "api.post.deduplicate_create_post.pending": (Act.LOOK, ""),
    "model.post.is_valid.message_length.app_error": (Act.SIMPLIFY, "set max_length to what the server takes"),
    "model.post.is_valid.msg.app_error": (Act.SIMPLIFY, "set max_length to what the server takes"),
    "model.post.is_valid.props.app_error": (Act.SIMPLIFY, ""),
    "api.context.invalid_body_param.app_error": (Act.SIMPLIFY, ""),
    "api.context.invalid_param.app_error": (Act.SIMPLIFY, ""),
    "api.post.create_post.root_id.app_error": (Act.TOP_LEVEL, ""),
    "api.post.create_post.channel_root_id.app_error": (Act.TOP_LEVEL, ""),
    "api.post.update_post.permissions_time_limit.app_error": (Act.LEAVE, ""),
    "api.post.update_post.find.app_error": (Act.LEAVE, ""),
    "api.post.update_post.permissions_details.app_error": (Act.LEAVE, ""),
    "api.context.permissions.app_error": (Act.PARK_CHANNEL, _INVITE),
    "api.post.create_post.can_not_post_to_deleted.error": (
        Act.PARK_CHANNEL,
        "the channel is archived: unarchive it, or name another in bot.yaml",
    ),
    "api.post.create_post.town_square_read_only": (Act.PARK_CHANNEL, "the channel is read-only: ask its admin"),
    "app.channel.get_by_name.missing.app_error": (Act.PARK_CHANNEL, _CHECK_NAMES),
    "app.channel.get.existing.app_error": (Act.PARK_CHANNEL, _CHECK_NAMES),
    "app.team.get_by_name.missing.app_error": (Act.PARK_CHANNEL, _CHECK_NAMES),
    "app.team.get_by_name.app_error": (Act.PARK_CHANNEL, _CHECK_NAMES),
    "api.context.session_expired.app_error": (Act.PARK_WORKSPACE, _COPY_ADVICE),
    "api.context.token_provided.app_error": (Act.PARK_WORKSPACE, _COPY_ADVICE),
    "api.context.invalid_token.error": (Act.PARK_WORKSPACE, _COPY_ADVICE),
}


def _error_of(response: HttpResponse, *, doing: str, now: datetime, is_edit: bool = False) -> model.SendError:
    """Return the error for a response that is not a success; ``doing`` describes the request."""
    error_id = response.fields.get("id")
    name = error_id if isinstance(error_id, str) and error_id.isascii() else ""
    act, advice = ERRORS.get(name, (None, ""))
    if act is None or response.status == 429 or (response.status >= 500 and act is not Act.TOP_LEVEL):
        return errors.error_of_status(
            response.status, who="Mattermost", headers=response.headers, now=now, word=phrases.cut(name, 80)
        )
    if is_edit and name == "api.context.permissions.app_error":
        # The server answers so for a deleted post too (api4/post.go, postPatchChecks).
        act, advice = Act.LEAVE, ""
    return errors.send_error(act, f"{doing}: Mattermost says {name}", advice=advice)
