"""Services that keep a record for each story and refuse what their real API refuses, as records.yaml describes them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema_rs
import yaml

from tests.testbed.servers import faulty
from tests.testbed.servers.faulty import Answer, Request

#: The value of the header Authorization, which has a blank.
CREDENTIALS = "Basic secret-of-the-service"
#: PagerDuty's keys have 32 characters.
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
_FORMS = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
NAMES = tuple(_FORMS)


class Service(faulty.Strict):
    """Takes requests, and notes what became of each record."""

    def __init__(self, name: str) -> None:
        super().__init__()
        #: What happened to each record, oldest first: open, note, update, resolve.
        self.history: dict[str, list[str]] = {}
        #: The title of each record.
        self.titles: dict[str, str] = {}
        self.refused: list[Request] = []
        self._form = _FORMS[name]

    def accept(self, request: Request) -> Answer:
        query = f"?{urlencode(request.query)}" if request.query else ""
        words = f"{request.method} {request.path}{query}"
        is_known = not self._form.get("has_credentials") or request.headers["authorization"] == CREDENTIALS
        is_json = request.headers["content-type"].startswith("application/json") and isinstance(request.body, dict)
        for form in self._form["requests"] if is_known and is_json else ():
            path = re.fullmatch(form["request"], words)
            is_valid = path and jsonschema_rs.is_valid(form["schema"], request.body)
            if path and is_valid and (answer := self._note(form, request.body, path)):
                return answer
        self.refused.append(request)
        return Answer(400, {"errors": ["does not match the schema"]})

    def _note(self, form: dict[str, Any], body: Any, path: re.Match[str]) -> Answer | None:
        """Note what happens to a record; None if it must exist and does not."""
        event = form["events"][_at(body, form["event"])] if "events" in form else form["event"]
        if "new" in form:
            record = form["new"].format(len(self.history) + 1)
        else:
            record = _at(body, form["record"]) if "record" in form else path[1]
        is_open = self.history.get(record, ["resolve"])[-1] != "resolve"
        if self._form.get("joins"):
            event = {("open", True): "note", ("resolve", False): ""}.get((event, is_open), event)
        elif record not in self.history and "title" not in form:
            return None
        if event:
            self.history.setdefault(record, []).append(event)
        if "title" in form:
            self.titles.setdefault(record, _at(body, form["title"]))
        return Answer(form["status"], json.loads(json.dumps(form.get("answer")).replace("{record}", record)))


def _at(body: Any, place: str) -> Any:
    for name in place.split("."):
        body = body[name]
    return body
