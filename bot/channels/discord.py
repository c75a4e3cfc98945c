"""``kind: discord``: one channel, by a bot's token (threads, edits, look-up) or by a webhook (edits only).

A story's replies are in a thread of its message, so that the channel stays a list of stories, each with a count of
its replies.

With a bot's token, each message carries a nonce. For some minutes, Discord drops a message with the same nonce. Discord
does not return nonces, so the message also carries a short reference, in an address that is not shown, for a later
look-up.

The first lines of a message are text, which notifications show; the rest is an embed. Untrusted text is escaped: a
backslash precedes each mark of Discord's Markdown, and an invisible joiner follows each @; requests allow configured
mentions only.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Annotated, Any, Self, TypeAlias
from urllib.parse import urlsplit

import pydantic
from msgspec.structs import replace

from bot.channels.kit import outline, phrases, rendering
from bot.channels.kit.context import (
    Address,
    ChannelContext,
    ChannelOptions,
    Picture,
    ServicePace,
    check_ids,
    check_mode,
    check_place,
    passed,
    step,
)
from bot.channels.kit.errors import Act, error_of_status, parse_wait, send_error
from bot.channels.kit.http_client import HttpResponse
from bot.channels.kit.outline import OutlineLine, Style
from bot.channels.kit.phrases import break_markup
from bot.channels.kit.rest import Call, RestChannel
from bot.model.access import Secret
from bot.model.channels import Abilities, ChannelFeatures, CheckLine, Delivery
from bot.model.errors import NotEditable, OutcomeUnknown, SendError
from bot.model.messages import Listing, Message, Post, Receipt, post_of
from bot.model.rules import Severity
from bot.patterns import LazyPattern

Json: TypeAlias = Any

KIND = "discord"
_API = "https://discord.com/api/v10"
#: Discord blocks clients without such a user agent ("User Agent" in developers/reference.mdx).
_USER_AGENT = "DiscordBot (https://pypi.org/project/wirewatch, 1.0)"
#: Maximum bytes of an answer, enough for a hundred of the longest messages with all their fields.
_ANSWER_LIMIT_BYTES = 4_000_000
#: A channel's id (a snowflake), alone or at the end of the channel's link.
_CHANNEL_ID = LazyPattern(r"(?:https://(?:\w+\.)?discord\.com/channels/\d+/)?(\d{15,20})/?\Z")


class Options(ChannelOptions):
    """A Discord channel, by a bot's token (full) or by a webhook (edits, but no threads and no look-up)."""

    to: str | None = pydantic.Field(None, description="The channel's link or id, from its menu under Copy Link.")
    token: Secret | None = pydantic.Field(None, description="The bot's token: env:NAME or file:/path.")
    webhook: Secret | None = pydantic.Field(
        None, description="Instead of to and token: the address of a webhook, as env:NAME or file:/path."
    )
    people: Annotated[
        dict[str, str],
        check_ids(
            LazyPattern(r"&?\d{15,20}|here|everyone", re.ASCII),
            "123456789012345678 (a person), &123456789012345678 (a role), here",
        ),
    ] = pydantic.Field(
        {},
        description="People whom messages can mention: a name of your choice, and a person's id, or & and a role's id.",
    )
    api_url: Address | None = pydantic.Field(
        None, description="The address of another server with Discord's API (a proxy, tests)."
    )
    picture: Picture = False
    pace: ServicePace = timedelta(seconds=1)

    @pydantic.field_validator("to")
    @classmethod
    def _is_channel(cls, to: str | None) -> str | None:
        if to is None:
            return None
        match = _CHANNEL_ID.match(to)
        if match is None:
            raise ValueError(
                "expected the channel's link or its id, a long number in quotes: right-click the channel, Copy Link"
            )
        return match[1]

    @pydantic.model_validator(mode="after")
    def _is_one_mode(self) -> Self:
        check_mode(self.to, self.token, self.webhook)
        return self

    @property
    def features(self) -> ChannelFeatures:
        return ChannelFeatures(
            shows_pictures=self.picture, people=self.people, can_edit=True, shows_all_stories=shows_all_stories
        )


class Channel(RestChannel):
    """The base class of the two modes, which use a bot's token or a webhook."""

    who = "Discord"
    posts = "post"
    limit_bytes = _ANSWER_LIMIT_BYTES

    def __init__(self, name: str, options: Options, context: ChannelContext, *, account: str) -> None:
        super().__init__(name, account=account, pace=options.pace, context=context)
        #: The server's id, for links. It is empty until it has been requested.
        self._guild = ""

    async def describe(self) -> Mapping[str, Any]:
        """Return Discord's description of the channel or the webhook. Raises SendError."""
        raise NotImplementedError

    async def fetch_guild(self) -> None:
        """Fetch the server's id before sending. Without it, messages have no link."""
        if not self._guild:
            with contextlib.suppress(SendError):
                self._guild = str((await self.describe()).get("guild_id") or "")

    def message_receipt(self, answer: Json, *, place: str = "", thread: str = "") -> Receipt:
        """Return the receipt of a message in Discord's JSON. Raises OutcomeUnknown if it has no id."""
        fields = answer if isinstance(answer, Mapping) else {}
        ref, place = fields.get("id"), place or str(fields.get("channel_id") or "")
        if not isinstance(ref, str):
            raise OutcomeUnknown("Discord accepted the message, but its answer has no id")
        link = f"https://discord.com/channels/{self._guild}/{place}/{ref}" if self._guild and place else ""
        return self.receipt(ref, place=place, thread=thread, link=link)

    def headers(self) -> Mapping[str, str]:
        return {"User-Agent": _USER_AGENT}

    async def ask(self, call: Call) -> Json:
        """Send a request and return the JSON of the answer, or {} for the expected error. Raises SendError.

        After a limit is reached, no request that shares it is sent until it ends (discord/discord-api-docs,
        developers/topics/rate-limits.mdx).
        """
        response = await self.call(call)
        if not response.is_success:
            return {}
        document = response.document
        if document is None:
            raise OutcomeUnknown(f"{call.doing}: Discord answered {response.status} without its JSON document")
        return document

    async def request(self, call: Call) -> HttpResponse:
        response = await super().request(call)
        if response.headers.get("x-ratelimit-remaining") == "0":
            wait = parse_wait(response.headers.get("x-ratelimit-reset-after"))
            self.limits.close(call.doing, wait, kind=call.limited_as)
        return response

    def error_code(self, response: HttpResponse) -> object:
        code = response.fields.get("code")
        return _UNAUTHORIZED if response.status == 401 and code == 0 else code

    def error_of(self, response: HttpResponse, call: Call) -> SendError:
        fields, code = response.fields, self.error_code(response)
        if response.status == 429 and "retry_after" in fields:
            return self.limits.close(call.doing, parse_wait(fields["retry_after"]), kind=call.limited_as)
        if response.status < 500 and isinstance(code, int) and code in ERRORS:
            act, meaning, advice = ERRORS[code]
            text = f"{call.doing}: Discord says {meaning} ({code})"
            return send_error(call.instead.get(code, act), text, advice=advice)
        word = f"code {code}" if isinstance(code, int) and code else ""
        now = self.context.clock.now()
        return error_of_status(response.status, who=self.who, headers=response.headers, now=now, word=word)


def build(name: str, options: Options, context: ChannelContext) -> Channel:
    """Build the channel in the mode that its options select."""
    return (DiscordWebhook if options.webhook else BotChannel)(name, options, context)


_PAGE = 100
#: Snowflakes count milliseconds from this time (developers/reference.mdx, "Snowflakes").
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
#: Discord keeps a nonce for "the past few minutes" (discord/discord-api-docs, resources/message.mdx, "enforce_nonce").
_NONCE_LASTS = timedelta(minutes=1)
#: A thread without new messages leaves the channel's list after this time (a week) and returns with the next reply.
_ARCHIVE_MINUTES = 10_080
#: Maximum remembered threads; creating a forgotten thread again changes nothing.
_MAX_KNOWN_THREADS = 1_000


class BotChannel(Channel):
    """A channel of a Discord server, used with a bot's token."""

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        assert options.to is not None
        assert options.token is not None
        self._to = options.to
        self._token = options.token
        self._api_url = options.api_url or _API
        super().__init__(name, options, context, account=f"discord {self._api_url} {options.token.reference}")
        self._shows_history = True
        self._threads: dict[str, None] = {}

    @property
    def abilities(self) -> Abilities:
        return Abilities(threads=True, edits=True, lookup=self._shows_history, idempotent=_NONCE_LASTS)

    async def send(self, delivery: Delivery) -> Receipt:
        check_place(delivery, self._to)
        if (edited := delivery.edits) is not None:
            path = f"/channels/{edited.place}/messages"
            body = build_payload(delivery, zone=self.context.zone)
            call = Call(method="PATCH", path=f"{path}/{edited.ref}", bucket=path, doing="edit", body=body)
            answer = await self.ask(call)
            return self.message_receipt(answer, place=edited.place, thread=edited.thread)
        body = {
            **build_payload(delivery, zone=self.context.zone, ref=_message_ref(delivery)),
            "nonce": delivery.id[:25],
            "enforce_nonce": True,
        }
        place, thread = self._to, ""
        if delivery.reply_to is not None:
            place = thread = await self._thread(delivery.reply_to.head, delivery.message)
        await self.fetch_guild()
        instead = _NO_THREAD if thread else {}
        path = f"/channels/{place}/messages"
        answer = await self.ask(Call(method="POST", path=path, doing="post", body=body, instead=instead))
        return self.message_receipt(answer, place=place, thread=thread)

    async def _thread(self, head: str, message: Message) -> str:
        """Create the thread of a message, unless it exists, and return its id, which is the message's id."""
        if head not in self._threads:
            call = Call(
                method="POST",
                path=f"/channels/{self._to}/messages/{head}/threads",
                bucket=f"/channels/{self._to}/threads",
                doing="start a thread",
                body={"name": thread_name(message), "auto_archive_duration": _ARCHIVE_MINUTES},
                instead=_NO_THREAD,
                expected=_THREAD_EXISTS,
            )
            await self.ask(call)
            self._threads[head] = None
            if len(self._threads) > _MAX_KNOWN_THREADS:
                del self._threads[next(iter(self._threads))]
        return head

    async def find(self, delivery: Delivery, *, since: datetime) -> Receipt | None:
        check_place(delivery, self._to)
        head = delivery.reply_to.head if delivery.reply_to is not None else ""
        place = head or self._to
        await self.fetch_guild()
        last_id, is_first = max(0, int((since - _EPOCH) / timedelta(milliseconds=1))) << 22, True
        while True:
            page = await self._page(place, after=last_id, limit=_PAGE)
            if not page and is_first and not await self._may_read(place):
                self._shows_history = False
                raise OutcomeUnknown("the bot cannot read the channel's history: allow its role Read Message History")
            for message in page:
                if _message_ref(delivery) in find_refs(message):
                    return self.message_receipt(message, place=place, thread=head)
            if len(page) < _PAGE:
                return None
            last_id, is_first = max(int(message["id"]) for message in page), False

    async def _page(self, place: str, **query: int) -> Sequence[Mapping[str, Any]]:
        answer = await self._get(f"/channels/{place}/messages", doing="look", expected=self._absent(place), query=query)
        return [item for item in answer if isinstance(item, Mapping)] if isinstance(answer, list) else []

    async def _may_read(self, place: str) -> bool:
        """Return whether an empty page means an empty channel.

        Without the right to read the history, Discord returns an empty page too ("Get Channel Messages").
        """
        if await self._page(place, limit=1):
            return True
        return (await self._channel(place)).get("last_message_id") is None

    def _absent(self, place: str) -> int | None:
        """Return the error code of a missing thread, which is accepted, or None for the channel, which must exist."""
        return None if place == self._to else _UNKNOWN_CHANNEL

    def address(self, call: Call) -> str:
        return self._api_url + call.path

    def headers(self) -> Mapping[str, str]:
        token = self.context.secret(self._token, what="the Discord token")
        return {**super().headers(), "Authorization": f"Bot {token}"}

    async def _get(
        self, path: str, *, doing: str, expected: int | None = None, query: Mapping[str, int] | None = None
    ) -> Json:
        return await self.ask(Call(method="GET", path=path, doing=doing, expected=expected, query=query or {}))

    async def _channel(self, place: str) -> Mapping[str, Any]:
        channel = await self._get(f"/channels/{place}", doing="find the channel", expected=self._absent(place))
        return channel if isinstance(channel, Mapping) else {}

    async def describe(self) -> Mapping[str, Any]:
        return await self._channel(self._to)

    async def check_setup(self) -> AsyncIterator[CheckLine]:
        """Check token, channel and permissions; the help of each line says what to click."""
        with step("the token is accepted"):
            me = await self._get("/users/@me", doing="ask for the bot's name")
        yield passed(f"the token belongs to {me.get('username')}")
        with step("the bot can see the channel"):
            channel = await self.describe()
        yield passed(f"the channel is #{channel.get('name')}")
        guild = f"/guilds/{channel.get('guild_id')}"
        with step("the bot can see its roles"):
            member = await self._get(f"{guild}/members/{me.get('id')}", doing="ask for the bot's roles")
            roles = await self._get(f"{guild}/roles", doing="ask for the server's roles")
        have = compute_permissions(channel, roles=roles, member_roles=member.get("roles") or (), me=str(me.get("id")))
        click = "right-click the channel, Edit Channel, Permissions, and allow it for the bot's role"
        for name, (bit, purpose) in NEEDED_PERMISSIONS.items():
            advice = f"needed for {purpose}: {click}"
            yield CheckLine.of(bool(have & bit), f"permission {name}", otherwise=advice)
        self._shows_history = bool(have & _READ_HISTORY)


def _message_ref(delivery: Delivery) -> str:
    """Return a short reference for a message. The plain form, which is sent after a refusal, ends with it."""
    return hashlib.sha256(delivery.id.encode()).hexdigest()[:8]


class DiscordWebhook(Channel):
    """The channel of a webhook. It posts and edits, but cannot start threads in a text channel or look up messages."""

    abilities = Abilities(threads=False, edits=True, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        assert options.webhook is not None
        self._webhook = options.webhook
        super().__init__(name, options, context, account=f"discord webhook {options.webhook.reference}")

    async def send(self, delivery: Delivery) -> Receipt:
        body = build_payload(delivery, zone=self.context.zone)
        if delivery.edits is not None:
            if not delivery.edits.ref.isdigit():
                raise NotEditable("the message is not in the configured channel")
            call = Call(
                method="PATCH", path=f"/messages/{delivery.edits.ref}", bucket="webhook", doing="edit", body=body
            )
            return self.message_receipt(await self.ask(call))
        await self.fetch_guild()
        # Without "wait" Discord returns no id, and no error if it did not store the message ("Execute Webhook").
        query = {"wait": "true"}
        call = Call(method="POST", path="", bucket="webhook", doing="post", query=query, body=body)
        return self.message_receipt(await self.ask(call))

    async def describe(self) -> Mapping[str, Any]:
        webhook = await self.ask(Call(method="GET", path="", bucket="webhook", doing="ask for the webhook"))
        return webhook if isinstance(webhook, Mapping) else {}

    async def check_setup(self) -> AsyncIterator[CheckLine]:
        yield passed(
            "reduced mode: a webhook has no threads and no way to check whether a message arrived",
            "a bot's token has both: docs/channels.md, Discord",
        )
        with step("the webhook is accepted"):
            webhook = await self.describe()
        yield passed(f"the webhook is {webhook.get('name')}")

    def address(self, call: Call) -> str:
        parts = urlsplit(self.context.secret_address(self._webhook, what="the Discord webhook"))
        # The configured address may name a thread in its query.
        return parts._replace(path=parts.path.rstrip("/") + call.path).geturl()


#: Maximum characters of a message's content (discord/discord-api-docs, developers/resources/message.mdx).
CONTENT_LIMIT = 2_000
#: Maximum characters of an embed's description (same page).
DESCRIPTION_LIMIT = 4_096
#: The message flag (1 << 2) that turns off previews of links.
_SUPPRESS_EMBEDS = 4
#: The start of the address with a message's reference. Discord stores, but does not show, the address of an embed
#: without a title; ".invalid" leads nowhere (RFC 6761).
_REF = "https://wirewatch.invalid/"
#: Maximum characters of a thread's name.
_NAME_LIMIT = 100
_COLOURS = {Severity.HIGH: 0xD92D20, Severity.NORMAL: 0x2E6FD9, Severity.LOW: 0x98A2B3}
_PREFIXES = {Style.HEAD: "", Style.LINE: "", Style.QUOTE: "> ", Style.ITEM: "- ", Style.SMALL: "-# "}
# Escape the slash too, because an invitation (discord.gg/…) becomes a card even without https://.
_MARKS = LazyPattern(r"[\\*_~`|<>\[\]/]|:(?=[^\s\d])")
#: Where a backslash prevents a heading, a list or small print at the start of a line.
_LINE_START = LazyPattern(r"^(\s*)(?=[#+-])|^(\s*\d+)(?=\.)")


def build_payload(delivery: Delivery, *, zone: tzinfo, ref: str = "") -> dict[str, Any]:
    """Return the fields to create or edit a message. They contain ``ref``, which ``find_refs`` finds again."""
    message, post = delivery.message, post_of(delivery.message)
    allowed: dict[str, Any] = {"allowed_mentions": {"parse": []} if delivery.is_plain else _allowed_mentions(post)}
    if delivery.is_plain:
        small = f"\n-# {ref}" if ref else ""
        text = break_markup(rendering.plain_message(message, zone=zone, limit=CONTENT_LIMIT - len(small)))
        content = rendering.cut_lines(text, CONTENT_LIMIT - len(small)) + small
        return {"content": content, "embeds": [], "flags": _SUPPRESS_EMBEDS, **allowed}
    content, described = outline.render_to_fit(delivery, _render, _fits, zone=zone)
    if ref and not described:
        # The message has one line, and Discord accepts no embed without text.
        content, described = "Wirewatch", content
    embed: dict[str, Any] = {"color": _COLOURS[message.severity], "description": described}
    if ref:
        embed["url"] = f"{_REF}{ref}"
    if post and post.picture and described:
        embed["thumbnail"] = {"url": post.picture}
    return {"content": content, "embeds": [embed] if described else [], "flags": 0, **allowed}


def shows_all_stories(listing: Listing) -> bool:
    """Return whether a listing shows the headline and the link of all its stories."""
    return outline.shows_all_stories(listing, _render, _fits)


def find_refs(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of a message that may be the ``ref`` of ``build_payload``."""
    for embed in message.get("embeds") or ():
        yield str(embed.get("url") or "").removeprefix(_REF)
    yield str(message.get("content") or "").rpartition("-# ")[2]


def _allowed_mentions(post: Post | None) -> dict[str, list[str]]:
    """Return the field that allows the message's mentions, which come from the configuration, and no others."""
    ids = [mention.id for mention in post.mentions if mention.id] if post else []
    allowed = {
        "parse": ["everyone"] if "here" in ids or "everyone" in ids else [],
        "users": [person for person in ids if person.isdigit()],
        "roles": [person[1:] for person in ids if person.startswith("&")],
    }
    return {key: names for key, names in allowed.items() if names or key == "parse"}


def thread_name(message: Message) -> str:
    """Return the story's headline as the name of its thread. Names have no markup to escape."""
    return phrases.headline(message.stories[0], _NAME_LIMIT) if message.stories else "News"


def _render(lines: Sequence[OutlineLine]) -> tuple[str, str]:
    """Return the content and the embed's description."""
    head = 2 if len(lines) > 1 and lines[1].style is Style.HEAD else 1
    return "\n".join(map(_render_line, lines[:head])) or "Wirewatch", "\n".join(map(_render_line, lines[head:]))


def _fits(rendered: tuple[str, str]) -> bool:
    content, described = map(phrases.size, rendered)
    # Our embeds never reach the limit of 6,000 characters for a whole embed.
    return content <= CONTENT_LIMIT and described <= DESCRIPTION_LIMIT


def _render_line(line: OutlineLine) -> str:
    style_of = attrgetter("link", "is_bold", "is_italic", "is_struck", "mention")
    text = _PREFIXES[line.style]
    for place, (_, group) in enumerate(groupby(line.runs, key=style_of)):
        runs = list(group)
        run = replace(runs[0], text="".join(run.text for run in runs))
        if run.mention:
            text += f"@{run.mention}" if run.mention in ("here", "everyone") else f"<@{run.mention}>"
            continue
        text += rendering.render_markdown(
            run,
            partial(escape, is_first=place == 0),
            # Angle brackets turn off the link's preview.
            lambda link: f"<{_escape_address(link)}>",
        )
    return text


def escape(words: str, *, is_first: bool = True) -> str:
    """Escape untrusted text. If ``is_first`` is true, the text may be at the start of a line.

    >>> escape("# *a* <@1> https://x.example @all").replace("\\u2060", "^")
    '\\\\# \\\\*a\\\\* \\\\<@^1\\\\> https\\\\:\\\\/\\\\/x.example @^all'
    """
    text = _MARKS.sub(r"\\\g<0>", words)
    text = text.replace("@", "@\u2060")
    return _LINE_START.sub(r"\1\2\\", text, count=1) if is_first else text


def _escape_address(link: str) -> str:
    return link.replace("(", "%28").replace(")", "%29").replace("@", "%40")


_RIGHTS = (
    "in the channel's settings, Permissions, allow the bot's role View Channel, Send Messages, Embed Links, Read "
    "Message History, Create Public Threads and Send Messages in Threads"
)
_COPY_ADVICE = (
    "copy the bot's token into the variable or file of `token:`: on the application's page choose Bot, Reset Token"
)
_NEW_WEBHOOK = (
    "make a new one in the channel's settings, Integrations, Webhooks, and copy its URL into the variable or file of "
    "`webhook:`"
)

#: Error code -> reaction, meaning, and advice to the operator (for channel-answers.md). The codes are from
#: developers/topics/opcodes-and-status-codes.mdx.
ERRORS: Mapping[int, tuple[Act, str, str]] = {
    20016: (Act.WAIT, "slow mode", ""),
    20028: (Act.WAIT, "the channel's write limit", ""),
    20029: (Act.WAIT, "the server's write limit", ""),
    40006: (Act.WAIT, "turned off for now", ""),
    40062: (Act.WAIT, "rate limited", ""),
    130000: (Act.WAIT, "overloaded", ""),
    20022: (Act.WAIT_ALONE, "edits of an announcement are limited", ""),
    30046: (Act.WAIT_ALONE, "too many edits of a message older than an hour", ""),
    40005: (Act.SIMPLIFY, "too large", ""),
    50006: (Act.SIMPLIFY, "an empty message", ""),
    50035: (Act.SIMPLIFY, "invalid form", ""),
    50109: (Act.SIMPLIFY, "invalid JSON", ""),
    200000: (Act.SIMPLIFY, "blocked by AutoMod", "exempt the bot in the server's settings, AutoMod"),
    240000: (Act.SIMPLIFY, "blocked by the filter of harmful links", ""),
    50083: (Act.TOP_LEVEL, "the thread is archived", ""),
    160002: (Act.TOP_LEVEL, "no reply without the right to read the history", _RIGHTS),
    160005: (Act.TOP_LEVEL, "the thread is locked", ""),
    160006: (Act.TOP_LEVEL, "too many active threads", ""),
    10008: (Act.LEAVE, "unknown message", ""),
    50005: (Act.LEAVE, "another author's message", ""),
    10003: (
        Act.PARK_CHANNEL,
        "unknown channel",
        "the channel is gone, or `to:` in bot.yaml is wrong: right-click it, Copy Link",
    ),
    50001: (Act.PARK_CHANNEL, "missing access", f"add the bot to the server, then {_RIGHTS}"),
    50013: (Act.PARK_CHANNEL, "missing permissions", _RIGHTS),
    50008: (Act.PARK_CHANNEL, "not a text channel", "set `to:` to a text channel"),
    50024: (Act.PARK_CHANNEL, "not for this type of channel", "set `to:` to a text channel"),
    40058: (Act.PARK_CHANNEL, "a forum", "set `to:` to a text channel, not a forum"),
    220001: (Act.PARK_CHANNEL, "a forum's webhook", "the webhook is a forum's: make one in a text channel"),
    10015: (Act.PARK_CHANNEL, "unknown webhook", f"the webhook was deleted: {_NEW_WEBHOOK}"),
    50027: (Act.PARK_CHANNEL, "invalid webhook token", f"the webhook's address is cut or mistyped: {_NEW_WEBHOOK}"),
    40001: (Act.PARK_WORKSPACE, "unauthorized", _COPY_ADVICE),
    50014: (Act.PARK_WORKSPACE, "invalid token", _COPY_ADVICE),
    40002: (Act.PARK_WORKSPACE, "account not verified", "Discord wants the bot's owner to verify the account"),
}

#: Error code -> reaction, if the thread of a request does not exist.
_NO_THREAD: Mapping[object, Act] = dict.fromkeys((10003, 10008, 50001, 50013, 50024), Act.TOP_LEVEL)
#: The code that we use for HTTP 401, because its answer has no code.
_UNAUTHORIZED = 40001
_THREAD_EXISTS = 160004
_UNKNOWN_CHANNEL = 10003


_ADMINISTRATOR = 1 << 3
_READ_HISTORY = 1 << 16
#: Name of a permission in Discord's settings -> its bit and its purpose.
NEEDED_PERMISSIONS: Mapping[str, tuple[int, str]] = {
    "View Channel": (1 << 10, "everything"),
    "Send Messages": (1 << 11, "posting"),
    "Embed Links": (1 << 14, "everything below a headline"),
    "Read Message History": (_READ_HISTORY, "checking whether a message arrived"),
    "Create Public Threads": (1 << 35, "the thread of a story"),
    "Send Messages in Threads": (1 << 38, "replies in the thread of a story"),
}


def compute_permissions(
    channel: Mapping[str, Any], *, roles: Sequence[Mapping[str, Any]], member_roles: Iterable[str], me: str
) -> int:
    """Compute the permissions of the member ``me`` in ``channel``, as in developers/topics/permissions.mdx."""
    # The role @everyone has the server's id.
    everyone = str(channel.get("guild_id"))
    mine = {everyone, *map(str, member_roles)}
    have = 0
    for role in roles:
        have |= int(role.get("permissions") or 0) if str(role.get("id")) in mine else 0
    if have & _ADMINISTRATOR:
        return ~0
    overwrites = {str(overwrite.get("id")): overwrite for overwrite in channel.get("permission_overwrites") or ()}
    # Overwrites apply in this order: @everyone, all roles of the member together, the member.
    for ids in ({everyone}, mine - {everyone}, {me}):
        group = [overwrites[name] for name in ids if name in overwrites]
        for word in ("deny", "allow"):
            bits = 0
            for overwrite in group:
                bits |= int(overwrite.get(word) or 0)
            have = have & ~bits if word == "deny" else have | bits
    return have
