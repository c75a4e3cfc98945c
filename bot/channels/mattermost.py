"""``kind: mattermost``: one channel of a server, by a bot's access token, with threads, edits and look-up.

Mattermost reads mentions from the message text itself, whatever its markup: an @ followed by a name
(mattermost/mattermost, app/mention_parser_standard.go). An invisible joiner after each @ of an article prevents this.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import groupby
from typing import Annotated, Self
from urllib.parse import quote

import pydantic

from bot.channels.kit import http_client, outline, phrases, rendering
from bot.channels.kit.context import (
    Address,
    BaseChannel,
    ChannelContext,
    ChannelOptions,
    Pace,
    StoredId,
    check_ids,
    check_place,
    passed,
    step,
    without_path,
)
from bot.channels.kit.errors import Act, ErrorTable, rows, send_error
from bot.channels.kit.http_client import HttpResponse, error_of_response
from bot.channels.kit.outline import Line, Run, Style
from bot.channels.kit.phrases import break_markup
from bot.model.access import Secret
from bot.model.channels import Abilities, ChannelFeatures, CheckLine, Delivery
from bot.model.errors import ChannelClosed, OutcomeUnknown, SendError
from bot.model.messages import Receipt

KIND = "mattermost"
_WHO = "Mattermost"
_ID = re.compile(r"[a-z0-9]{26}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
#: The property of a post by which a look-up finds it.
SEND_ID = "wirewatch_send_id"
_PAGE = 100
_PAGE_BYTES = _PAGE * 80_000


class Options(ChannelOptions):
    """A channel of a Mattermost server, with threads and edits."""

    server: Annotated[Address, without_path("/api/", "the server's address: https://mattermost.example.org")] = (
        pydantic.Field(..., description="The server's address: https://mattermost.example.org.")
    )
    team: str | None = pydantic.Field(
        None, description="The team, as in the channel's address. Omit it if to is an id."
    )
    to: str = pydantic.Field(..., description="The channel, as in its address (policy-alerts), or its id.")
    token: Secret = pydantic.Field(..., description="The bot's access token: env:NAME or file:/path.")
    people: Annotated[
        dict[str, str],
        check_ids(_NAME, "the name behind the @, or here, channel or all"),
    ] = pydantic.Field({}, description="People whom messages can mention: a name of your choice, and the user's name.")
    max_length: Annotated[int, pydantic.Field(ge=4_000, le=65_535)] = pydantic.Field(
        16_383,
        description="Maximum characters of a message that the server accepts. Set it to 4000 if its database is old.",
    )
    pace: Pace = timedelta(seconds=1)

    @property
    def features(self) -> ChannelFeatures:
        return ChannelFeatures(
            people=self.people,
            shows_all_stories=lambda message: outline.shows_all_stories(
                message, _render, lambda text: phrases.size(text) <= self.max_length
            ),
        )

    @pydantic.field_validator("to")
    @classmethod
    def _names_a_channel(cls, to: str) -> str:
        if not re.fullmatch(r"~?[a-z0-9._-]{1,64}", to):
            raise ValueError("expected the channel as in its address, in small letters (policy-alerts), or its id")
        return to.removeprefix("~")

    @pydantic.model_validator(mode="after")
    def _has_team(self) -> Self:
        if self.team is None and not _ID.fullmatch(self.to):
            raise ValueError("add the team, as in the channel's address: team: policy")
        return self


class Channel(BaseChannel):
    """A channel. For half a minute, the server recognizes a repeated post by its pending id.

    Later, only a look-up shows whether a post arrived.
    """

    #: ``idempotent`` is less than the half minute for which a server keeps a post's pending id.
    abilities = Abilities(threads=True, edits=True, lookup=True, idempotent=timedelta(seconds=20))

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        account = f"mattermost {options.server} {options.token.reference}"
        super().__init__(name, account=account, pace=options.pace, context=context)
        self._options = options
        self._channel = StoredId(context, f"{account} {options.team} {options.to}", self._find_channel)
        self._own_id = ""

    async def send(self, delivery: Delivery) -> Receipt:
        place = await self._channel.get()
        check_place(delivery, place)
        text = render_text(delivery, limit=self._options.max_length, zone=self.context.zone)
        if delivery.edits is not None:
            path = f"/posts/{quote(delivery.edits.ref, safe='')}/patch"
            # The patch keeps the props, by which a look-up finds the post.
            patched = await self._call("PUT", path, {"message": text}, doing="editing", is_edit=True)
            return self._receipt(patched, place=place, thread=delivery.edits.thread)
        root = delivery.reply_to.head if delivery.reply_to else ""
        post = {
            "channel_id": place,
            "root_id": root,
            "message": text,
            "props": {SEND_ID: delivery.id},
            # Within half a minute, a repeated request returns the first post (app/post.go, deduplicateCreatePost).
            "pending_post_id": f"wirewatch:{delivery.id}",
        }
        created = await self._call("POST", "/posts?set_online=false", post, doing="posting")
        return self._receipt(created, place=place, thread=root)

    def _receipt(self, post: HttpResponse, *, place: str, thread: str) -> Receipt:
        ref = post.text_field("id", who=_WHO)
        return self.receipt(ref, place=place, thread=thread, link=self._link(ref))

    def _link(self, ref: str) -> str:
        """Return a post's link; the server redirects it to the post's team."""
        return f"{self._options.server}/_redirect/pl/{ref}"

    async def find(self, delivery: Delivery, *, since: datetime) -> Receipt | None:
        place = await self._channel.get()
        check_place(delivery, place)
        if not self._own_id:
            self._own_id = (await self._call("GET", "/users/me", doing="the login")).text_field("id", who=_WHO)
        page = 0
        while True:
            path = f"/channels/{place}/posts?page={page}&per_page={_PAGE}&skipFetchThreads=true"
            listing = (await self._call("GET", path, doing="looking for a message")).fields
            order, posts = listing.get("order"), listing.get("posts")
            if not isinstance(order, list) or not isinstance(posts, dict):
                raise OutcomeUnknown(f"{_WHO}: the answer cannot be read (no order)")
            for post in (posts[post_id] for post_id in order):
                at = datetime.fromtimestamp(post.get("create_at", 0) / 1000, UTC)
                if post.get("user_id") == self._own_id and (post.get("props") or {}).get(SEND_ID) == delivery.id:
                    ref, thread = str(post["id"]), str(post.get("root_id") or "")
                    return Receipt(ref=ref, place=place, thread=thread, link=self._link(ref), sent_at=at)
                if at < since:
                    return None
            if len(order) < _PAGE:
                return None
            page += 1

    async def check_setup(self) -> AsyncIterator[CheckLine]:
        """Check token, channel and membership."""
        with step("the token is accepted"):
            me = (await self._call("GET", "/users/me", doing="the login")).fields.get("username")
        yield passed(f"the token belongs to {me}")
        what = f"the bot can see the channel {self._options.to}"
        with step(what):
            place = await self._channel.get()
            channel = (await self._call("GET", f"/channels/{place}", doing="looking for the channel")).fields
        yield passed(what)
        archived = ERRORS["api.post.create_post.can_not_post_to_deleted.error"][1]
        yield CheckLine.of(not channel.get("delete_at"), "the channel is not archived", otherwise=archived)
        what = f"{me} is a member of the channel"
        with step(what):
            response = await self._request("GET", f"/channels/{place}/members/me")
        yield CheckLine.of(response.is_success, what, otherwise=ERRORS[_NO_PERMISSION][1])

    async def _find_channel(self) -> str:
        if self._options.team is None:
            return self._options.to
        team, channel = quote(self._options.team, safe=""), quote(self._options.to, safe="")
        path = f"/teams/name/{team}/channels/name/{channel}"
        return (await self._call("GET", path, doing="looking for the channel")).text_field("id", who=_WHO)

    async def _call(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, doing: str, is_edit: bool = False
    ) -> HttpResponse:
        response = await self._request(method, path, body)
        if response.is_success:
            return response
        error = _error_of(response, doing=doing, now=self.context.clock.now(), is_edit=is_edit)
        if isinstance(error, ChannelClosed):
            # Look the channel up next time, because a new channel may have the name of a deleted one.
            await self._channel.forget()
        raise error

    async def _request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> HttpResponse:
        token = self.context.secret(self._options.token, what="the Mattermost token")
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self._options.server}/api/v4{path}"
        return await http_client.request(method, url, who=_WHO, document=body, headers=headers, limit_bytes=_PAGE_BYTES)


_JOINER = "\u2060"
#: Characters that a backslash escapes. A # also begins a hashtag. A ( is harmless after an escaped ].
_MARKS = re.compile(r"[\\`*_\[\]#~|!]")
#: The start of a line that would become a list or a heading.
_LINE_START = re.compile(r"^(?=[-+=]|\d+[.)])")
_ENTITY = re.compile(r"&(?=[#\w]{1,32};)")
#: The name of an emoji, such as :smile:.
_EMOJI = re.compile(r":(?=[\w+-]{1,64}:)")
_PREFIXES = {Style.HEAD: "#### ", Style.LINE: "", Style.QUOTE: "> ", Style.ITEM: "- ", Style.SMALL: ""}


def render_text(delivery: Delivery, *, limit: int, zone: tzinfo) -> str:
    """Return a message in Mattermost's Markdown, of at most ``limit`` characters."""
    if delivery.is_plain:
        words = break_markup(rendering.plain_message(delivery.message, zone=zone, limit=limit))
        return rendering.cut_lines(words, limit)
    return outline.render_to_fit(delivery, _render, lambda text: phrases.size(text) <= limit, zone=zone)


def _render(lines: Sequence[Line]) -> str:
    """Return blocks separated by blank lines, because otherwise the text after a quote would belong to the quote."""
    blocks: list[str] = []
    for style, group in groupby(lines, key=lambda line: line.style):
        texts = [_PREFIXES[style] + "".join(map(_render_run, line.runs)) for line in group]
        blocks += ["\n".join(texts)] if style in (Style.ITEM, Style.SMALL) else texts
    return "\n\n".join(blocks)


def _render_run(run: Run) -> str:
    return f"@{run.mention}" if run.mention else rendering.render_markdown(run, escape, _escape_address)


def escape(words: str) -> str:
    """Escape untrusted text.

    >>> escape("*now* <b> @all #tag :smile:").replace("\\u2060", "^")
    '\\\\*now\\\\* ‹b› @^all \\\\#tag :^smile:'
    """
    text = _MARKS.sub(r"\\\g<0>", words.replace("<", "‹").replace(">", "›"))
    text = _EMOJI.sub(f":{_JOINER}", _ENTITY.sub(f"&{_JOINER}", text))
    text = text.replace("@", f"@{_JOINER}").replace("\uff20", f"\uff20{_JOINER}")
    return _LINE_START.sub(_JOINER, text)


def _escape_address(link: str) -> str:
    """Escape an address for the brackets of a link, without changing where it leads."""
    return re.sub(r"[()\[\]*`@\\]", lambda mark: f"%{ord(mark[0]):02X}", link)


_COPY_ADVICE = (
    "copy the bot's access token into the variable or file of `token:`: Integrations, Bot Accounts, Create New Token"
)
_INVITE = "add the bot to the team, and in the channel type /invite and its name"
_NO_PERMISSION = "api.context.permissions.app_error"
_CHECK_NAMES = (
    "check `team:` and `to:` in bot.yaml: both are written as in the channel's address; add the bot to a private "
    "channel first"
)

#: Error id -> reaction and advice to the operator (for channel-answers.md). The ids are from
#: mattermost/mattermost: server/channels/api4/post.go, app/post.go, app/channel.go, web/context.go and
#: server/public/model/post.go.
ERRORS: ErrorTable = {
    "api.post.deduplicate_create_post.pending": (Act.LOOK, ""),
    **rows(
        Act.SIMPLIFY,
        *("model.post.is_valid.message_length.app_error", "model.post.is_valid.msg.app_error"),
        advice="set max_length to the server's limit",
    ),
    **rows(
        Act.SIMPLIFY,
        "model.post.is_valid.props.app_error",
        "api.context.invalid_body_param.app_error",
        "api.context.invalid_param.app_error",
    ),
    **rows(Act.TOP_LEVEL, "api.post.create_post.root_id.app_error", "api.post.create_post.channel_root_id.app_error"),
    **rows(
        Act.LEAVE,
        "api.post.update_post.permissions_time_limit.app_error",
        "api.post.update_post.find.app_error",
        "api.post.update_post.permissions_details.app_error",
    ),
    _NO_PERMISSION: (Act.PARK_CHANNEL, _INVITE),
    "api.post.create_post.can_not_post_to_deleted.error": (
        Act.PARK_CHANNEL,
        "the channel is archived: unarchive it, or set another channel in bot.yaml",
    ),
    "api.post.create_post.town_square_read_only": (Act.PARK_CHANNEL, "the channel is read-only: ask its admin"),
    **rows(
        Act.PARK_CHANNEL,
        *("app.channel.get_by_name.missing.app_error", "app.channel.get.existing.app_error"),
        *("app.team.get_by_name.missing.app_error", "app.team.get_by_name.app_error"),
        advice=_CHECK_NAMES,
    ),
    **rows(
        Act.PARK_WORKSPACE,
        *("api.context.session_expired.app_error", "api.context.token_provided.app_error"),
        "api.context.invalid_token.error",
        advice=_COPY_ADVICE,
    ),
}


def _error_of(response: HttpResponse, *, doing: str, now: datetime, is_edit: bool) -> SendError:
    code = response.fields.get("id")
    act, _ = ERRORS.get(code, (None, "")) if isinstance(code, str) else (None, "")
    if response.status == 429:
        code = None
    elif act is Act.TOP_LEVEL or (is_edit and code == _NO_PERMISSION):
        # The server answers an edit of a deleted post with _NO_PERMISSION (api4/post.go, postPatchChecks).
        return send_error(act if act is Act.TOP_LEVEL else Act.LEAVE, f"{doing}: {_WHO} says {code}")
    return error_of_response(response, ERRORS, code=code, who=_WHO, doing=doing, now=now)
