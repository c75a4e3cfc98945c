"""``kind: mattermost``: one channel of a server, by a bot's access token, with threads, edits and look-up.

Mattermost reads mentions from the message text itself, whatever its markup: an @ followed by a name
(mattermost/mattermost, app/mention_parser_standard.go). An invisible joiner after each @ of an article prevents this.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import count, groupby
from typing import Annotated, Any, Self
from urllib.parse import quote

import pydantic

from bot.channels.kit import outline, phrases, rendering
from bot.channels.kit.context import (
    Address,
    ChannelContext,
    ChannelOptions,
    Pace,
    StoredId,
    check_ids,
    check_place,
    passed,
    step,
)
from bot.channels.kit.errors import Act, ErrorTable, rows
from bot.channels.kit.http_client import HttpResponse
from bot.channels.kit.outline import OutlineLine, Run, Style
from bot.channels.kit.phrases import break_markup
from bot.channels.kit.rest import Call, RestChannel
from bot.model.access import Secret
from bot.model.channels import Abilities, ChannelFeatures, CheckLine, Delivery
from bot.model.errors import ChannelClosed, OutcomeUnknown
from bot.model.messages import Receipt
from bot.patterns import LazyPattern

KIND = "mattermost"
_ID = LazyPattern(r"[a-z0-9]{26}")
_NAME = LazyPattern(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
#: The property of a post by which a look-up finds it.
SEND_ID = "wirewatch_send_id"
_PAGE = 100
_PAGE_BYTES = _PAGE * 80_000


class Options(ChannelOptions):
    """A channel of a Mattermost server, with threads and edits."""

    server: Address = pydantic.Field(..., description="The server's address: https://mattermost.example.org.")
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
            shows_all_stories=lambda listing: outline.shows_all_stories(
                listing, _render, lambda text: phrases.size(text) <= self.max_length
            ),
        )

    @pydantic.field_validator("server")
    @classmethod
    def _is_server(cls, server: str) -> str:
        if "/api/" in server:
            raise ValueError("expected the server's address: https://mattermost.example.org")
        return server

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


class Channel(RestChannel):
    """A channel. For half a minute, the server recognizes a repeated post by its pending id.

    Later, only a look-up shows whether a post arrived.
    """

    #: ``idempotent`` is less than the half minute for which a server keeps a post's pending id.
    abilities = Abilities(threads=True, edits=True, lookup=True, idempotent=timedelta(seconds=20))
    who = "Mattermost"
    limit_bytes = _PAGE_BYTES

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        account = f"mattermost {options.server} {options.token.reference}"
        super().__init__(name, account=account, pace=options.pace, context=context, errors=ERRORS)
        self._options = options
        self._place = StoredId(context, f"{account} {options.team} {options.to}", self._find_channel)

    async def send(self, delivery: Delivery) -> Receipt:
        place = await self._place.get()
        check_place(delivery, place)
        text = render_text(delivery, limit=self._options.max_length, zone=self.context.zone)
        if delivery.edits is not None:
            path = f"/posts/{quote(delivery.edits.ref, safe='')}/patch"
            # The patch keeps the props, by which a look-up finds the post.
            call = Call(method="PUT", path=path, doing="editing", body={"message": text}, instead=_NOT_EDITABLE)
            return self._receipt(await self.call(call), place=place, thread=delivery.edits.thread)
        root = delivery.reply_to.head if delivery.reply_to else ""
        post = {
            "channel_id": place,
            "root_id": root,
            "message": text,
            "props": {SEND_ID: delivery.id},
            # Within half a minute, a repeated request returns the first post (app/post.go, deduplicateCreatePost).
            "pending_post_id": f"wirewatch:{delivery.id}",
        }
        query = {"set_online": "false"}
        call = Call(method="POST", path="/posts", doing="posting", query=query, body=post, instead=_NO_THREAD)
        return self._receipt(await self.call(call), place=place, thread=root)

    def _receipt(self, post: HttpResponse, *, place: str, thread: str) -> Receipt:
        ref = post.text_field("id", who=self.who)
        return self.receipt(ref, place=place, thread=thread, link=self._link(ref))

    def _link(self, ref: str) -> str:
        """Return a post's link; the server redirects it to the post's team."""
        return f"{self._options.server}/_redirect/pl/{ref}"

    async def find(self, delivery: Delivery, *, since: datetime) -> Receipt | None:
        place = await self._place.get()
        check_place(delivery, place)
        own_id = (await self._get("/users/me", doing="the login")).text_field("id", who=self.who)
        for number in count():
            page = await self._fetch_page(place, number)
            for post in page:
                sent_at = datetime.fromtimestamp(post.get("create_at", 0) / 1000, UTC)
                if post.get("user_id") == own_id and (post.get("props") or {}).get(SEND_ID) == delivery.id:
                    ref, thread = str(post.get("id") or ""), str(post.get("root_id") or "")
                    if not ref:
                        raise OutcomeUnknown(f"{self.who}: the answer cannot be read (a message without an id)")
                    return Receipt(ref=ref, place=place, thread=thread, link=self._link(ref), sent_at=sent_at)
                if sent_at < since:
                    return None
            if len(page) < _PAGE:
                break
        return None

    async def _fetch_page(self, place: str, number: int) -> Sequence[Mapping[str, Any]]:
        """Return a page of the channel's posts, newest first."""
        query: dict[str, str | int] = {"page": number, "per_page": _PAGE, "skipFetchThreads": "true"}
        path = f"/channels/{place}/posts"
        fields = (await self._get(path, doing="looking for a message", query=query)).fields
        order, posts = fields.get("order"), fields.get("posts")
        if not isinstance(order, list) or not isinstance(posts, dict):
            raise OutcomeUnknown(f"{self.who}: the answer cannot be read (no order)")
        return [posts[post_id] for post_id in order]

    async def check_setup(self) -> AsyncIterator[CheckLine]:
        """Check token, channel and membership."""
        with step("the token is accepted"):
            me = (await self._get("/users/me", doing="the login")).fields.get("username")
        yield passed(f"the token belongs to {me}")
        what = f"the bot can see the channel {self._options.to}"
        with step(what):
            place = await self._place.get()
            channel = (await self._get(f"/channels/{place}", doing="looking for the channel")).fields
        yield passed(what)
        archived = ERRORS["api.post.create_post.can_not_post_to_deleted.error"][1]
        yield CheckLine.of(not channel.get("delete_at"), "the channel is not archived", otherwise=archived)
        what = f"{me} is a member of the channel"
        with step(what):
            call = Call(method="GET", path=f"/channels/{place}/members/me", doing="looking for the bot")
            response = await self.request(call)
        yield CheckLine.of(response.is_success, what, otherwise=ERRORS[_NO_PERMISSION][1])

    async def _find_channel(self) -> str:
        if self._options.team is None:
            return self._options.to
        team, channel = quote(self._options.team, safe=""), quote(self._options.to, safe="")
        path = f"/teams/name/{team}/channels/name/{channel}"
        return (await self._get(path, doing="looking for the channel")).text_field("id", who=self.who)

    async def call(self, call: Call) -> HttpResponse:
        try:
            return await super().call(call)
        except ChannelClosed:
            # Another channel may have the name of a deleted one.
            await self._place.forget()
            raise

    def address(self, call: Call) -> str:
        return f"{self._options.server}/api/v4{call.path}"

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.context.secret(self._options.token, what='the Mattermost token')}"}

    def error_code(self, response: HttpResponse) -> object:
        return None if response.status == 429 else response.fields.get("id")

    async def _get(self, path: str, *, doing: str, query: Mapping[str, str | int] | None = None) -> HttpResponse:
        return await self.call(Call(method="GET", path=path, doing=doing, query=query or {}))


_JOINER = "\u2060"
#: Characters that a backslash escapes. A # also begins a hashtag. A ( is harmless after an escaped ].
_MARKS = LazyPattern(r"[\\`*_\[\]#~|!]")
#: The start of a line that would become a list or a heading.
_LINE_START = LazyPattern(r"^(?=[-+=]|\d+[.)])")
_ENTITY = LazyPattern(r"&(?=[#\w]{1,32};)")
#: The name of an emoji, such as :smile:.
_EMOJI = LazyPattern(r":(?=[\w+-]{1,64}:)")
_PREFIXES = {Style.HEAD: "#### ", Style.LINE: "", Style.QUOTE: "> ", Style.ITEM: "- ", Style.SMALL: ""}


def render_text(delivery: Delivery, *, limit: int, zone: tzinfo) -> str:
    """Return a message in Mattermost's Markdown, of at most ``limit`` characters."""
    if delivery.is_plain:
        words = break_markup(rendering.plain_message(delivery.message, zone=zone, limit=limit))
        return rendering.cut_lines(words, limit)
    return outline.render_to_fit(delivery, _render, lambda text: phrases.size(text) <= limit, zone=zone)


def _render(lines: Sequence[OutlineLine]) -> str:
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

#: The answers to a reply whose thread is gone, whatever their status.
_NO_THREAD: Mapping[object, Act] = {code: act for code, (act, _) in ERRORS.items() if act is Act.TOP_LEVEL}
#: The answer to an edit of a deleted post (api4/post.go, postPatchChecks).
_NOT_EDITABLE: Mapping[object, Act] = {**_NO_THREAD, _NO_PERMISSION: Act.LEAVE}
