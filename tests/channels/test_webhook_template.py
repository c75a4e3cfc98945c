"""Templates of webhooks: refused at load with line and remedy, bounded, and the recipes of the docs."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydantic
import pytest
import yaml

from bot.channels import webhook
from bot.channels.kit import webhook_template
from bot.channels.kit.webhook_template import InvalidTemplate, WebhookTemplate
from bot.model.actions import Verdict
from bot.model.alerts import Reason
from bot.model.errors import DocumentRefused
from bot.model.messages import Message, MessageKind, Receipt
from bot.testing import messages
from tests.channels.context import Secrets, build, delivery
from tests.testbed.servers import faulty

DOCS = Path(__file__).parents[2] / "docs" / "channels.md"
SAMPLES = Path(webhook_template.__file__).with_name("webhook_samples.json")


def test_the_samples_are_documents_of_every_kind_of_message() -> None:
    documents = [webhook.document(delivery(message)) for message in messages.ALL.values()]
    text = json.dumps(documents, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("WIREWATCH_GOLDEN") == "write":
        SAMPLES.write_text(text)
    assert text == SAMPLES.read_text()


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("{\n{% if %}}", "line 2 of the template: Expected an expression"),
        ('{"a":\n{{ titel | tojson }}}', "line 2 of the template, with a message of kind post (first report): 'titel'"),
        ("{{ stories[0].id | tojson }}", "with a message of kind gathered (brief)"),
        ("{{ title }}", "write texts as {{ title | tojson }}, without quotation marks around them"),
        ('{"summary": "{{ title }}", "severity": "{{ severity }}"}', "the output is not JSON"),
        ('{"summary": "{{ title | truncate(30) }}", "severity": "{{ severity }}"}', "the output is not JSON"),
        ("""{"summary": "{{ title | e }}"}""", "the output is not JSON"),
        ("{% if '</script>' in title %}{\"a\": 1}{% else %}{}{% endif %}", "a text can add keys"),
        ("{{ title | upper | shout }}", "No filter named 'shout'"),
        ("{{ ''.__class__.__mro__ | string | tojson }}", "unsafe"),
        ("{{ title.format(1) | tojson }}", "not safely callable"),
        ("{{ range(3) | list | tojson }}", "not safely callable"),
        ("{% include '/etc/passwd' %}", "no loader"),
        ("{{ ('a' * 1000000000) | tojson }}", "numbers only"),
        ("{{ ('%1000000000d' % 1) | tojson }}", "numbers only"),
        ("{% for a in text %}{% for b in text %}{% for c in text %}{% endfor %}{% endfor %}{% endfor %}1", "steps"),
        ("{% for a in text %}{% for b in text %}{{ text }}{% endfor %}{% endfor %}", "longer than"),
        ("{{ 1 / 0 }}", "division by zero"),
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


async def test_a_document_that_a_message_breaks_is_never_sent() -> None:
    template = "{% if stories | length > 40 %}oops{% else %}{}{% endif %}"
    many = replace(messages.GATHERED, briefs=(messages.BRIEF,) * 41)
    with faulty.serve(faulty.Always(faulty.Answer(200))) as server:
        channel = build("webhook", secrets=Secrets(URL=server.url), url="env:URL", template=template)
        with pytest.raises(DocumentRefused, match="the output is not JSON"):
            await channel.send(delivery(many))
        assert not server.requests


#: The value of the header Authorization, which has a blank.
CREDENTIALS = "Basic secret-of-the-service"


class Service:
    """A service that accepts the requests that its published schema describes, and refuses all others with 400."""

    SENDS = frozenset({"post"})

    def __init__(self) -> None:
        self.lock = threading.RLock()
        #: What was accepted, in short.
        self.accepted: list[str] = []

    def doing(self, request: faulty.Request) -> str:
        return "post"

    def too_many(self) -> faulty.Answer:
        return faulty.Answer(429, {})

    def answer(self, request: faulty.Request) -> faulty.Answer:
        if not request.headers["content-type"].startswith("application/json"):
            return faulty.Answer(415, {})
        accepted = self.accept(request)
        if accepted is None:
            return faulty.Answer(400, {"errors": ["does not match the schema"]})
        line, answer = accepted
        self.accepted.append(line)
        return answer

    def accept(self, request: faulty.Request) -> tuple[str, faulty.Answer] | None:
        """Return what was accepted and the answer, or None if the request does not match the schema."""
        raise NotImplementedError


def is_text(value: object, most: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= most


class PagerDuty(Service):
    """Events API v2."""

    def accept(self, request: faulty.Request) -> tuple[str, faulty.Answer] | None:
        match request.body:
            case {
                "routing_key": "secret-key-of-the-service",
                "event_action": "trigger" | "acknowledge" | "resolve" as action,
                "dedup_key": str(key),
                "payload": {
                    "summary": summary,
                    "source": source,
                    "severity": "critical" | "error" | "warning" | "info",
                    "timestamp": str(timestamp),
                    "custom_details": dict(),
                },
                "links": [{"href": str(link), "text": str()}],
            } if (
                is_text(summary, 1_024)
                and is_text(source, 1_024)
                and len(key) <= 255
                and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", timestamp)
                and link.startswith("https://")
                and (request.method, request.path) == ("POST", "/")
            ):
                return f"{action} {key}", faulty.Answer(202, {"status": "success", "dedup_key": key})
        return None


class Opsgenie(Service):
    """Alert API."""

    def accept(self, request: faulty.Request) -> tuple[str, faulty.Answer] | None:
        body, accepted = request.body, faulty.Answer(202, {"result": "Request will be processed", "requestId": "r"})
        if request.method != "POST" or request.headers.get("authorization") != CREDENTIALS:
            return None
        if request.path == "/":
            is_right = body.keys() == {"message", "alias", "description", "priority", "source"} and (
                is_text(body["message"], 130)
                and is_text(body["alias"], 512)
                and is_text(body["description"], 15_000)
                and body["priority"] in ("P1", "P2", "P3", "P4", "P5")
            )
            return (f"create {body['alias']}", accepted) if is_right else None
        closed = re.fullmatch(r"/([0-9a-f]+)/close", request.path)
        if closed and request.query == {"identifierType": "alias"} and body.keys() <= {"user", "source", "note"}:
            return f"close {closed[1]}", accepted
        return None


class Jira(Service):
    """REST API, version 2: issues and comments."""

    def accept(self, request: faulty.Request) -> tuple[str, faulty.Answer] | None:
        body, fields = request.body, request.body.get("fields", {})
        if request.headers.get("authorization") != CREDENTIALS:
            return None
        if fields and not (is_text(fields["summary"], 254) and is_text(fields["description"], 32_767)):
            return None
        match request.method, request.path:
            case "POST", "/" if fields.keys() == {"project", "issuetype", "labels", "summary", "description"}:
                return "create", faulty.Answer(201, {"id": "10000", "key": "NEWS-24", "self": "https://jira.example"})
            case "PUT", "/NEWS-24" if fields.keys() <= {"summary", "description"}:
                return "update", faulty.Answer(204)
            case "POST", "/NEWS-24/comment" if body.keys() == {"body"} and is_text(body["body"], 32_767):
                return "comment", faulty.Answer(201, {"id": "10100"})
        return None


class ServiceNow(Service):
    """Table API: the table incident."""

    def accept(self, request: faulty.Request) -> tuple[str, faulty.Answer] | None:
        body, record = request.body, {"result": {"sys_id": "a9e30c7dc61122760116894de7bcc7bd"}}
        if request.headers.get("authorization") != CREDENTIALS:
            return None
        if not is_text(body.get("short_description", "x"), 160) or not is_text(body.get("description", "x"), 4_000):
            return None
        match request.method, request.path:
            case "POST", "/" if body["urgency"] in ("1", "2", "3") and is_text(body["correlation_id"], 100):
                return "create", faulty.Answer(201, record)
            case "PATCH", "/a9e30c7dc61122760116894de7bcc7bd":
                # A resolved incident needs both.
                if body.get("state") == "6" and not {"close_code", "close_notes"} <= body.keys():
                    return None
                return f"update {', '.join(sorted(body))}", faulty.Answer(200, record)
        return None


class Splunk(Service):
    """HTTP Event Collector."""

    def accept(self, request: faulty.Request) -> tuple[str, faulty.Answer] | None:
        body = request.body
        if request.headers.get("authorization") != CREDENTIALS:
            return None
        known = {"time", "host", "source", "sourcetype", "index", "fields", "event"}
        if body.keys() <= known and isinstance(body["time"], float) and body["event"]:
            return body["event"]["kind"], faulty.Answer(200, {"text": "Success", "code": 0})
        return None


def recipe(name: str) -> dict[str, Any]:
    """Return the keys of a channel in the docs."""
    blocks = re.findall(r"```yaml\n(channels:.*?)```", DOCS.read_text(), re.DOTALL)
    written = [yaml.safe_load(block)["channels"] for block in blocks]
    [keys] = [channels[name] for channels in written if name in channels]
    return dict(keys)


SILENCED = replace(messages.EDIT, reason=Reason.SILENCED)
NOISE = replace(
    messages.JUDGED, judgements=tuple(replace(given, verdict=Verdict.NOISE) for given in messages.JUDGED.judgements)
)
STORY = (messages.POST, messages.EDIT, messages.NEW_FACT, messages.NOTICE, SILENCED, messages.MERGED)


async def send(name: str, service: Service, sent: Sequence[Message]) -> list[str]:
    """Send messages about one story through a recipe of the docs. Return what the service has accepted."""
    keys = recipe(name)
    with faulty.serve(service) as server:
        secrets = Secrets()
        for written in re.findall(r"env:(\w+)", json.dumps(keys)):
            credentials = "secret-key-of-the-service" if "KEY" in written and name == "pagerduty" else CREDENTIALS
            secrets.values[written] = server.url if written.endswith("URL") else credentials
        channel = build(keys.pop("kind"), secrets=secrets, **keys)
        head: Receipt | None = None
        for number, message in enumerate(sent):
            is_edit, is_reply = message.kind is MessageKind.EDIT, message.kind is MessageKind.REPLY
            sent_as = delivery(message, id=f"send-{number}")
            receipt = await channel.send(
                replace(sent_as, edits=head if is_edit else None, reply_to=head if is_reply else None)
            )
            head = head or receipt
    return service.accepted


@pytest.mark.parametrize(
    ("name", "service", "accepted"),
    [
        ("pagerduty", PagerDuty, [f"trigger {messages.STORY}"] * 2 + [f"resolve {messages.STORY}"]),
        ("opsgenie", Opsgenie, [f"create {messages.STORY}"] * 2 + [f"close {messages.STORY}"]),
        ("jira", Jira, ["create", "update", "comment", "update"]),
        ("servicenow", ServiceNow, ["create", "update state, work_notes", "update close_code, close_notes, state"]),
        ("splunk", Splunk, ["post", "edit", "reply", "edit", "edit"]),
    ],
)
async def test_a_recipe_writes_what_its_service_accepts_from_the_first_message_of_a_story_to_its_end(
    name: str, service: type[Service], accepted: list[str]
) -> None:
    assert await send(name, service(), STORY) == accepted


@pytest.mark.parametrize(
    ("name", "service", "end"), [("pagerduty", PagerDuty, "resolve"), ("opsgenie", Opsgenie, "close")]
)
async def test_the_verdict_noise_ends_an_incident_and_one_more_outlet_does_not_begin_it_again(
    name: str, service: type[Service], end: str
) -> None:
    accepted = await send(name, service(), (messages.POST, NOISE, messages.EDIT))
    assert [line.split()[0] for line in accepted][1:] == [end]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("@evil.example/", "cannot follow an address"),
        ("/{{ title }}", "cannot follow an address"),
        ("/{{ titel }}", "'titel' is undefined"),
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused_at_load(path: str, error: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=re.escape(error)):
        webhook.Options.model_validate({"url": "env:URL", "template": "{}", "path": path})
    webhook.Options.model_validate({"url": "env:URL", "template": "{}", "path": "/{{ title | urlencode }}"})


def test_a_method_is_one_of_those_that_change_something() -> None:
    with pytest.raises(pydantic.ValidationError, match='"GET" is not one of POST, PUT, PATCH, DELETE'):
        webhook.Options.model_validate({"url": "env:URL", "template": "{}", "method": "GET"})
    with pytest.raises(pydantic.ValidationError, match="needs a template"):
        webhook.Options.model_validate({"url": "env:URL", "method": "PUT"})


async def test_a_template_that_fails_with_a_message_is_a_refusal_that_names_the_line() -> None:
    template = "{{ 1 // (stories | length - 41) }}"
    channel = build("webhook", secrets=Secrets(URL="http://127.0.0.1:9/"), url="env:URL", template=template)
    many = replace(messages.GATHERED, briefs=(messages.BRIEF,) * 41)
    with pytest.raises(DocumentRefused, match="line 1 of the template"):
        await channel.send(delivery(many))
