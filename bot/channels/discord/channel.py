"""``kind: discord``: one channel, by a bot's token (threads, edits, look-up) or by a webhook (edits only).

A story's replies are in a thread of its message, so that the channel stays a list of stories, each with a count of
its replies. A message that may be part of another story is a reply to it in the channel.

Each message carries a nonce, by which Discord itself drops a repetition for some minutes, and, in an address that is
not shown, a short reference, by which a look-up finds it later: Discord does not return nonces.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import pydantic

from bot import model
from bot.channels.discord import api, markdown
from bot.channels.discord.api import DiscordApi, Json, message_link
from bot.channels.kit import context
from bot.channels.kit.context import Address, ChannelContext, Duration, check_ids

KIND = "discord"
_API = "https://discord.com/api/v10"
_MIN_PACE = timedelta(seconds=1)
#: A snowflake, alone or at the end of a channel's link.
_CHANNEL_ID = re.compile(r"(?:https://(?:\w+\.)?discord\.com/channels/\d+/)?(\d{15,20})/?\Z")


class Options(pydantic.BaseModel):
    """A Discord channel, by a bot's token (full) or by a webhook (edits, but no threads and no look-up)."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    to: str | None = pydantic.Field(None, description="The channel's link or id, from its menu under Copy Link.")
    token: model.Secret | None = pydantic.Field(None, description="The bot's token: env:NAME or file:/path.")
    webhook: model.Secret | None = pydantic.Field(
        None, description="Instead of to and token: the address of a webhook, as env:NAME or file:/path."
    )
    people: Annotated[
        dict[str, str],
        check_ids(
            re.compile(r"&?\d{15,20}|here|everyone", re.ASCII),
            "123456789012345678 (a person), &123456789012345678 (a role), here",
        ),
    ] = pydantic.Field(
        {},
        description="People whom messages can mention: a name of your choice, and a person's id, or & and a role's id.",
    )
    api_url: Address | None = pydantic.Field(
        None, description="The address of another server with Discord's API (a proxy, tests)."
    )
    pace: Duration = pydantic.Field(
        _MIN_PACE, description="Minimum time between two messages; less than 1 second only with api_url."
    )

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
        if self.webhook is not None:
            if self.to is not None or self.token is not None:
                raise ValueError("a webhook has a fixed channel and needs no token: remove to and token")
        elif self.to is None or self.token is None:
            raise ValueError("add to and token (a bot), or webhook (reduced mode)")
        if self.pace < _MIN_PACE and self.api_url is None:
            raise ValueError("Discord accepts about one message a second: set pace to at least 1 second")
        return self

    @property
    def can_edit(self) -> bool:
        """Messages can be edited in both modes."""
        return True


class Channel:
    """One Discord channel in the mode that its options ask for."""

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        self.name = name
        self.pace = options.pace
        self._mode: BotChannel | WebhookChannel
        if options.webhook is not None:
            self._mode = WebhookChannel(webhook=options.webhook, context=context)
        else:
            assert options.to is not None
            assert options.token is not None
            api_url = (options.api_url or _API).rstrip("/")
            self._mode = BotChannel(to=options.to, token=options.token, api_url=api_url, context=context)
        self.account = self._mode.account

    @property
    def abilities(self) -> model.Abilities:
        return self._mode.abilities

    async def send(self, delivery: model.Delivery) -> model.Receipt:
        return await self._mode.send(delivery)

    async def find(self, delivery: model.Delivery, *, since: datetime) -> model.Receipt | None:
        return await self._mode.find(delivery, since=since)

    async def check(self) -> Sequence[model.CheckLine]:
        return await self._mode.check()

    async def close(self) -> None:
        await self._mode.close()


_PAGE = 100
#: Snowflakes count milliseconds from here (developers/reference.mdx, "Snowflakes").
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
#: Discord knows a nonce for "the past few minutes" (discord/discord-api-docs, resources/message.mdx, "enforce_nonce").
_NONCE_LASTS = timedelta(minutes=1)
#: A thread without messages leaves the channel's list after a week, until a new reply.
_ARCHIVE_MINUTES = 10_080
#: Maximum remembered threads; creating a forgotten one again changes nothing.
_MAX_KNOWN_THREADS = 1_000


class BotChannel:
    """A channel of a server, by a bot's token."""

    def __init__(self, *, to: str, token: model.Secret, api_url: str, context: ChannelContext) -> None:
        self.account = f"discord {api_url} {token.reference}"
        self._to = to
        self._token = token
        self._api_url = api_url
        self._context = context
        self._rest = DiscordApi(context.clock)
        self._shows_history = True
        self._threads: dict[str, None] = {}
        #: The server's id, requested once; empty before.
        self._guild = ""

    @property
    def abilities(self) -> model.Abilities:
        return model.Abilities(
            threads=True,
            edits=True,
            lookup=self._shows_history,
            broadcast=True,
            idempotent=_NONCE_LASTS,
        )

    async def send(self, delivery: model.Delivery) -> model.Receipt:
        if delivery.edits is not None:
            return await self._edit(delivery, delivery.edits)
        names_story = delivery.reply_to is None
        body: dict[str, Any] = {
            **markdown.build_payload(
                delivery.message,
                zone=self._context.zone,
                ref=_message_ref(delivery),
                names_story=names_story,
                is_plain=delivery.is_plain,
            ),
            "nonce": delivery.id[:25],
            "enforce_nonce": True,
        }
        place, thread = self._to, ""
        if delivery.reply_to is not None:
            head = self._head(delivery.reply_to)
            if delivery.is_broadcast:
                body["message_reference"] = {"message_id": head, "fail_if_not_exists": False}
            else:
                place = thread = await self._thread(head, delivery.message)
        await self._fetch_guild()
        path = f"/channels/{place}/messages"
        instead = api.NO_THREAD if thread else None
        answer = await self._ask("POST", path, bucket=path, doing="post", body=body, instead=instead)
        return self._receipt(answer, place, thread)

    async def _edit(self, delivery: model.Delivery, edited: model.Receipt) -> model.Receipt:
        context.check_edited(edited, self._to, edited.thread)
        path = f"/channels/{edited.place}/messages"
        body = markdown.build_payload(delivery.message, zone=self._context.zone, is_plain=delivery.is_plain)
        answer = await self._ask("PATCH", f"{path}/{edited.ref}", bucket=path, doing="edit", body=body)
        return self._receipt(answer, edited.place, edited.thread)

    async def _fetch_guild(self) -> None:
        """Fetch the server's id, which messages' links need; called before sending, and never raises."""
        if not self._guild:
            with contextlib.suppress(model.SendError):
                self._guild = str((await self._channel(self._to)).get("guild_id") or "")

    def _head(self, reply_to: model.Receipt) -> str:
        context.check_thread(reply_to, self._to, reply_to.thread)
        return reply_to.thread or reply_to.ref

    async def _thread(self, head: str, message: model.Message) -> str:
        """Create the thread of a message; it has the message's id, so creating it twice is harmless."""
        if head not in self._threads:
            path = f"/channels/{self._to}/messages/{head}/threads"
            body = {"name": markdown.thread_name(message), "auto_archive_duration": _ARCHIVE_MINUTES}
            await self._ask(
                "POST",
                path,
                bucket=f"/channels/{self._to}/threads",
                doing="start a thread",
                body=body,
                instead=api.NO_THREAD,
                fine=api.THREAD_EXISTS,
            )
            self._threads[head] = None
            if len(self._threads) > _MAX_KNOWN_THREADS:
                del self._threads[next(iter(self._threads))]
        return head

    def _receipt(self, answer: Json, place: str, thread: str) -> model.Receipt:
        ref = answer.get("id") if isinstance(answer, Mapping) else None
        if not isinstance(ref, str):
            raise model.OutcomeUnknown("Discord accepted the message, but its answer has no id")
        link = message_link(self._guild, place, ref)
        return model.Receipt(ref=ref, place=place, thread=thread, link=link, sent_at=self._context.clock.now())

    async def find(self, delivery: model.Delivery, *, since: datetime) -> model.Receipt | None:
        head = self._head(delivery.reply_to) if delivery.reply_to is not None and not delivery.is_broadcast else ""
        place = head or self._to
        await self._fetch_guild()
        last_id, is_first = _snowflake(since), True
        while True:
            page = await self._page(place, f"after={last_id}&limit={_PAGE}")
            if not page and is_first and not await self._may_read(place):
                self._shows_history = False
                raise model.OutcomeUnknown(
                    "the bot cannot read the channel's history: allow its role Read Message History"
                )
            for message in page:
                if _message_ref(delivery) in markdown.find_refs(message):
                    return self._receipt(message, place, head)
            if len(page) < _PAGE:
                return None
            last_id, is_first = max(int(message["id"]) for message in page), False

    async def _page(self, place: str, query: str) -> Sequence[Mapping[str, Any]]:
        path = f"/channels/{place}/messages"
        answer = await self._ask("GET", f"{path}?{query}", bucket=path, doing="look", fine=self._absent(place))
        return [item for item in answer if isinstance(item, Mapping)] if isinstance(answer, list) else []

    async def _may_read(self, place: str) -> bool:
        """Return whether an empty page means an empty channel.

        Without the right to read the history Discord returns an empty page too ("Get Channel Messages").
        """
        if await self._page(place, "limit=1"):
            return True
        return (await self._channel(place)).get("last_message_id") is None

    def _absent(self, place: str) -> int | None:
        """Return the code that means an empty place: a thread may not exist yet, but the channel itself must."""
        return None if place == self._to else api.UNKNOWN_CHANNEL

    async def _ask(self, method: str, path: str, *, bucket: str, doing: str, **more: Any) -> Json:
        token = self._context.secret(self._token, what="the Discord token")
        return await self._rest.ask(method, self._api_url + path, bucket=bucket, doing=doing, token=token, **more)

    async def _get(self, path: str, doing: str, *, fine: int | None = None) -> Json:
        return await self._ask("GET", path, bucket=path, doing=doing, fine=fine)

    async def _channel(self, place: str) -> Mapping[str, Any]:
        channel = await self._get(f"/channels/{place}", "find the channel", fine=self._absent(place))
        return channel if isinstance(channel, Mapping) else {}

    async def check(self) -> Sequence[model.CheckLine]:
        """Check token, channel and permissions; the help of each line says what to click."""
        try:
            me = await self._get("/users/@me", "ask for the bot's name")
        except model.SendError as error:
            return [model.CheckLine(is_good=False, what="the token is accepted", help=str(error))]
        lines = [model.CheckLine(is_good=True, what=f"the token belongs to {me.get('username')}")]
        try:
            channel = await self._channel(self._to)
            lines.append(model.CheckLine(is_good=True, what=f"the channel is #{channel.get('name')}"))
            guild = f"/guilds/{channel.get('guild_id')}"
            member = await self._get(f"{guild}/members/{me.get('id')}", "ask for the bot's roles")
            roles = await self._get(f"{guild}/roles", "ask for the server's roles")
        except model.SendError as error:
            return [*lines, model.CheckLine(is_good=False, what="the bot can see the channel", help=str(error))]
        have = api.compute_permissions(
            channel, roles=roles, member_roles=member.get("roles") or (), me=str(me.get("id"))
        )
        self._shows_history = api.READ_HISTORY in api.held_permissions(have)
        return [*lines, *api.permission_lines(have)]

    async def close(self) -> None:
        """No connection is kept open between calls."""


def _message_ref(delivery: model.Delivery) -> str:
    """Return a short reference for a message; a plain text, sent after a refused form, ends with it."""
    return hashlib.sha256(delivery.id.encode()).hexdigest()[:8]


def _snowflake(moment: datetime) -> int:
    return max(0, int((moment - _EPOCH) / timedelta(milliseconds=1))) << 22


class WebhookChannel:
    """The channel of a webhook: posts and edits, but no threads in a text channel and no look-up."""

    abilities = model.Abilities(threads=False, edits=True, lookup=False)

    def __init__(self, *, webhook: model.Secret, context: ChannelContext) -> None:
        self.account = f"discord webhook {webhook.reference}"
        self._webhook = webhook
        self._context = context
        self._rest = DiscordApi(context.clock)
        #: The server's id, requested once; empty before.
        self._guild = ""

    async def send(self, delivery: model.Delivery) -> model.Receipt:
        is_edit = delivery.edits is not None
        body = markdown.build_payload(
            delivery.message, zone=self._context.zone, names_story=True, is_plain=delivery.is_plain
        )
        if delivery.edits is not None:
            if not delivery.edits.ref.isdigit():
                raise model.NotEditable("the message is in another channel than the one configured now")
            answer = await self._ask("PATCH", f"/messages/{delivery.edits.ref}", doing="edit", body=body)
        else:
            if not self._guild:
                # Requested before the message is sent; if it fails, the message has no link.
                with contextlib.suppress(model.SendError):
                    self._guild = str((await self._ask("GET", "", doing="ask for the webhook")).get("guild_id") or "")
            # Without "wait" Discord returns no id, and no error if it did not store the message ("Execute Webhook").
            answer = await self._ask("POST", "", doing="post", body=body, wait="true")
        ref = answer.get("id")
        if not isinstance(ref, str):
            raise model.OutcomeUnknown(
                f"Discord accepted the {'edit' if is_edit else 'message'}, but its answer has no id"
            )
        place = str(answer.get("channel_id") or "")
        link = message_link(self._guild, place, ref)
        return model.Receipt(ref=ref, place=place, link=link, sent_at=self._context.clock.now())

    async def find(self, delivery: model.Delivery, *, since: datetime) -> model.Receipt | None:
        raise model.OutcomeUnknown("a webhook cannot verify delivery")

    async def check(self) -> Sequence[model.CheckLine]:
        reduced = model.CheckLine(
            is_good=True,
            what="reduced mode: a webhook has no threads and no way to check whether a message arrived",
            help="a bot's token has both: docs/channels.md, Discord",
        )
        try:
            webhook = await self._ask("GET", "", doing="ask for the webhook")
        except model.SendError as error:
            return [model.CheckLine(is_good=False, what="the webhook is accepted", help=str(error)), reduced]
        return [model.CheckLine(is_good=True, what=f"the webhook is {webhook.get('name')}"), reduced]

    async def close(self) -> None:
        """No connection is kept open between calls."""

    async def _ask(
        self, method: str, path: str, *, doing: str, body: Mapping[str, Any] | None = None, **query: str
    ) -> Mapping[str, Any]:
        url = self._context.secret(self._webhook, what="the Discord webhook")
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.netloc:
            raise model.ChannelClosed(f"the Discord webhook: {self._webhook.reference} does not begin with https://")
        # The configured address may name a thread in its query.
        full_query = urlencode({**dict(parse_qsl(parts.query)), **query})
        address = parts._replace(path=parts.path.rstrip("/") + path, query=full_query).geturl()
        answer = await self._rest.ask(method, address, bucket="webhook", doing=doing, body=body)
        return answer if isinstance(answer, Mapping) else {}
