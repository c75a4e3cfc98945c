"""Discord by a bot's token: threads, edits, and a look whether a message arrived. The full mode.

A story's replies are in a thread of its message, not as replies in the channel: the channel stays a list of stories,
each with a line that says how many replies it has. What may be part of another story is a reply to it in the channel.

Each message carries a nonce, by which Discord itself drops a repetition for some minutes, and in an address that is not
shown a short number, by which a look finds it later: what Discord gives back of a message has no nonce any more.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot import model, ports
from bot.channels.discord import errors, markdown, rights
from bot.channels.discord.rest import Json, Rest, link_of
from bot.channels.kit import places
from bot.channels.kit.context import ChannelContext

_PAGE = 100
#: Snowflakes count milliseconds from here (developers/reference.mdx, "Snowflakes").
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
#: Discord knows a nonce for "the past few minutes" (discord/discord-api-docs, resources/message.mdx, "enforce_nonce").
_NONCE_LASTS = timedelta(minutes=1)
#: A thread without messages leaves the channel's list after a week, until a new reply.
_ARCHIVE_MINUTES = 10_080
#: Maximum remembered threads; creating a forgotten one again changes nothing.
_THREADS_KEPT = 1_000


class BotApi:
    """A channel of a server, by a bot's token."""

    def __init__(self, *, to: str, token: model.Secret, api_url: str, context: ChannelContext) -> None:
        self.account = f"discord {api_url} {token.reference}"
        self._to = to
        self._token = token
        self._api_url = api_url
        self._context = context
        self._rest = Rest(context.clock)
        self._shows_history = True
        self._threads: dict[str, None] = {}
        #: The server's id, requested once; empty before.
        self._guild = ""

    @property
    def abilities(self) -> ports.Abilities:
        return ports.Abilities(
            threads=True,
            edits=True,
            lookup=self._shows_history,
            broadcast=True,
            idempotent=_NONCE_LASTS,
        )

    async def send(self, delivery: ports.Delivery) -> model.Receipt:
        if delivery.edits is not None:
            return await self._edit(delivery, delivery.edits)
        names_story = delivery.reply_to is None
        body: dict[str, Any] = {
            **markdown.payload(
                delivery.message,
                zone=self._context.zone,
                ref=_ref(delivery),
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
        instead = errors.NO_THREAD if thread else None
        answer = await self._ask("POST", path, bucket=path, doing="post", body=body, instead=instead)
        return self._receipt(answer, place, thread)

    async def _edit(self, delivery: ports.Delivery, edited: model.Receipt) -> model.Receipt:
        places.check_edited(edited, self._to, edited.thread)
        path = f"/channels/{edited.place}/messages"
        body = markdown.payload(delivery.message, zone=self._context.zone, is_plain=delivery.is_plain)
        answer = await self._ask("PATCH", f"{path}/{edited.ref}", bucket=path, doing="edit", body=body)
        return self._receipt(answer, edited.place, edited.thread)

    async def _fetch_guild(self) -> None:
        """Fetch the server's id, which messages' links need; called before sending, and never raises."""
        if not self._guild:
            with contextlib.suppress(ports.SendError):
                self._guild = str((await self._channel(self._to)).get("guild_id") or "")

    def _head(self, reply_to: model.Receipt) -> str:
        places.check_thread(reply_to, self._to, reply_to.thread)
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
                instead=errors.NO_THREAD,
                fine=errors.THREAD_EXISTS,
            )
            self._threads[head] = None
            if len(self._threads) > _THREADS_KEPT:
                del self._threads[next(iter(self._threads))]
        return head

    def _receipt(self, answer: Json, place: str, thread: str) -> model.Receipt:
        ref = answer.get("id") if isinstance(answer, Mapping) else None
        if not isinstance(ref, str):
            raise ports.Unknown("Discord accepted the message, but its answer has no id")
        link = link_of(self._guild, place, ref)
        return model.Receipt(ref=ref, place=place, thread=thread, link=link, sent_at=self._context.clock.now())

    async def find(self, delivery: ports.Delivery, *, since: datetime) -> model.Receipt | None:
        head = self._head(delivery.reply_to) if delivery.reply_to is not None and not delivery.is_broadcast else ""
        place = head or self._to
        await self._fetch_guild()
        last_id, is_first = _snowflake(since), True
        while True:
            page = await self._page(place, f"after={last_id}&limit={_PAGE}")
            if not page and is_first and not await self._may_read(place):
                self._shows_history = False
                raise ports.Unknown("the bot cannot read the channel's history: allow its role Read Message History")
            for message in page:
                if _ref(delivery) in markdown.refs_of(message):
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
        return None if place == self._to else errors.UNKNOWN_CHANNEL

    async def _ask(self, method: str, path: str, *, bucket: str, doing: str, **more: Any) -> Json:
        token = self._context.secret(self._token, what="the Discord token")
        return await self._rest.ask(method, self._api_url + path, bucket=bucket, doing=doing, token=token, **more)

    async def _get(self, path: str, doing: str, *, fine: int | None = None) -> Json:
        return await self._ask("GET", path, bucket=path, doing=doing, fine=fine)

    async def _channel(self, place: str) -> Mapping[str, Any]:
        channel = await self._get(f"/channels/{place}", "find the channel", fine=self._absent(place))
        return channel if isinstance(channel, Mapping) else {}

    async def check(self) -> Sequence[ports.CheckLine]:
        """Check token, channel and permissions; the help of each line says what to click."""
        try:
            me = await self._get("/users/@me", "ask for the bot's name")
        except ports.SendError as error:
            return [ports.CheckLine(is_good=False, what="the token is accepted", help=str(error))]
        lines = [ports.CheckLine(is_good=True, what=f"the token belongs to {me.get('username')}")]
        try:
            channel = await self._channel(self._to)
            lines.append(ports.CheckLine(is_good=True, what=f"the channel is #{channel.get('name')}"))
            guild = f"/guilds/{channel.get('guild_id')}"
            member = await self._get(f"{guild}/members/{me.get('id')}", "ask for the bot's roles")
            roles = await self._get(f"{guild}/roles", "ask for the server's roles")
        except ports.SendError as error:
            return [*lines, ports.CheckLine(is_good=False, what="the bot can see the channel", help=str(error))]
        have = rights.of(channel, roles=roles, member_roles=member.get("roles") or (), me=str(me.get("id")))
        self._shows_history = rights.HISTORY in rights.held(have)
        return [*lines, *rights.lines(have)]

    async def close(self) -> None:
        """No connection is kept open between calls."""


def _ref(delivery: ports.Delivery) -> str:
    """Return a short reference for a message; a plain text, sent after a refused form, ends with it."""
    return hashlib.sha256(delivery.id.encode()).hexdigest()[:8]


def _snowflake(moment: datetime) -> int:
    return max(0, int((moment - _EPOCH) / timedelta(milliseconds=1))) << 22
