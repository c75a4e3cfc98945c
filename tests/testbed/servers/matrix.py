"""A strict local Matrix homeserver: the client-server API as far as the bot uses it, for ``faulty.serve``.

It refuses what Synapse refuses, and beyond that what the specification forbids and Synapse lets pass. Each rule names
its source: "spec" is the client-server API of spec.matrix.org, "Synapse" the file of matrix-synapse 1.163.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

from tests.testbed.servers.faulty import Answer, Request

TOKEN = "syt_test_token"
ME, OTHER = "@bot:wirewatch.test", "@reader:wirewatch.test"
_API = "/_matrix/client/v3"
#: spec, "Size limits".
EVENT_BYTES = 65_536
#: spec, "m.room.message msgtypes": the tags and attributes that programs show.
_TAGS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        "del h1 h2 h3 h4 h5 h6 blockquote p ul sup sub li b i u strong em s hr br table thead tbody tr th td "
        "caption pre details summary".split(),
        frozenset(),
    ),
    "a": frozenset({"target", "href"}),
    "ol": frozenset({"start"}),
    "code": frozenset({"class"}),
}
_SCHEMES = ("https:", "http:", "ftp:", "mailto:", "magnet:")


class Refused(Exception):
    """The homeserver's answer."""

    def __init__(self, status: int, code: str, error: str) -> None:
        super().__init__(f"{status} {code}: {error}")
        self.answer = Answer(status, {"errcode": code, "error": error})


@dataclass(slots=True)
class Room:
    id: str
    members: set[str] = field(default_factory=lambda: {ME, OTHER})
    invited: set[str] = field(default_factory=set)
    is_encrypted: bool = False
    power: int = 0
    needed: int = 0
    #: In order of arrival.
    events: list[dict[str, Any]] = field(default_factory=list)


class Homeserver:
    """The state of the server."""

    SENDS: frozenset[str] = frozenset({"post", "edit"})

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.token = TOKEN
        self.rooms: dict[str, Room] = {}
        self.aliases: dict[str, str] = {}
        #: (token, path) -> event id (spec, "Transaction identifiers").
        self._transactions: dict[tuple[str, str], str] = {}
        self._last = 0
        self.page = 100

    def add_room(self, name: str, **facts: Any) -> Room:
        room = Room(id=f"!{name}:wirewatch.test", **facts)
        self.rooms[room.id] = room
        self.aliases[f"#{name}:wirewatch.test"] = room.id
        return room

    def messages(self, room: str) -> list[dict[str, Any]]:
        """Return messages as a client shows them: an edit replaces its message. Adds ``edits`` and ``thread``."""
        with self.lock:
            events = list(self.rooms[f"!{room}:wirewatch.test"].events)
        shown: dict[str, dict[str, Any]] = {}
        for event in events:
            content = event["content"]
            relation = content.get("m.relates_to", {})
            if relation.get("rel_type") == "m.replace":
                target = shown[relation["event_id"]]
                target.update(content["m.new_content"], edits=target["edits"] + 1)
                continue
            thread = relation.get("event_id", "") if relation.get("rel_type") == "m.thread" else ""
            shown[event["event_id"]] = {**content, "event_id": event["event_id"], "edits": 0, "thread": thread}
        return list(shown.values())

    # -- the service of ``faulty``

    def doing(self, request: Request) -> str:
        path = request.path.removeprefix(_API)
        if "/send/" in path:
            is_edit = isinstance(request.body, dict) and "m.new_content" in request.body
            return "edit" if is_edit else "post"
        for name in ("relations", "messages", "join", "directory", "whoami", "joined_rooms", "state"):
            if f"/{name}" in path:
                return name
        return "other"

    def too_many(self) -> Answer:
        """spec, "Rate limiting"."""
        body = {"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": 1500}
        return Answer(429, body, {"Retry-After": "2"})

    def answer(self, request: Request) -> Answer:
        try:
            return Answer(200, self._answer(request))
        except Refused as refused:
            return refused.answer

    def _answer(self, request: Request) -> dict[str, Any]:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            raise Refused(401, "M_MISSING_TOKEN", "Missing access token")
        if token != self.token:
            raise Refused(401, "M_UNKNOWN_TOKEN", "Unrecognised access token.")
        path = request.path.removeprefix(_API)
        parts = [unquote(part) for part in path.strip("/").split("/")]
        match request.method, parts:
            case "GET", ["account", "whoami"]:
                return {"user_id": ME, "device_id": "DEVICE"}
            case "GET", ["joined_rooms"]:
                return {"joined_rooms": [room.id for room in self.rooms.values() if ME in room.members]}
            case "GET", ["directory", "room", alias]:
                if alias not in self.aliases:
                    raise Refused(404, "M_NOT_FOUND", f"Room alias {alias} not found.")
                return {"room_id": self.aliases[alias], "servers": ["wirewatch.test"]}
            case "POST", ["join", room_id]:
                return self._join(room_id)
            case "GET", ["rooms", room_id, "state", kind]:
                return self._state(self._room(room_id), kind)
            case "GET", ["rooms", room_id, "messages"]:
                return self._page(self._room(room_id), request.query)
            case "PUT", ["rooms", room_id, "send", "m.room.message", _]:
                return {"event_id": self._send(room_id, request, token)}
        raise Refused(404, "M_UNRECOGNIZED", "Unrecognized request")

    def _room(self, room_id: str) -> Room:
        room = self.rooms.get(room_id)
        if room is None or ME not in room.members:
            raise Refused(403, "M_FORBIDDEN", f"User {ME} not in room {room_id}")
        return room

    def _join(self, room_id: str) -> dict[str, Any]:
        room = self.rooms.get(room_id)
        if room is None:
            raise Refused(404, "M_NOT_FOUND", "Can't join remote room because no servers that are in the room")
        if ME not in room.members and ME not in room.invited:
            raise Refused(403, "M_FORBIDDEN", "You are not invited to this room.")
        room.members.add(ME)
        return {"room_id": room.id}

    def _state(self, room: Room, kind: str) -> dict[str, Any]:
        if kind == "m.room.power_levels":
            return {"users": {ME: room.power}, "users_default": 0, "events_default": room.needed}
        if kind == "m.room.create":
            return {"sender": OTHER, "content": {"room_version": "12"}}
        if kind == "m.room.encryption" and room.is_encrypted:
            return {"algorithm": "m.megolm.v1.aes-sha2"}
        raise Refused(404, "M_NOT_FOUND", "Event not found.")

    def _page(self, room: Room, query: Mapping[str, str]) -> dict[str, Any]:
        """spec, "GET /rooms/{roomId}/messages": ``end`` is absent at the beginning of the room."""
        if query.get("dir") not in ("b", "f"):
            raise Refused(400, "M_INVALID_PARAM", "dir")
        document = json.loads(query.get("filter", "{}"))
        results = [
            event
            for event in room.events
            if event["type"] in document.get("types", [event["type"]])
            and event["sender"] in document.get("senders", [event["sender"]])
        ]
        results = results[::-1] if query["dir"] == "b" else results
        start = int(query.get("from", "t0").removeprefix("t"))
        end = start + min(int(query.get("limit", 10)), self.page)
        more = {"end": f"t{end}"} if end < len(results) else {}
        return {"chunk": results[start:end], "start": f"t{start}", **more}

    def _send(self, room_id: str, request: Request, token: str) -> str:
        # spec, "Transaction identifiers": the same request to the same path is the same event.
        known = self._transactions.get((token, request.path))
        if known is not None:
            return known
        room = self._room(room_id)
        if room.power < room.needed:
            raise Refused(403, "M_FORBIDDEN", f"You don't have permission to post that (level {room.power})")
        check(request.body)
        self._check_relation(room, request.body)
        self._last += 1
        event = {
            "type": "m.room.message",
            "sender": ME,
            "room_id": room.id,
            "event_id": f"$event{self._last}",
            "origin_server_ts": int(time.time() * 1000),  # noqa: TID251 - a server has its own clock
            "content": request.body,
            # Return the part of the answer that a real server has.
            "hashes": {"sha256": "x" * 43},
            "signatures": {"wirewatch.test": {"ed25519:a_abcd": "x" * 86}},
            "auth_events": ["$" + "x" * 43] * 4,
            "prev_events": ["$" + "x" * 43] * 20,
        }
        # Synapse, events/utils.py.
        if len(json.dumps(event, ensure_ascii=False).encode()) > EVENT_BYTES:
            raise Refused(413, "M_TOO_LARGE", "event too large")
        room.events.append(event)
        self._transactions[token, request.path] = event["event_id"]
        return str(event["event_id"])

    def _check_relation(self, room: Room, content: Mapping[str, Any]) -> None:
        """Synapse, handlers/message.py, _validate_event_relation; spec, "Event replacements"."""
        relation = content.get("m.relates_to")
        if relation is None:
            return
        target = next((event for event in room.events if event["event_id"] == relation.get("event_id")), None)
        if target is None:
            raise Refused(400, "M_UNKNOWN", "Can't send relation to unknown event")
        of_target = target["content"].get("m.relates_to", {})
        if relation["rel_type"] == "m.thread" and of_target:
            raise Refused(400, "M_UNKNOWN", "Cannot start threads from an event with a relation")
        if relation["rel_type"] == "m.replace" and of_target.get("rel_type") == "m.replace":
            raise Refused(400, "M_BAD_JSON", "an edit of an edit is ignored")


def check(content: Any) -> None:
    """Raises Refused."""
    if not isinstance(content, dict):
        raise Refused(400, "M_BAD_JSON", "Content must be a JSON object.")
    _check_canonical(content)
    _check_text(content)
    relation = content.get("m.relates_to")
    if relation is not None and relation.get("rel_type") not in ("m.replace", "m.thread"):
        raise Refused(400, "M_BAD_JSON", "rel_type")
    is_edit = relation is not None and relation["rel_type"] == "m.replace"
    if is_edit is not ("m.new_content" in content):
        raise Refused(400, "M_BAD_JSON", "m.new_content goes with m.replace")
    if is_edit:
        if "m.relates_to" in content["m.new_content"]:
            raise Refused(400, "M_BAD_JSON", "m.relates_to in m.new_content is ignored")
        _check_text(content["m.new_content"])


def _check_canonical(value: Any) -> None:
    """spec, appendices, "Canonical JSON": whole numbers of 53 bits; Synapse, events/utils.py. Any text is Unicode."""
    if isinstance(value, dict | list):
        for case in [*value, *value.values()] if isinstance(value, dict) else value:
            _check_canonical(case)
    elif isinstance(value, float) or (isinstance(value, int) and abs(value) >= 2**53):
        raise Refused(400, "M_BAD_JSON", "Bad JSON value: float")
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused(400, "M_UNKNOWN", "a lone surrogate") from None


def _check_text(content: Mapping[str, Any]) -> None:
    if content.get("msgtype") != "m.text" or not isinstance(content.get("body"), str) or not content["body"]:
        raise Refused(400, "M_BAD_JSON", "msgtype or body")
    # Synapse, events/validator.py, MENTIONS_SCHEMA.
    mentions = content.get("m.mentions", {})
    if not isinstance(mentions, dict) or not isinstance(mentions.get("room", False), bool):
        raise Refused(400, "M_BAD_JSON", "m.mentions")
    if ("formatted_body" in content) is not (content.get("format") == "org.matrix.custom.html"):
        raise Refused(400, "M_BAD_JSON", "format")
    if "formatted_body" in content:
        _Checker().check(content["formatted_body"])


class _Checker(HTMLParser):
    """Programs show no other tag or attribute, and some show nothing of what is not closed."""

    def check(self, html: str) -> None:
        self._open: list[str] = []
        self.feed(html)
        self.close()
        if self._open:
            raise Refused(400, "M_BAD_JSON", f"not closed: {self._open}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise Refused(400, "M_BAD_JSON", f"the tag {tag}")
        for name, value in attrs:
            if name not in _TAGS[tag] or (name == "href" and not (value or "").startswith(_SCHEMES)):
                raise Refused(400, "M_BAD_JSON", f"the attribute {name}={value}")
        if tag not in ("br", "hr"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            raise Refused(400, "M_BAD_JSON", f"</{tag}> closes nothing")
