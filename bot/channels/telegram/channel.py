"""``kind: telegram``: a chat of Telegram's, by a bot's token. Replies and edits; nobody can look what arrived.

A bot sees no history of a chat, and Telegram knows no key by which it would drop a repetition, so after an unknown
outcome a message may come twice or not at all: ``on_unknown`` decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

import pydantic

from bot import model, ports
from bot.channels.kit import acts, http_client, http_errors, places
from bot.channels.kit.acts import Act
from bot.channels.kit.context import Address, ChannelContext, Duration
from bot.channels.kit.people import as_list, ids
from bot.channels.telegram import entities, errors, presses

KIND = "telegram"
_API = "https://api.telegram.org"
_WHO = "Telegram"
#: Telegram accepts one message a second in a chat, twenty a minute in a group (core.telegram.org/bots/faq, "My bot is
#: hitting limits").
_PACE = timedelta(seconds=3)
_LEAST_PACE = timedelta(seconds=1)
_CHAT = re.compile(r"-?\d{1,20}\Z|@[A-Za-z]\w{3,}\Z")


class Options(pydantic.BaseModel):
    """A chat, group or channel of Telegram, by a bot's token."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    to: str = pydantic.Field(description="The chat's id (a number, in quotes) or a public channel's @name.")
    token: model.Secret = pydantic.Field(description="The bot's token from @BotFather: env:NAME or file:/path.")
    topic: int | None = pydantic.Field(None, ge=1, description="In a group with topics: the topic's number.")
    buttons: bool = pydantic.Field(
        False,
        description="Buttons under each story: Claim, Useful, Noise, More… No other program may receive the bot's "
        "updates.",
    )
    may_act: Annotated[
        tuple[str, ...], as_list, ids(re.compile(r"\d{1,20}", re.ASCII), "a person's, a number in quotes")
    ] = pydantic.Field(
        (),
        description="For buttons: who may press them, by people's ids, in quotes. "
        "Without it, everybody who sees the chat.",
    )
    api_url: Address = pydantic.Field(_API, description="The address of another server with Telegram's Bot API.")
    people: Annotated[
        dict[str, str], ids(re.compile(r"@[A-Za-z0-9_]{4,32}", re.ASCII), "a user's public name in quotes: '@ann_desk'")
    ] = pydantic.Field(
        {},
        description="People whom messages can mention: a name of your choice, and the user's public @name in quotes.",
    )
    pace: Duration = pydantic.Field(
        _PACE, description="Minimum time between two messages; less than 1 second only with api_url."
    )

    @pydantic.field_validator("to")
    @classmethod
    def _is_chat(cls, to: str) -> str:
        if not _CHAT.match(to):
            raise ValueError("expected the chat's id (\"-1001234567890\") or a public channel's @name, in quotes")
        return to

    @pydantic.field_validator("api_url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @pydantic.model_validator(mode="after")
    def _has_buttons(self) -> Self:
        if self.may_act and not self.buttons:
            raise ValueError("may_act is for buttons: add buttons: true, or remove may_act")
        return self

    @pydantic.field_validator("pace")
    @classmethod
    def _is_slow(cls, pace: timedelta, info: pydantic.ValidationInfo) -> timedelta:
        if pace < _LEAST_PACE and info.data.get("api_url") == _API:
            raise ValueError("Telegram accepts one message a second for each chat: set pace to at least 1 second")
        return pace


class Channel:
    """A chat. Replies are in the chat and point to the story's message."""

    abilities = ports.Abilities(threads=True, edits=True, lookup=False, broadcast=True)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        self.name = name
        self.pace = options.pace
        self.account = f"telegram {options.api_url} {options.token.reference}"
        self._options = options
        self._context = context
        self._key = f"{self.account}:{options.to}"
        self._closed_until: datetime | None = None

    async def send(self, delivery: ports.Delivery) -> model.Receipt:
        place = await self._place()
        names_story = delivery.reply_to is None
        body = entities.content(
            delivery.message, zone=self._context.zone, names_story=names_story, is_plain=delivery.is_plain
        )
        if self._options.buttons and (keyboard := presses.keyboard(delivery.message)):
            # An edit without the buttons would remove them.
            body["reply_markup"] = keyboard
        if delivery.edits is not None:
            places.check_edited(delivery.edits, place)
            await self._post("editMessageText", place, {**body, "message_id": int(delivery.edits.ref)})
            return model.Receipt(ref=delivery.edits.ref, place=place, sent_at=self._context.clock.now())
        if self._options.topic is not None:
            body["message_thread_id"] = self._options.topic
        if delivery.reply_to is not None:
            places.check_thread(delivery.reply_to, place)
            body["reply_parameters"] = {"message_id": int(delivery.reply_to.ref)}
        result = await self._post("sendMessage", place, body)
        ref, chat = result.get("message_id"), result.get("chat") or {}
        if not isinstance(ref, int) or not isinstance(chat.get("id"), int):
            raise ports.Unknown("Telegram accepted the message, but its answer has no message number")
        return model.Receipt(
            ref=str(ref), place=str(chat["id"]), link=_link(chat, ref), sent_at=self._context.clock.now()
        )

    async def find(self, delivery: ports.Delivery, *, since: datetime) -> model.Receipt | None:
        raise ports.Unknown("a Telegram bot cannot read what arrived in a chat")

    async def close(self) -> None:
        """No connection is kept open between calls."""

    async def _place(self) -> str:
        """Return the chat's id; the id of a public name, or of a group that moved, is stored."""
        if stored_id := await self._context.key_values.get(self._key):
            return stored_id
        if not self._options.to.startswith("@"):
            return self._options.to
        place = str((await self._ask("getChat", {"chat_id": self._options.to})).get("id"))
        await self._context.key_values.put(self._key, place)
        return place

    async def _post(self, method: str, place: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return await self._ask(method, {**body, "chat_id": place})
        except _Moved as moved:
            await self._context.key_values.put(self._key, moved.to)
            # Old messages have no number in the new chat.
            if "message_id" in body:
                raise ports.NotEditable("the group became a supergroup: its old messages cannot be reached") from None
            if "reply_parameters" in body:
                raise ports.ThreadGone("the group became a supergroup: its old messages cannot be reached") from None
            return await self._ask(method, {**body, "chat_id": moved.to})
        except ports.Parked:
            # The stored id may be outdated.
            await self._context.key_values.put(self._key, "")
            raise

    def may_act(self, person: int) -> bool:
        """Return whether this person may press the buttons of the chat."""
        return not self._options.may_act or str(person) in self._options.may_act

    @property
    def has_buttons(self) -> bool:
        """Whether messages have buttons."""
        return self._options.buttons

    @property
    def clock(self) -> ports.Clock:
        """The clock of the context."""
        return self._context.clock

    async def _ask(self, method: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        result = await self.call(method, body)
        return result if isinstance(result, Mapping) else {}

    async def call(self, method: str, body: Mapping[str, Any]) -> Any:
        """Return the result of a method, or None for an edit that changes nothing. Raises SendError."""
        now = self._context.clock.now()
        if self._closed_until is not None and now < self._closed_until:
            raise ports.Wait(f"{method}: Telegram says too many requests", after=self._closed_until - now)
        token = self._context.secret(self._options.token, what="the Telegram token")
        url = f"{self._options.api_url}/bot{token}/{method}"
        response = await http_client.request("POST", url, who=_WHO, document=body)
        fields = response.fields
        if response.is_success:
            if fields.get("ok") is not True:
                raise ports.Unknown(f"{method}: {_WHO} answered {response.status} without its JSON document")
            return fields.get("result")
        if response.status == 400 and errors.NOT_MODIFIED in str(fields.get("description")):
            return None
        raise self._refusal(method, response, fields)

    def _refusal(self, method: str, response: http_client.HttpResponse, fields: Mapping[str, Any]) -> ports.SendError:
        now = self._context.clock.now()
        parameters = fields.get("parameters")
        parameters = parameters if isinstance(parameters, Mapping) else {}
        new_id = parameters.get("migrate_to_chat_id")
        if isinstance(new_id, int):
            return _Moved(method, str(new_id))
        description = str(fields.get("description") or "")
        if response.status == 409:
            # Telegram sends a bot's updates to one program only.
            cause = "by a webhook" if "webhook" in description.casefold() else "by getUpdates"
            return ports.Parked(f"{method}: Telegram says conflict {cause}; {errors.OTHER_PROGRAM}")
        words = errors.known(description) if response.status < 500 else None
        if response.status == 404 and fields.get("ok") is False:
            # The token does not even have the form of a token.
            words = "unauthorized"
        if words is not None:
            act, advice = errors.TABLE[words]
            seconds = parameters.get("retry_after")
            wait = None
            if act is Act.WAIT and isinstance(seconds, int) and seconds >= 0:
                wait = min(timedelta(seconds=seconds), http_errors.LONGEST_WAIT)
                self._closed_until = now + wait
            return acts.error_of(act, f"{method}: Telegram says {words}", advice=advice, after=wait)
        if response.status == 403:
            return ports.Parked(f"{method}: {_WHO} answered 403: the bot may not write in this chat")
        return http_errors.of_status(response.status, who=_WHO, headers=response.headers, now=now)

    async def check(self) -> Sequence[ports.CheckLine]:
        """Check token, chat and rights; the help of each line says what to click."""
        try:
            me = await self._ask("getMe", {})
        except ports.SendError as error:
            return [ports.CheckLine(is_good=False, what="the token is accepted", help=str(error))]
        lines = [ports.CheckLine(is_good=True, what=f"the token belongs to @{me.get('username')}")]
        try:
            place = await self._place()
            chat = await self._ask("getChat", {"chat_id": place})
            member = await self._ask("getChatMember", {"chat_id": place, "user_id": me.get("id")})
        except ports.SendError as error:
            return [*lines, ports.CheckLine(is_good=False, what="the bot can see the chat", help=str(error))]
        lines.append(ports.CheckLine(is_good=True, what=f"the chat is {chat.get('title') or chat.get('username')}"))
        is_good = _may_post(chat, member)
        advice = errors.TABLE[
            "bot is not a member" if member.get("status") in ("left", "kicked") else "not enough rights"
        ][1]
        lines.append(ports.CheckLine.of(is_good, "the bot may post there", otherwise=advice))
        return [*lines, await self._check_presses()] if self._options.buttons else lines

    async def _check_presses(self) -> ports.CheckLine:
        what = "no webhook receives the presses of the button"
        try:
            has_hook = bool((await self._ask("getWebhookInfo", {})).get("url"))
        except ports.SendError as error:
            return ports.CheckLine(is_good=False, what=what, help=str(error))
        return ports.CheckLine.of(not has_hook, what, otherwise=errors.OTHER_PROGRAM)


class _Moved(ports.SendError):
    """The group became a supergroup and has a new id."""

    def __init__(self, method: str, to: str) -> None:
        super().__init__(f"{method}: the group became a supergroup")
        self.to = to


def _link(chat: Mapping[str, Any], ref: int) -> str:
    """Return a message's link (core.telegram.org/api/links, "Message links"); private chats and groups have none."""
    name, place = chat.get("username"), str(chat.get("id"))
    if chat.get("type") not in ("supergroup", "channel"):
        return ""
    # A bot sees the chat's id with the prefix -100.
    return f"https://t.me/{name}/{ref}" if name else f"https://t.me/c/{place.removeprefix('-100')}/{ref}"


def _may_post(chat: Mapping[str, Any], member: Mapping[str, Any]) -> bool:
    status = member.get("status")
    if status in ("left", "kicked"):
        return False
    if chat.get("type") == "channel":
        return status == "creator" or (status == "administrator" and member.get("can_post_messages") is True)
    if status in ("creator", "administrator") or chat.get("type") == "private":
        return True
    allowed = member if status == "restricted" else chat.get("permissions") or {}
    return allowed.get("can_send_messages") is not False


def listeners(channels: Iterable[Channel]) -> Sequence[ports.Listener]:
    """Return a listener for each bot whose chats have buttons."""
    by_bot: dict[str, list[Channel]] = {}
    for channel in channels:
        if channel.has_buttons:
            by_bot.setdefault(channel.account, []).append(channel)
    return [presses.Listener(chats, chats[0].clock) for chats in by_bot.values()]
