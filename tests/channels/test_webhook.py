"""The webhook's document, its signature and its key."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pydantic
import pytest
from msgspec.structs import replace

from bot.channels import webhook
from bot.channels.kit import webhook_template
from bot.channels.kit.webhook_template import InvalidTemplate, WebhookTemplate
from bot.model.errors import DocumentRefused
from bot.testing import hostile, messages
from tests.channels.context import Secrets, build, check_golden, delivery, faults, objects
from tests.testbed.servers import faulty

SAMPLES = Path(webhook_template.__file__).with_name("webhook_samples.json")
DOCS = Path(__file__).parents[2] / "docs"


async def test_a_document_is_signed_has_its_key_and_names_the_message_it_belongs_to() -> None:
    with faulty.serve(faulty.Always(faulty.Answer(204))) as server:
        secrets = Secrets(URL=f"{server.url}/hook", KEY="shared")
        sending = build("webhook", secrets=secrets, url="env:URL", secret="env:KEY")
        head = await sending.send(delivery(messages.POST, id="head"))
        await sending.send(delivery(messages.EDIT, id="edit", edits=head))
        await sending.send(delivery(messages.NEW_FACT, id="reply", reply_to=head))
        requests = [request for _, request in server.requests]
        assert await faults(sending) == {}
    assert [(request.body["id"], request.body["edits"], request.body["reply_to"]) for request in requests] == [
        ("head", None, None),
        ("edit", "head", None),
        ("reply", None, "head"),
    ]
    for request in requests:
        at, _, values = request.headers["wirewatch-signature"].removeprefix("t=").partition(",v1=")
        expected = hmac.new(b"shared", f"{at}.".encode() + request.raw, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(values, expected)
        assert request.headers["idempotency-key"] == request.body["id"]


def test_every_document_is_as_its_published_schema_says_and_has_nothing_more() -> None:
    schema = json.loads((DOCS / "webhook.schema.json").read_text())
    # Receivers must bear fields that are added; here one that is added and not published is found.
    validator = jsonschema_rs.Draft202012Validator(_closed(schema))
    all_messages = (*messages.ALL.values(), *hostile.every_kind(hostile.BAD, messages.WIRE))
    for message in all_messages:
        for is_plain in (False, True):
            document = webhook.document(delivery(message, is_plain=is_plain))
            validator.validate(json.loads(json.dumps(document)))
    assert {str(message.kind) for message in all_messages} == set(schema["properties"]["kind"]["enum"])


def test_the_page_names_every_field_of_the_schema_and_no_other() -> None:
    schema = json.loads((DOCS / "webhook.schema.json").read_text())
    table = (DOCS / "channels.md").read_text().split("| field | meaning |")[1].split("[webhook.schema.json]")[0]
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


# -- templates


def test_the_samples_are_documents_of_every_kind_of_message() -> None:
    documents = [webhook.document(delivery(message)) for message in messages.ALL.values()]
    check_golden(SAMPLES, json.dumps(documents, indent=1, ensure_ascii=False) + "\n")


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("{\n{% if %}}", "line 2 of the template: Expected an expression"),
        ('{"a":\n{{ titel | tojson }}}', "line 2 of the template, with a message of kind post (first report): 'titel'"),
        ("{{ stories[0].id | tojson }}", "with a message of kind listing (brief)"),
        ("{{ title }}", "write texts as {{ title | tojson }}, without quotation marks around them"),
        ('{"summary": "{{ title }}", "severity": "{{ severity }}"}', "the output is not JSON"),
        ("""{"summary": "{{ title | e }}"}""", "the output is not JSON"),
        ("{% if '</script>' in title %}{\"a\": 1}{% else %}{}{% endif %}", "a text can add keys"),
        ("{{ title | upper | shout }}", "No filter named 'shout'"),
        ("{{ ''.__class__.__mro__ | string | tojson }}", "unsafe"),
        ("{{ title.format(1) | tojson }}", "not safely callable"),
        ("{% include '/etc/passwd' %}", "no loader"),
        ("{{ ('a' * 1000000000) | tojson }}", "numbers only"),
        ("{{ ('%1000000000d' % 1) | tojson }}", "numbers only"),
        ("{% for a in text %}{% for b in text %}{% for c in text %}{% endfor %}{% endfor %}{% endfor %}1", "steps"),
        ("{% for a in text %}{% for b in text %}{{ text }}{% endfor %}{% endfor %}", "longer than"),
    ],
    ids=lambda value: value[:30],
)
def test_a_template_that_cannot_be_used_is_refused_at_load(template: str, error: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=re.escape(error)):
        webhook.Options.model_validate({"url": "env:URL", "template": template})


def test_a_template_without_a_key_cannot_name_it() -> None:
    with pytest.raises(InvalidTemplate, match="'key' is undefined"):
        WebhookTemplate("{{ key | tojson }}")
    assert WebhookTemplate("{{ key | tojson }}", keys=["key"]).render({"kind": "post", "key": "k"}) == '"k"'


@pytest.mark.parametrize(
    "template",
    [
        '{"summary": {{ title | truncate(100) | tojson }}, "severity": "{{ severity }}", "key": "{{ id }}"}',
        '{"list": [{% for story in stories %}{{ title | tojson }},{% endfor %}0], "severity": "info"}',
        '{"search": "https://search.example/?q={{ title | urlencode }}"}',
    ],
)
@pytest.mark.parametrize("headline", ['Quarry", "severity": "info', 'The "Acme" case', "a\\", "a\nb</script>"])
def test_a_headline_stays_one_text_of_the_document(template: str, headline: str) -> None:
    fields = webhook.document(delivery(messages.POST))
    written = json.loads(WebhookTemplate(template).render({**fields, "title": headline}))
    plain = json.loads(WebhookTemplate(template).render({**fields, "title": "Quarry opens"}))
    assert written.keys() == plain.keys()
    assert written.get("severity") == plain.get("severity")


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("{% if stories | length > 40 %}oops{% else %}{}{% endif %}", "the output is not JSON"),
        ("{{ 1 // (stories | length - 41) }}", "line 1 of the template"),
    ],
)
async def test_a_document_that_a_message_breaks_is_never_sent(template: str, error: str) -> None:
    many = replace(messages.LISTING, stories=(messages.VIEW,) * 41)
    with faulty.serve(faulty.Always()) as server:
        sending = build("webhook", secrets=Secrets(URL=server.url), url="env:URL", template=template)
        with pytest.raises(DocumentRefused, match=error):
            await sending.send(delivery(many))
        assert not server.requests
