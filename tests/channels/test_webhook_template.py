"""Templates of webhooks: refused at load with line and remedy, bounded, and two recipes of the docs."""

from __future__ import annotations

import json
import os
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydantic
import pytest
import yaml

from bot.channels import webhook
from bot.channels.kit import webhook_template
from bot.channels.kit.webhook_template import InvalidTemplate, WebhookTemplate
from bot.model.alerts import Reason
from bot.model.errors import FormRefused
from bot.model.messages import Message
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
    keys = {"kind": "webhook", "template": "{% if stories | length > 40 %}oops{% else %}{}{% endif %}"}
    many = replace(messages.GATHERED, briefs=(messages.BRIEF,) * 41)
    with faulty.serve(faulty.Always(faulty.Answer(200))) as server:
        with pytest.raises(FormRefused, match="the output is not JSON"):
            await send({**keys, "url": "env:URL"}, Secrets(URL=server.url), many)
        assert not server.requests


class Incidents:
    """An incident service with the schema that such services publish for events."""

    SENDS = frozenset({"post"})

    def __init__(self) -> None:
        self.lock = threading.RLock()
        #: Deduplication key -> the actions of its events.
        self.events: dict[str, list[str]] = {}

    def doing(self, request: faulty.Request) -> str:
        return "post"

    def too_many(self) -> faulty.Answer:
        return faulty.Answer(429, {})

    def answer(self, request: faulty.Request) -> faulty.Answer:
        match request.body:
            case {
                "routing_key": "secret-key-of-the-service-00001",
                "event_action": "trigger" | "acknowledge" | "resolve" as action,
                "dedup_key": str(key),
                "payload": {
                    "summary": str(summary),
                    "source": str(source),
                    "severity": "critical" | "error" | "warning" | "info",
                    "timestamp": str(timestamp),
                    "custom_details": dict(),
                },
                "links": [{"href": str(link), "text": str()}],
            } if (
                0 < len(summary) <= 1_024
                and source
                and len(key) <= 255
                and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", timestamp)
                and link.startswith("https://")
                and request.headers["content-type"].startswith("application/json")
            ):
                self.events.setdefault(key, []).append(action)
                return faulty.Answer(202, {"status": "success", "dedup_key": key})
        return faulty.Answer(400, {"status": "invalid event"})


def recipe(name: str) -> dict[str, Any]:
    """Return the keys of a channel in the docs."""
    blocks = re.findall(r"```yaml\n(channels:.*?)```", DOCS.read_text(), re.DOTALL)
    written = [yaml.safe_load(block)["channels"] for block in blocks]
    [keys] = [channels[name] for channels in written if name in channels]
    return dict(keys)


async def send(keys: dict[str, Any], secrets: Secrets, *sent: Message) -> None:
    kind = keys.pop("kind")
    channel = build(kind, secrets=secrets, **keys)
    for number, message in enumerate(sent):
        await channel.send(delivery(message, id=f"send-{number}"))


async def test_the_recipe_of_an_incident_service_keeps_one_incident_for_a_story_from_trigger_to_resolve() -> None:
    incidents = Incidents()
    with faulty.serve(incidents) as server:
        secrets = Secrets(INCIDENTS_URL=f"{server.url}/v2/enqueue", INCIDENTS_KEY="secret-key-of-the-service-00001")
        all_messages = (
            messages.POST,
            messages.EDIT,
            messages.NEW_FACT,
            messages.NOTICE,
            replace(messages.EDIT, reason=Reason.SILENCED),
            messages.MERGED,
        )
        await send(recipe("incidents"), secrets, *all_messages)
    assert incidents.events == {messages.STORY: ["trigger", "trigger", "trigger", "resolve"]}


async def test_the_recipe_of_a_ticket_opens_one_for_each_story() -> None:
    with faulty.serve(faulty.Always(faulty.Answer(201))) as server:
        secrets = Secrets(TICKETS_URL=f"{server.url}/tickets", TICKETS_AUTHORIZATION="Bearer-of-tickets-0001")
        await send(recipe("tickets"), secrets, messages.POST, messages.EDIT, messages.NEW_FACT)
        [(_, request)] = server.requests
    assert request.headers["authorization"] == "Bearer-of-tickets-0001"
    assert request.body["external_id"] == messages.STORY
    assert request.body["labels"] == [messages.RULE]


async def test_a_template_that_fails_with_a_message_is_a_refusal_that_names_the_line() -> None:
    keys = {"kind": "webhook", "url": "env:URL", "template": "{{ 1 // (stories | length - 41) }}"}
    many = replace(messages.GATHERED, briefs=(messages.BRIEF,) * 41)
    with pytest.raises(FormRefused, match="line 1 of the template"):
        await send(keys, Secrets(URL="http://127.0.0.1:9/"), many)
