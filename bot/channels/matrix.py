"""``kind: matrix``: one room of a homeserver, by an account's access token, with threads, edits and look-up."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote, urlsplit

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
    without_path,
)
from bot.channels.kit.errors import Act, ErrorTable, parse_retry_after, parse_wait, rows
from bot.channels.kit.http_client import HttpResponse
from bot.channels.kit.outline import OutlineLine
from bot.channels.kit.rest import Call, Page, RestChannel
from bot.model.access import Secret
from bot.model.channels import Abilities, ChannelFeatures, CheckLine, Delivery
from bot.model.errors import ChannelClosed, NotEditable, OutcomeUnknown, ThreadGone
from bot.model.messages import Message, Receipt
from bot.model.stories import SendId

KIND = "matrix"
_API = "/_matrix/client/v3"
_PAGE = 50
_USER_ID = re.compile(r"@[^:\s]{1,250}:\S{1,250}", re.ASCII)
#: Maximum bytes of a page of events, each of which has at most 64 kB.
_PAGE_BYTES = _PAGE * 70_000

Body: TypeAlias = Mapping[str, object]


class Options(ChannelOptions):
    """A room of a Matrix homeserver, with threads and edits."""

    server: Annotated[Address, without_path("/_matrix", "the homeserver's address: https://matrix.example.org")] = (
        pydantic.Field(..., description="The homeserver's address: https://matrix.example.org.")
    )
    room: str = pydantic.Field(
        ..., description="The room's alias in quotes (#policy:example.org) or its id (!abc:example.org)."
    )
    token: Secret = pydantic.Field(..., description="The access token of the bot's account: env:NAME or file:/path.")
    people: Annotated[dict[str, str], check_ids(_USER_ID, "a user's id in quotes: '@ann:example.org'")] = (
        pydantic.Field(
            {}, description="People whom messages can mention: a name of your choice, and the user's id in quotes."
        )
    )
    pace: Pace = timedelta(seconds=1)

    @property
    def features(self) -> ChannelFeatures:
        return ChannelFeatures(people=self.people, shows_all_stories=_shows_all_stories)

    @pydantic.field_validator("room")
    @classmethod
    def _names_a_room(cls, room: str) -> str:
        if len(room) < 2 or room[0] not in "#!" or (room[0] == "#" and ":" not in room) or any(map(str.isspace, room)):
            raise ValueError(
                'expected a room: "#policy:example.org" (in quotes: # begins a comment), or its id, !abc:example.org'
            )
        return room


class Channel(RestChannel):
    """A room. The transaction id of a message is its send id, so the homeserver recognizes a repeated message."""

    #: ``idempotent`` is half of the day for which Synapse keeps a transaction id (databases/main/events_worker.py,
    #: _cleanup_old_transaction_ids).
    abilities = Abilities(threads=True, edits=True, lookup=True, idempotent=timedelta(hours=12))
    who = "the homeserver"
    limit_bytes = _PAGE_BYTES

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        account = f"matrix {options.server} {options.token.reference}"
        super().__init__(name, account=account, pace=options.pace, context=context, errors=ERRORS)
        self._options = options
        # Store the id of the room, so that the channel stays in this room if its alias moves to another.
        self.place: StoredId = StoredId(context, f"{account} {options.room}", self._find_room)
        #: The bot's account, from the first page of a look-up.
        self._sender = ""

    async def send(self, delivery: Delivery) -> Receipt:
        room = await self.place.get()
        check_place(delivery, room)
        body = build_content(delivery, zone=self.context.zone)
        # The plain form needs another id, because the server may have stored the id of the refused form.
        transaction = f"{delivery.id}{'-plain' if delivery.is_plain else ''}"
        path = f"/rooms/{quote(room, safe='')}/send/m.room.message/{quote(transaction, safe='')}"
        call = Call(method="PUT", path=path, doing="sending", body=body)
        response = await self.request(call)
        if self.error_code(response) == "M_FORBIDDEN" and await self._join(room):
            response = await self.request(call)
        if response.is_success:
            ref = response.text_field("event_id", who=self.who)
            thread = delivery.reply_to.head if delivery.reply_to else ""
            return self.receipt(ref, place=room, thread=thread, link=_message_link(room, ref))
        if _is_about_relation(response) and delivery.edits is not None:
            raise NotEditable("the homeserver no longer knows the message")
        if _is_about_relation(response) and delivery.reply_to is not None:
            raise ThreadGone("the homeserver no longer knows the head of the thread")
        raise await self.refuse(response, call)

    async def fetch_page(self, place: str, start: str) -> Page:
        if not start:
            self._sender = await self._own_id()
        event_filter = json.dumps({"types": ["m.room.message"], "senders": [self._sender]})
        query: dict[str, str | int] = {"dir": "b", "limit": _PAGE, "filter": event_filter}
        if start:
            query["from"] = start
        path = f"/rooms/{quote(place, safe='')}/messages"
        fields = (await self._get(path, doing="looking for a message", query=query)).fields
        events = fields.get("chunk")
        if not isinstance(events, list):
            raise OutcomeUnknown(f"{self.who}: the answer cannot be read (no chunk)")
        end = fields.get("end")
        has_more = isinstance(end, str) and end != start
        return Page([_stored_message(event, place) for event in events], next=str(end) if has_more else "")

    async def check_setup(self) -> AsyncIterator[CheckLine]:
        """Check token, room, membership, power level and encryption, and accept an invitation."""
        with step("the token is accepted"):
            me = await self._own_id()
        yield passed(f"the token belongs to {me}")
        what = f"{me} is in the room {self._options.room}"
        with step(what):
            room = await self.place.get()
            joined = (await self._get("/joined_rooms", doing="looking for its rooms")).fields.get("joined_rooms")
            if not (isinstance(joined, list) and room in joined) and not await self._join(room):
                raise ChannelClosed(f"the bot's account is not in the room; {ERRORS['M_FORBIDDEN'][1]}")
        yield passed(what)
        with step("the room's settings can be read"):
            levels = await self._state(room, "m.room.power_levels")
            # Since room version 12, the creator of a room has all rights without being in the list of power levels.
            creation = await self._state(room, "m.room.create?format=event")
            is_encrypted = bool(await self._state(room, "m.room.encryption"))
        has = _power_level(levels.get("users"), me, levels.get("users_default"))
        needs = _power_level(levels.get("events"), "m.room.message", levels.get("events_default"))
        may_send = has >= needs or creation.get("sender") == me
        advice = f"its power level is {has}, and messages need {needs}: raise its level in the room's settings"
        yield CheckLine.of(may_send, f"{me} may send there", otherwise=advice)
        advice = "Wirewatch cannot encrypt: create a room without encryption, which cannot be turned off later"
        yield CheckLine.of(not is_encrypted, "the room is not encrypted", otherwise=advice)

    async def _find_room(self) -> str:
        if self._options.room.startswith("!"):
            return self._options.room
        path = f"/directory/room/{quote(self._options.room, safe='')}"
        return (await self._get(path, doing="looking for the room")).text_field("room_id", who=self.who)

    def address(self, call: Call) -> str:
        return f"{self._options.server}{_API}{call.path}"

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.context.secret(self._options.token, what='the Matrix access token')}"}

    def error_code(self, response: HttpResponse) -> object:
        return response.fields.get("errcode")

    def stated_wait(self, response: HttpResponse) -> timedelta | None:
        # Servers before version 1.10 of the specification put the wait into the body.
        wait = parse_wait(response.fields.get("retry_after_ms"), per_second=1_000)
        return parse_retry_after(response.headers, now=self.context.clock.now()) or wait

    async def _join(self, room: str) -> bool:
        """Accept an invitation or enter a public room; return whether the bot is then in the room."""
        call = Call(method="POST", path=f"/join/{quote(room, safe='')}", doing="joining the room", body={})
        return (await self.request(call)).is_success

    async def _own_id(self) -> str:
        return (await self._get("/account/whoami", doing="the login")).text_field("user_id", who=self.who)

    async def _state(self, room: str, kind: str) -> Body:
        """Return the state of this kind, or an empty mapping if the room has none."""
        call = Call(method="GET", path=f"/rooms/{quote(room, safe='')}/state/{kind}", doing="looking at the room")
        response = await self.request(call)
        if not response.is_success and response.status != 404:
            raise await self.refuse(response, call)
        return response.fields if response.is_success else {}

    async def _get(self, path: str, *, doing: str, query: Mapping[str, str | int] | None = None) -> HttpResponse:
        return await self.call(Call(method="GET", path=path, doing=doing, query=query or {}))


def _stored_message(event: Mapping[str, Any], room: str) -> tuple[object, Receipt]:
    """Return the send id and the receipt of an event of the room. An edit has no send id of its own."""
    content = event.get("content") or {}
    relation = content.get("m.relates_to") or {}
    ref = str(event.get("event_id") or "")
    receipt = Receipt(
        ref=ref,
        place=room,
        thread=str(relation.get("event_id", "")) if relation.get("rel_type") == "m.thread" else "",
        link=_message_link(room, ref),
        sent_at=datetime.fromtimestamp(event.get("origin_server_ts", 0) / 1000, UTC),
    )
    return None if relation.get("rel_type") == "m.replace" else content.get(SEND_ID), receipt


def _message_link(room: str, event: str) -> str:
    """Return a link that any Matrix program opens (https://spec.matrix.org/latest/appendices/#matrixto-navigation)."""
    return f"https://matrix.to/#/{quote(room, safe='')}/{quote(event, safe='')}"


def _power_level(levels: object, name: str, default: object) -> int:
    own_level = levels.get(name) if isinstance(levels, dict) else None
    for level in (own_level, default):
        if isinstance(level, int):
            return level
    return 0


Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"

#: Maximum bytes of a message's content. An event has at most 65,536 bytes (spec.matrix.org, client-server API, "Size
#: limits"), including the signatures, hashes and references to other events that servers add.
LIMIT_BYTES = 48_000
#: Maximum characters of the text for programs without HTML. An edit contains the text twice, and a character takes up
#: to three bytes.
_BODY_LIMIT = 4_000
#: The field of an event by which a look-up finds the message (spec, "Namespacing").
SEND_ID = "wirewatch.send_id"


def build_content(delivery: Delivery, *, zone: tzinfo) -> dict[str, Json]:
    """Return the longest content of an ``m.room.message`` that fits into an event."""
    return outline.render_to_fit(delivery, lambda lines: _event_content(delivery, lines, zone), _fits, zone=zone)


def _shows_all_stories(message: Message) -> bool:
    # An edit contains the text twice, and a gathered message grows by edits.
    edit = Delivery(
        id=SendId("gathered"), message=message, edits=Receipt(ref="", sent_at=datetime.fromtimestamp(0, UTC))
    )
    return outline.shows_all_stories(message, lambda lines: _event_content(edit, lines, UTC), _fits)


def _fits(event_content: dict[str, Json]) -> bool:
    return phrases.json_size(event_content) <= LIMIT_BYTES


def _event_content(delivery: Delivery, lines: Sequence[OutlineLine], zone: tzinfo) -> dict[str, Json]:
    # m.mentions alone decides who is notified (spec, "User and room mentions").
    user_ids: list[Json] = [mention.id for mention in delivery.message.mentions if mention.id]
    names_story = delivery.reply_to is None
    text = rendering.plain_message(delivery.message, names_story=names_story, zone=zone, limit=_BODY_LIMIT)
    message: dict[str, Json] = {
        # Use m.text, because m.notice notifies nobody (the push rule .m.rule.suppress_notices).
        "msgtype": "m.text",
        "body": rendering.cut_lines(_break_mentions(text), _BODY_LIMIT),
        "m.mentions": {"user_ids": user_ids} if user_ids else {},
        SEND_ID: delivery.id,
    }
    if not delivery.is_plain:
        message["format"] = "org.matrix.custom.html"
        message["formatted_body"] = rendering.render_html(lines, words=_break_mentions, may_link=_may_link)
    if delivery.edits is not None:
        # Programs without edits show this text as a new message, which mentions nobody.
        fallback: dict[str, Json] = {**message, "body": f"* {message['body']}", "m.mentions": {}}
        relation: dict[str, Json] = {"rel_type": "m.replace", "event_id": delivery.edits.ref}
        return {**fallback, "m.new_content": message, "m.relates_to": relation}
    if delivery.reply_to is not None:
        head = delivery.reply_to.head
        thread: dict[str, Json] = {
            "rel_type": "m.thread",
            "event_id": head,
            # Programs without threads show a reply to the head.
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": head},
        }
        return {**message, "m.relates_to": thread}
    return message


def _break_mentions(words: str) -> str:
    """Break mentions, because servers without m.mentions look for an @ and a name."""
    return phrases.break_markup(words, reads_marks=False)


def _may_link(link: str) -> bool:
    """Return False for links to matrix.to, which programs show as the name of a person or a room."""
    return (urlsplit(link).hostname or "").removeprefix("www.") != "matrix.to"


_LOG_IN = "log in as the bot's account and copy its new access token into the variable or file of `token:`"
_JOIN = "invite the bot's account to the room (it joins automatically), and let it send messages there"

#: Error code -> reaction and advice to the operator (for channel-answers.md). The codes are from the client-server API
#: (spec.matrix.org, "Standard error response") and from Synapse (synapse/api/errors.py).
ERRORS: ErrorTable = {
    "M_LIMIT_EXCEEDED": (Act.WAIT, ""),
    **rows(Act.SIMPLIFY, "M_BAD_JSON", "M_NOT_JSON", "M_TOO_LARGE", "M_INVALID_PARAM", "M_MISSING_PARAM"),
    **rows(Act.PARK_WORKSPACE, "M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", advice=_LOG_IN),
    "M_USER_DEACTIVATED": (Act.PARK_WORKSPACE, "the bot's account is closed: make another"),
    "M_USER_LOCKED": (Act.PARK_WORKSPACE, "the bot's account is locked: ask the homeserver's admin"),
    "M_USER_SUSPENDED": (Act.PARK_WORKSPACE, "the bot's account is suspended: ask the homeserver's admin"),
    "M_CONSENT_NOT_GIVEN": (Act.PARK_WORKSPACE, "log in as the bot's account once and accept the homeserver's terms"),
    "M_RESOURCE_LIMIT_EXCEEDED": (Act.PARK_WORKSPACE, "the homeserver is full or closed: ask its admin"),
    "M_GUEST_ACCESS_FORBIDDEN": (Act.PARK_WORKSPACE, "the token belongs to a guest: register an account for the bot"),
    "M_FORBIDDEN": (Act.PARK_CHANNEL, _JOIN),
    "M_NOT_FOUND": (Act.PARK_CHANNEL, "check `room:` in bot.yaml: an alias is #name:server, an id begins with !"),
    "M_UNRECOGNIZED": (
        Act.PARK_CHANNEL,
        "check `server:` in bot.yaml: it is not a Matrix homeserver, or it is too old",
    ),
    **rows(
        Act.PARK_CHANNEL,
        *("M_UNSUPPORTED_ROOM_VERSION", "M_INCOMPATIBLE_ROOM_VERSION"),
        advice="the homeserver is too old for this room: update it",
    ),
}


def _is_about_relation(response: HttpResponse) -> bool:
    """Return whether the server does not know the event to edit or reply to (Synapse, _validate_event_relation)."""
    body = response.fields
    return response.status == 400 and body.get("errcode") == "M_UNKNOWN" and "relation" in str(body.get("error", ""))
