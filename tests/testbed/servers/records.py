"""Services that keep an incident, a ticket or an event for each story. They refuse what their real API refuses.

Their limits are those of the published references: PagerDuty's Events API v2, Opsgenie's Alert API, Jira's REST API
version 2, ServiceNow's Table API and Splunk's HTTP Event Collector.
"""

from __future__ import annotations

import re
import threading
from typing import Any

from tests.testbed.servers.faulty import Answer, Request

#: The value of the header Authorization, which has a blank.
CREDENTIALS = "Basic secret-of-the-service"
#: PagerDuty's keys have 32 characters.
ROUTING_KEY = "0123456789abcdef0123456789abcdef"

_TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"


class Refusal(Exception):
    """The request does not match the API: an answer of 400."""


class Service:
    """Takes requests, and notes what became of each record."""

    SENDS = frozenset({"post"})

    def __init__(self) -> None:
        self.lock = threading.RLock()
        #: What happened to each record, oldest first: open, note, resolve.
        self.history: dict[str, list[str]] = {}
        #: The title of each record.
        self.titles: dict[str, str] = {}
        self.refused: list[Request] = []

    def doing(self, request: Request) -> str:
        return "post"

    def too_many(self) -> Answer:
        return Answer(429, {})

    def answer(self, request: Request) -> Answer:
        try:
            check(request.headers["content-type"].startswith("application/json"))
            return self.accept(request)
        except (Refusal, KeyError, TypeError, AttributeError):
            self.refused.append(request)
            return Answer(400, {"errors": ["does not match the schema"]})

    def accept(self, request: Request) -> Answer:
        """Carry out a request. Raises Refusal, or an error of Python if something is absent."""
        raise NotImplementedError

    def note(self, record: str, event: str, title: str = "") -> None:
        self.history.setdefault(record, []).append(event)
        if title:
            self.titles.setdefault(record, title)

    def note_existing(self, record: str, event: str) -> None:
        if record not in self.history:
            raise Refusal
        self.note(record, event)


def check(*conditions: object) -> None:
    if not all(conditions):
        raise Refusal


def is_text(value: object, most: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= most


class PagerDuty(Service):
    """An incident for each key. A trigger under the key of an open incident joins it; after a resolve it opens one."""

    def accept(self, request: Request) -> Answer:
        body, payload = request.body, request.body["payload"]
        check(
            (request.method, request.path) == ("POST", "/"),
            body.keys() <= {"routing_key", "event_action", "dedup_key", "payload", "links", "images", "client"},
            body["routing_key"] == ROUTING_KEY,
            body["event_action"] in ("trigger", "acknowledge", "resolve"),
            is_text(body["dedup_key"], 255),
            is_text(payload["summary"], 1_024),
            is_text(payload["source"], 255),
            payload["severity"] in ("critical", "error", "warning", "info"),
            re.fullmatch(_TIMESTAMP, payload["timestamp"]),
            isinstance(payload["custom_details"], dict),
            all(link["href"].startswith("https://") and is_text(link["text"], 255) for link in body["links"]),
        )
        key, is_open = body["dedup_key"], self.history.get(body["dedup_key"], ["resolve"])[-1] != "resolve"
        match body["event_action"]:
            case "trigger":
                self.note(key, "note" if is_open else "open", payload["summary"])
            case "resolve" if is_open:
                self.note(key, "resolve")
        return Answer(202, {"status": "success", "message": "Event processed", "dedup_key": key})


class Opsgenie(Service):
    """An alert for each alias. Another one under the alias of an open alert only counts."""

    def accept(self, request: Request) -> Answer:
        body = request.body
        check(request.method == "POST", request.headers["authorization"] == CREDENTIALS)
        if request.path == "/":
            check(
                body.keys() <= {"message", "alias", "description", "priority", "source", "tags", "details", "entity"},
                is_text(body["message"], 130),
                is_text(body["alias"], 512),
                is_text(body["description"], 15_000),
                body["priority"] in ("P1", "P2", "P3", "P4", "P5"),
                is_text(body["source"], 100),
            )
            is_open = self.history.get(body["alias"], ["resolve"])[-1] != "resolve"
            self.note(body["alias"], "note" if is_open else "open", body["message"])
        else:
            closed = re.fullmatch(r"/([^/]+)/close", request.path)
            check(closed, request.query == {"identifierType": "alias"}, body.keys() <= {"user", "source", "note"})
            check(is_text(body["note"], 25_000), is_text(body["source"], 100))
            if closed and self.history.get(closed[1], ["resolve"])[-1] != "resolve":
                self.note(closed[1], "resolve")
        return Answer(202, {"result": "Request will be processed", "took": 0.1, "requestId": "r"})


class Jira(Service):
    """An issue for each creation: nothing is deduplicated."""

    def accept(self, request: Request) -> Answer:
        body = request.body
        check(request.headers["authorization"] == CREDENTIALS)
        _, key, what = [*request.path.split("/"), "", ""][:3]
        match request.method, key, what:
            case "POST", "", "":
                self._check_fields(body["fields"], {"project", "issuetype", "labels", "summary", "description"})
                check(body["fields"]["project"]["key"] == "NEWS", body["fields"]["issuetype"]["name"] == "Task")
                key = f"NEWS-{len(self.history) + 1}"
                self.note(key, "open", body["fields"]["summary"])
                return Answer(201, {"id": str(9_999 + len(self.history)), "key": key, "self": "https://jira.example/"})
            case "PUT", _, "":
                self._check_fields(body["fields"], {"summary", "description"})
                self.note_existing(key, "update")
                return Answer(204)
            case "POST", _, "comment":
                check(body.keys() == {"body"}, is_text(body["body"], 32_767))
                self.note_existing(key, "note")
                return Answer(201, {"id": "10100"})
            case "POST", _, "transitions":
                check(body == {"transition": {"id": "31"}})
                self.note_existing(key, "resolve")
                return Answer(204)
        raise Refusal

    @staticmethod
    def _check_fields(fields: Any, known: set[str]) -> None:
        check(fields.keys() == known, is_text(fields["summary"], 254), "\n" not in fields["summary"])
        check(is_text(fields["description"], 32_767))


class ServiceNow(Service):
    """A record of the table incident for each creation. Longer texts would be cut without a word."""

    def accept(self, request: Request) -> Answer:
        body, record = request.body, request.path.removeprefix("/")
        check(request.headers["authorization"] == CREDENTIALS)
        check(is_text(body.get("short_description", "x"), 160), is_text(body.get("description", "x"), 4_000))
        if request.method == "POST":
            check(record == "", body["urgency"] in ("1", "2", "3"), is_text(body["correlation_id"], 100))
            record = f"{len(self.history):032x}"
            self.note(record, "open", body["short_description"])
            return Answer(201, {"result": {"sys_id": record, "number": f"INC{len(self.history):07}"}})
        check(request.method == "PATCH")
        if body.get("state") == "6":
            # A resolved incident needs both.
            check(is_text(body["close_code"], 40), is_text(body["close_notes"], 4_000))
            self.note_existing(record, "resolve")
        else:
            check(body["state"] == "2", is_text(body["work_notes"], 4_000))
            self.note_existing(record, "note")
        return Answer(200, {"result": {"sys_id": record}})


class Splunk(Service):
    """A series of events. A record is what the events say about one story."""

    def accept(self, request: Request) -> Answer:
        body = request.body
        event = body["event"]
        check(
            (request.method, request.path) == ("POST", "/"),
            request.headers["authorization"] == CREDENTIALS,
            body.keys() <= {"time", "host", "source", "sourcetype", "index", "fields", "event"},
            isinstance(body["time"], int | float),
            event,
        )
        names = {"post": "open", "edit": "resolve" if event["is_over"] else "update", "reply": "note"}
        self.note(event["story"], names[event["kind"]], event["title"])
        return Answer(200, {"text": "Success", "code": 0})
