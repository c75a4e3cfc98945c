"""The webhook's document, its signature and its key."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from bot import model
from bot.channels import webhook
from bot.testing import hostile, messages
from tests.channels.context import Secrets, build, delivery


class Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.redirect: str | None = None


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.taken.append((dict(self.headers.items()), body))
        self.send_response(307 if self.server.redirect else 204)
        if self.server.redirect:
            self.send_header("Location", self.server.redirect)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def channel(receiver: Receiver) -> model.Channel:
    address = f"http://127.0.0.1:{receiver.server_address[1]}/hook"
    return build("webhook", secrets=Secrets(URL=address, KEY="shared"), url="env:URL", secret="env:KEY")


async def test_the_receiver_can_check_who_sent_it_and_whether_it_came_before(receiver: Receiver) -> None:
    await channel(receiver).send(delivery(messages.POST, id="send-7"))
    [(headers, body)] = receiver.taken
    at, _, given = headers["Wirewatch-Signature"].removeprefix("t=").partition(",v1=")
    expected = hmac.new(b"shared", f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(given, expected)
    assert headers["Idempotency-Key"] == "send-7"


async def test_a_reply_and_an_edit_name_the_message_they_belong_to(receiver: Receiver) -> None:
    sending = channel(receiver)
    head = await sending.send(delivery(messages.POST, id="head"))
    await sending.send(delivery(messages.EDIT, id="edit", edits=head))
    await sending.send(delivery(messages.NEW_FACT, id="reply", reply_to=head))
    documents = [json.loads(body) for _, body in receiver.taken]
    assert [(d["id"], d["edits"], d["reply_to"]) for d in documents] == [
        ("head", None, None),
        ("edit", "head", None),
        ("reply", None, "head"),
    ]


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.redirect = f"http://127.0.0.1:{receiver.server_address[1]}/elsewhere"
    with pytest.raises(model.ChannelClosed, match="moved"):
        await channel(receiver).send(delivery(messages.POST))
    assert len(receiver.taken) == 1


def test_marked_words_are_where_the_document_says() -> None:
    sentence = _story(messages.POST)["summary"][0]
    words = [sentence["text"][start:end] for start, end in sentence["marked"]]
    assert words == ["BlackBerry", "PTA", "unfettered access", "BES"]


def test_every_document_is_as_its_published_schema_says_and_has_nothing_more() -> None:
    schema = json.loads((Path(__file__).parents[2] / "docs" / "webhook.schema.json").read_text())
    # Receivers must bear fields that are added; here one that is added and not published is found.
    validator = jsonschema_rs.Draft202012Validator(_closed(schema))
    told = (*messages.ALL.values(), *hostile.every_kind(hostile.BAD, messages.WIRE))
    for message in told:
        for is_plain in (False, True):
            made = webhook.document(delivery(message, is_plain=is_plain))
            validator.validate(json.loads(json.dumps(made)))
    assert {str(message.kind) for message in told} == set(schema["properties"]["kind"]["enum"])


def test_the_page_names_every_field_of_the_schema() -> None:
    docs = Path(__file__).parents[2] / "docs"
    page = (docs / "channels.md").read_text()
    schema = json.loads((docs / "webhook.schema.json").read_text())
    story = schema["properties"]["stories"]["items"]
    for name in (*schema["properties"], *story["properties"]):
        assert f"`{name}`" in page or f"`stories[].{name}`" in page, name


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    more = {"additionalProperties": False} if schema.get("type") == "object" else {}
    return {**{name: _closed(value) for name, value in schema.items()}, **more}


def _story(message: model.Message) -> Any:
    stories: Any = webhook.document(delivery(message))["stories"]
    return stories[0]
