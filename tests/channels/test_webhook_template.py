"""Templates of webhooks: refused at load with line and remedy and bounded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pydantic
import pytest
from msgspec.structs import replace

from bot.channels import webhook
from bot.channels.kit import webhook_template
from bot.channels.kit.webhook_template import InvalidTemplate, WebhookTemplate
from bot.model.errors import DocumentRefused
from bot.testing import messages
from tests.channels.context import Secrets, build, check_golden, delivery
from tests.testbed.servers import faulty

SAMPLES = Path(webhook_template.__file__).with_name("webhook_samples.json")


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
    with faulty.serve(faulty.Always(faulty.Answer(200))) as server:
        channel = build("webhook", secrets=Secrets(URL=server.url), url="env:URL", template=template)
        with pytest.raises(DocumentRefused, match=error):
            await channel.send(delivery(many))
        assert not server.requests


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
