"""The webhook's document, its signature and its key."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from bot.channels import webhook
from bot.model.channels import Channel
from bot.testing import hostile, messages
from tests.channels.context import Secrets, build, delivery, objects
from tests.testbed.servers import faulty

Server = faulty.Server[faulty.Always]


@pytest.fixture
def server() -> Iterator[Server]:
    with faulty.serve(faulty.Always(faulty.Answer(204))) as running:
        yield running


def channel(server: Server) -> Channel:
    secrets = Secrets(URL=f"{server.url}/hook", KEY="shared")
    return build("webhook", secrets=secrets, url="env:URL", secret="env:KEY")


async def test_the_receiver_can_check_who_sent_it_and_whether_it_came_before(server: Server) -> None:
    await channel(server).send(delivery(messages.POST, id="send-7"))
    [(_, request)] = server.requests
    at, _, values = request.headers["wirewatch-signature"].removeprefix("t=").partition(",v1=")
    expected = hmac.new(b"shared", f"{at}.".encode() + request.raw, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(values, expected)
    assert request.headers["idempotency-key"] == "send-7"


async def test_a_reply_and_an_edit_name_the_message_they_belong_to(server: Server) -> None:
    sending = channel(server)
    head = await sending.send(delivery(messages.POST, id="head"))
    await sending.send(delivery(messages.EDIT, id="edit", edits=head))
    await sending.send(delivery(messages.NEW_FACT, id="reply", reply_to=head))
    documents = [request.body for _, request in server.requests]
    assert [(d["id"], d["edits"], d["reply_to"]) for d in documents] == [
        ("head", None, None),
        ("edit", "head", None),
        ("reply", None, "head"),
    ]


def test_marked_words_are_where_the_document_says() -> None:
    stories: Any = webhook.document(delivery(messages.POST))["stories"]
    sentence = stories[0]["summary"][0]
    words = [sentence["text"][start:end] for start, end in sentence["marked"]]
    assert words == ["BlackBerry", "PTA", "unfettered access", "BES"]


def test_every_document_is_as_its_published_schema_says_and_has_nothing_more() -> None:
    schema = json.loads((Path(__file__).parents[2] / "docs" / "webhook.schema.json").read_text())
    # Receivers must bear fields that are added; here one that is added and not published is found.
    validator = jsonschema_rs.Draft202012Validator(_closed(schema))
    all_messages = (*messages.ALL.values(), *hostile.every_kind(hostile.BAD, messages.WIRE))
    for message in all_messages:
        for is_plain in (False, True):
            document = webhook.document(delivery(message, is_plain=is_plain))
            validator.validate(json.loads(json.dumps(document)))
    assert {str(message.kind) for message in all_messages} == set(schema["properties"]["kind"]["enum"])


def test_the_page_names_every_field_of_the_schema_and_no_other() -> None:
    docs = Path(__file__).parents[2] / "docs"
    schema = json.loads((docs / "webhook.schema.json").read_text())
    table = (docs / "channels.md").read_text().split("| field | meaning |")[1].split("[webhook.schema.json]")[0]
    named = set(re.findall(r"`(?:stories\[\]\.)?(\w+)`", table))
    fields = {name for part in objects(schema) for name in part.get("properties", {})}
    values = {str(value) for part in objects(schema) for value in part.get("enum", [])}
    assert fields - named == set()
    assert named - fields - values == {"opinion"}


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    more = {"additionalProperties": False} if schema.get("type") == "object" else {}
    return {**{name: _closed(value) for name, value in schema.items()}, **more}
