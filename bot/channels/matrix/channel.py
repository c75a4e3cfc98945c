"""``kind: matrix``: one room of a homeserver, by an account's access token."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeAlias
from urllib.parse import quote, urlencode

import pydantic

from bot import model, ports
from bot.channels.kit import http_client, places
from bot.channels.kit.context import ChannelContext, Duration
from bot.channels.kit.http_client import HttpResponse
from bot.channels.kit.people import ids
from bot.channels.matrix import content, errors

KIND = "matrix"
_API = "/_matrix/client/v3"
_WHO = "the homeserver"
_PAGE = 50
_USER = re.compile(r"@[^:\s]{1,250}:\S{1,250}", re.ASCII)
#: The maximum size of a page: an event has at most 64 kB.
_PAGE_BYTES = _PAGE * 70_000

Body: TypeAlias = Mapping[str, object]


class Options(pydantic.BaseModel):
    """A room of a Matrix homeserver, with threads and edits."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    server: str = pydantic.Field(..., description="The homeserver's address: https://matrix.example.org.")
    room: str = pydantic.Field(
        ..., description="The room's alias in quotes (#policy:example.org) or its id (!abc:example.org)."
    )
    token: model.Secret = pydantic.Field(
        ..., description="The access token of the bot's account: env:NAME or file:/path."
    )
    people: Annotated[
        dict[str, str],
        ids(_USER, "a user's id in quotes: '@ann:example.org'"),
    ] = pydantic.Field(
        {}, description="People whom messages can mention: a name of your choice, and the user's id in quotes."
    )
    pace: Duration = pydantic.Field(timedelta(seconds=1), description="Minimum time between two messages.")

    @pydantic.field_validator("server")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")) or "/_matrix" in url:
            raise ValueError("expected the homeserver's address: https://matrix.example.org")
        return url.rstrip("/")

    @pydantic.field_validator("room")
    @classmethod
    def _names_a_room(cls, room: str) -> str:
        if len(room) < 2 or room[0] not in "#!" or (room[0] == "#" and ":" not in room) or any(map(str.isspace, room)):
            raise ValueError(
                'expected a room: "#policy:example.org" (in quotes: # begins a comment), or its id, !abc:example.org'
            )
        return room


class Channel:
    """A room. A message's transaction id is its send id, so that a homeserver recognizes a repetition."""

    #: Synapse keeps a transaction id for a day (databases/main/events_worker.py, _cleanup_old_transaction_ids).
    abilities = ports.Abilities(threads=True, edits=True, lookup=True, idempotent=timedelta(hours=12))

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        self.name = name
        self.pace = options.pace
        self.account = f"matrix {options.server} {options.token.reference}"
        self._options = options
        self._context = context
        self._key = f"{self.account} {options.room}"
        self._room = options.room if options.room.startswith("!") else ""

    async def send(self, delivery: ports.Delivery) -> model.Receipt:
        room = await self._room_id()
        places.check_edited(delivery.edits, room)
        places.check_thread(delivery.reply_to, room)
        body = content.content(delivery, zone=self._context.zone)
        # The plain form needs another id: the server may have stored the id of the form that it refused.
        transaction = f"{delivery.id}{'-plain' if delivery.is_plain else ''}"
        path = f"/rooms/{quote(room, safe='')}/send/m.room.message/{quote(transaction, safe='')}"
        response = await self._ask("PUT", path, body)
        if response.fields.get("errcode") == "M_FORBIDDEN" and await self._joins(room):
            response = await self._ask("PUT", path, body)
        if response.is_success:
            ref = _text(response.fields, "event_id")
            thread = (delivery.reply_to.thread or delivery.reply_to.ref) if delivery.reply_to else ""
            return model.Receipt(
                ref=ref, place=room, thread=thread, link=_link(room, ref), sent_at=self._context.clock.now()
            )
        if errors.is_about_relation(response) and delivery.edits is not None:
            raise ports.NotEditable("the homeserver no longer knows the message")
        if errors.is_about_relation(response) and delivery.reply_to is not None:
            raise ports.ThreadGone("the homeserver no longer knows the head of the thread")
        raise await self._error(response, doing="sending")

    async def find(self, delivery: ports.Delivery, *, since: datetime) -> model.Receipt | None:
        room = await self._room_id()
        places.check_thread(delivery.reply_to, room)
        event_filter = json.dumps({"types": ["m.room.message"], "senders": [await self._me()]})
        query: dict[str, str | int] = {"dir": "b", "limit": _PAGE, "filter": event_filter}
        while True:
            path = f"/rooms/{quote(room, safe='')}/messages?{urlencode(query)}"
            page = await self._get(path, doing="looking for a message")
            events = page.get("chunk")
            if not isinstance(events, list):
                raise _unreadable("chunk")
            for event in events:
                at = datetime.fromtimestamp(event.get("origin_server_ts", 0) / 1000, UTC)
                event_content = event.get("content") or {}
                relation = event_content.get("m.relates_to") or {}
                if event_content.get(content.SEND_ID) == delivery.id and relation.get("rel_type") != "m.replace":
                    thread = str(relation.get("event_id", "")) if relation.get("rel_type") == "m.thread" else ""
                    return model.Receipt(
                        ref=str(event["event_id"]),
                        place=room,
                        thread=thread,
                        link=_link(room, str(event["event_id"])),
                        sent_at=at,
                    )
                if at < since:
                    return None
            end = page.get("end")
            if not isinstance(end, str) or end == query.get("from"):
                return None
            query["from"] = end

    async def check(self) -> Sequence[ports.CheckLine]:
        """Check token, room, membership, power level and encryption, and accept an invitation."""
        try:
            me = await self._me()
        except ports.SendError as error:
            return [ports.CheckLine(is_good=False, what="the token is accepted", help=str(error))]
        lines = [ports.CheckLine(is_good=True, what=f"the token belongs to {me}")]
        what = f"{me} is in the room {self._options.room}"
        try:
            room = await self._room_id()
            joined = await self._get("/joined_rooms", doing="looking for its rooms")
            listed = joined.get("joined_rooms")
            if not (isinstance(listed, list) and room in listed) and not await self._joins(room):
                raise ports.Parked(f"the bot's account is not in the room; {errors.TABLE['M_FORBIDDEN'][1]}")
            lines.append(ports.CheckLine(is_good=True, what=what))
            levels = await self._state(room, "m.room.power_levels")
            # Since room version 12, the creator of a room may do everything without being in its list.
            creation = await self._state(room, "m.room.create?format=event")
            is_encrypted = bool(await self._state(room, "m.room.encryption"))
        except ports.SendError as error:
            return [*lines, ports.CheckLine(is_good=False, what=what, help=str(error))]
        has = _level(levels.get("users"), me, levels.get("users_default"), 0)
        needs = _level(levels.get("events"), "m.room.message", levels.get("events_default"), 0)
        may_send = has >= needs or creation.get("sender") == me
        help_text = f"its power level is {has}, and messages need {needs}: raise it in the room's settings"
        lines.append(ports.CheckLine.of(may_send, f"{me} may send there", otherwise=help_text))
        plain = "Wirewatch cannot encrypt: create a room without encryption, which cannot be turned off later"
        return [*lines, ports.CheckLine.of(not is_encrypted, "the room is not encrypted", otherwise=plain)]

    async def close(self) -> None:
        """No connection is kept open between calls."""

    async def _room_id(self) -> str:
        """Return the room's id; an alias is looked up once, and its id stored. Raises SendError."""
        if not self._room:
            self._room = await self._context.key_values.get(self._key) or ""
        if not self._room:
            path = f"/directory/room/{quote(self._options.room, safe='')}"
            self._room = _text(await self._get(path, doing="looking for the room"), "room_id")
            await self._context.key_values.put(self._key, self._room)
        return self._room

    async def _error(self, response: HttpResponse, *, doing: str) -> ports.SendError:
        error = errors.error_of(response, doing=doing, now=self._context.clock.now())
        if isinstance(error, ports.Parked) and self._options.room.startswith("#") and self._room:
            # The alias may now belong to a room that replaced this one.
            self._room = ""
            await self._context.key_values.put(self._key, "")
        return error

    async def _joins(self, room: str) -> bool:
        """Accept an invitation or enter a public room; return whether we are in the room now."""
        return (await self._ask("POST", f"/join/{quote(room, safe='')}", {})).is_success

    async def _me(self) -> str:
        return _text(await self._get("/account/whoami", doing="the login"), "user_id")

    async def _state(self, room: str, kind: str) -> Body:
        response = await self._ask("GET", f"/rooms/{quote(room, safe='')}/state/{kind}")
        if response.status == 404:
            return {}
        if not response.is_success:
            raise await self._error(response, doing="looking at the room")
        return response.fields

    async def _get(self, path: str, *, doing: str) -> Body:
        response = await self._ask("GET", path)
        if not response.is_success:
            raise await self._error(response, doing=doing)
        return response.fields

    async def _ask(self, method: str, path: str, body: Body | None = None) -> HttpResponse:
        token = self._context.secret(self._options.token, what="the Matrix access token")
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self._options.server}{_API}{path}"
        return await http_client.request(method, url, who=_WHO, document=body, headers=headers, limit_bytes=_PAGE_BYTES)


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise _unreadable(name)
    return value


def _link(room: str, event: str) -> str:
    """Return a link for any Matrix program (https://spec.matrix.org/latest/appendices/#matrixto-navigation)."""
    return f"https://matrix.to/#/{quote(room, safe='')}/{quote(event, safe='')}"


def _unreadable(name: str) -> ports.Unknown:
    return ports.Unknown(f"the homeserver: the answer cannot be read (no {name})")


def _level(levels: object, name: str, default: object, least: int) -> int:
    own_level = levels.get(name) if isinstance(levels, dict) else None
    for level in (own_level, default):
        if isinstance(level, int):
            return level
    return least
