"""``kind: webhook``: each message as a JSON document, signed if there is a secret; docs/channels.md describes it.

With ``template``, another service's document takes the place of ours.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec
import pydantic
from msgspec.structs import replace

from bot.channels.kit import http_client, phrases, rendering
from bot.channels.kit.context import BaseChannel, ChannelContext, ChannelOptions, Pace, passed, step
from bot.channels.kit.errors import error_of_status
from bot.model.access import Secret
from bot.model.actions import Verdict
from bot.model.alerts import Reason
from bot.model.briefs import BriefEntry, BriefSection
from bot.model.channels import Abilities, ChannelFeatures, CheckLine, Delivery
from bot.model.errors import DocumentRefused, FormRefused, NotEditable
from bot.model.messages import (
    CoverageLine,
    Echo,
    Listing,
    Message,
    Notice,
    Pointer,
    Post,
    Receipt,
    Reply,
    Sentence,
    StoryView,
    Why,
    content_of,
    post_of,
)
from bot.model.rules import Evidence
from bot.model.stories import Fact

if TYPE_CHECKING:
    from bot.channels.kit.webhook_template import WebhookTemplate

KIND = "webhook"
SCHEMA = "wirewatch.message/1"
#: Maximum bytes of a document. Many servers refuse more than a megabyte, some far less. Most messages have a few
#: kilobytes.
LARGEST_BYTES = 256 * 1024
#: Maximum characters of a service's answer to a document that it refuses, in the reason that the operator reads.
_MOST_OF_ANSWER = 300
#: Answers to an update of something that somebody has deleted at the service.
_GONE = (404, 410)

#: Headers that the channel or its HTTP client sets.
_OWN_HEADERS = frozenset(
    "host content-type content-length transfer-encoding connection idempotency-key wirewatch-signature".split()
)


def _check_header(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,100}", name) or name.lower() in _OWN_HEADERS:
        raise ValueError(f"the header {name} cannot be set here")
    return name


Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"


class Options(ChannelOptions):
    """A server of yours that accepts a JSON document by POST."""

    url: Secret = pydantic.Field(description="The address, as env:NAME or file:/path, because it often contains a key.")
    secret: Secret | None = pydantic.Field(
        None, description="The key that signs each document: env:NAME or file:/path."
    )
    headers: dict[Annotated[str, pydantic.AfterValidator(_check_header)], Secret] = pydantic.Field(
        default_factory=dict,
        description="Headers of each request, such as Authorization, each value as env:NAME or file:/path.",
    )
    key: Secret | None = pydantic.Field(
        None, description="A secret that the template may write as {{ key }}: env:NAME or file:/path."
    )
    template: str | None = pydantic.Field(
        None,
        description="A Jinja template that makes another service's JSON document from the message. Without it, the "
        "message itself is sent.",
    )
    method: str = pydantic.Field(
        "POST", description="The method of the request, POST, PUT, PATCH or DELETE, or a template that writes it."
    )
    path: str = pydantic.Field(
        "", description="A template of what is added to the address, such as /{{ edits }}, in the same language."
    )
    reference: str | None = pydantic.Field(
        None,
        description="Where the service's answer has the id of what it made, such as result.sys_id. Later documents "
        "about the story have this id in edits and reply_to.",
    )
    pace: Pace = timedelta(0)

    @property
    def features(self) -> ChannelFeatures:
        # A template makes one document of a message, and other services know one incident or ticket per document.
        return ChannelFeatures(keeps_records=self.template is not None)

    @pydantic.field_validator("template", "method", "path")
    @classmethod
    def _is_usable(cls, value: str | None, info: pydantic.ValidationInfo) -> str | None:
        # Earlier fields are valid, or absent.
        template = value if info.field_name == "template" else info.data.get("template")
        if template is not None:
            parts = {name: info.data.get(name, "") for name in ("method", "path") if info.data.get(name)}
            if info.field_name != "template":
                parts[str(info.field_name)] = value
            _load_template(template, has_key=info.data.get("key") is not None, **parts)
        elif value and value != "POST":
            raise ValueError("this needs a template")
        return value


@cache
def _load_template(source: str, *, has_key: bool, method: str = "POST", path: str = "") -> WebhookTemplate:
    # Import on first use, because few configurations have a template.
    from bot.channels.kit.webhook_template import WebhookTemplate

    return WebhookTemplate(source, keys=["key"] if has_key else [], method=method, path=path)


class Channel(BaseChannel):
    """A server of the user. Each document names the message that it replies to or replaces.

    The idempotency key of a request makes a repeated request harmless.
    """

    abilities = Abilities(threads=True, edits=True, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        super().__init__(name, account=f"webhook {options.url.reference}", pace=options.pace, context=context)
        self._options = options

    async def send(self, delivery: Delivery) -> Receipt:
        url, key = self._address_and_key()
        method, path, body = "POST", "", b""
        if self._options.template is None:
            body = _body(delivery, self.context.zone)
        else:
            method, path, body = self._rendered(delivery)
        if not body:
            return replace(self.receipt(delivery.id, place="webhook"), is_left_out=True)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            # A repeated request carries the same key (draft-ietf-httpapi-idempotency-key-header).
            "Idempotency-Key": delivery.id,
        }
        for name, value in self._options.headers.items():
            headers[name] = self.context.secret(value, what=f"the header {name}", may_have_spaces=True)
        if key is not None:
            at = int(self.context.clock.now().timestamp())
            headers["Wirewatch-Signature"] = f"t={at},v1={signature(key, at, body)}"
        response = await http_client.request(method, url + path, body=body, headers=headers, who="the webhook")
        if response.is_success:
            return self.receipt(self._reference_in(response.document) or delivery.id, place="webhook")
        now = self.context.clock.now()
        if path and response.status in _GONE:
            raise NotEditable(f"the webhook answered {response.status}: what this is about is no longer there")
        error = error_of_status(response.status, who="the webhook", headers=response.headers, now=now)
        if isinstance(error, FormRefused) and self._options.template is not None:
            answer = phrases.cut(phrases.clean(response.body.decode("utf-8", "replace")), _MOST_OF_ANSWER)
            raise DocumentRefused(f"{error}: {answer}" if answer else str(error))
        raise error

    def _reference_in(self, answer: Any) -> str:
        """Return the id at ``reference`` in the service's answer, or "" if it has none."""
        if self._options.reference is None:
            return ""
        for name in self._options.reference.split("."):
            answer = answer.get(name) if isinstance(answer, dict) else None
        is_id = isinstance(answer, str | int) and re.fullmatch(r"[\w.:-]{1,200}", str(answer))
        return str(answer) if is_id else ""

    def _rendered(self, delivery: Delivery) -> tuple[str, str, bytes]:
        """Return the method, the end of the address, and the document, which is empty if the template leaves it out.

        Raises DocumentRefused if a template fails with this message.
        """
        assert self._options.template is not None
        fields: dict[str, Json] = document(replace(delivery, is_plain=False), zone=self.context.zone)
        if self._options.key is not None:
            fields["key"] = self.context.secret(self._options.key, what="the template's key")
        options = self._options
        template = _load_template(
            self._options.template, has_key=options.key is not None, method=options.method, path=options.path
        )
        try:
            body = template.render(fields).encode()
            return (*template.target(fields), body) if body else ("", "", b"")
        except ValueError as error:
            raise DocumentRefused(f"the template cannot be used: {error}") from None

    async def check_setup(self) -> AsyncIterator[CheckLine]:
        with step("the address and the secret are set"):
            self._address_and_key()
        yield passed("the address and the secret are set")

    def _address_and_key(self) -> tuple[str, str | None]:
        url = self.context.secret_address(self._options.url, what="the webhook's address")
        secret = self._options.secret
        return url, self.context.secret(secret, what="the webhook's secret") if secret else None


def _body(delivery: Delivery, zone: tzinfo) -> bytes:
    # Measure the texts first, because the document of a huge message could fill the memory.
    if all(length <= LARGEST_BYTES for length in accumulate(map(len, _texts(delivery.message)))):
        body = json.dumps(document(delivery, zone=zone), ensure_ascii=False).encode()
        if len(body) <= LARGEST_BYTES:
            return body
    return json.dumps(document(replace(delivery, is_plain=True), zone=zone), ensure_ascii=False).encode()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _texts(getattr(value, name))


def signature(key: str, at: int, body: bytes) -> str:
    """Return the HMAC-SHA-256 of “time.body”. The time lets a receiver refuse a document that is sent again later."""
    return hmac.new(key.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def document(delivery: Delivery, *, zone: tzinfo = UTC) -> dict[str, Json]:
    """Return the JSON document of a delivery. The plain form has no stories and facts."""
    message = delivery.message
    plain_fields: dict[str, Json] = {
        "schema": SCHEMA,
        "id": delivery.id,
        "kind": str(message.kind),
        "severity": str(message.severity),
        "reason": str(message.reason) if message.reason else None,
        "reply_to": delivery.reply_to.ref if delivery.reply_to else None,
        "edits": delivery.edits.ref if delivery.edits else None,
        "title": rendering.plain_title(message),
        "text": rendering.plain_body(message, zone=zone),
    }
    if delivery.is_plain:
        return plain_fields
    # The document has all fields for each kind of message.
    fields: dict[str, Json] = {
        "lead": "",
        "is_over": _is_over(message),
        "stories": [_story(view) for view in message.stories],
        "facts": [],
        "lines": [],
        "sections": [],
        "latest": None,
        "related": None,
    }
    match content_of(message):
        case Post() as post:
            fields["latest"] = _json_of(post.latest)
            fields["related"] = post.related.story if post.related else None
        case Reply() as reply:
            fields |= {"lead": reply.lead, "facts": _json_of(reply.facts)}
        case Listing() as listing:
            fields |= {
                "lead": listing.lead,
                "lines": _json_of(listing.lines),
                "sections": _json_of(listing.sections),
            }
        case Pointer(lead=lead):
            fields["lead"] = lead
        case Notice() as notice:
            fields |= {"lead": notice.lead, "lines": _json_of(notice.lines)}
    return plain_fields | fields


def _is_over(message: Message) -> bool:
    """Return whether an edit says that nobody needs the story any more."""
    if message.reason is Reason.JUDGED:
        post = post_of(message)
        return post is not None and any(judgement.verdict is Verdict.NOISE for judgement in post.judgements)
    return message.reason in (Reason.SILENCED, Reason.COVERAGE_OVER, Reason.MERGED)


def _story(view: StoryView) -> Json:
    return {
        "id": view.id,
        "title": phrases.clean(view.title.text),
        "link": phrases.safe_link(view.title.link),
        "first_seen": view.first_seen.isoformat(),
        "last_seen": view.last_seen.isoformat(),
        "owners": view.owner_count,
        "echoes": _json_of(view.echoes),
        "official_since": _json_of(view.official_since),
        "summary": [_sentence(sentence) for sentence in view.summary],
        "why": _json_of(view.why),
        "byline": _json_of(view.byline),
        "coverage": _json_of(view.coverage),
        "coverage_count": max(view.coverage_count, len(view.coverage)),
        "copies": view.copy_count,
        "other_reports": _json_of(view.other_reports),
        "other_report_count": view.other_report_count,
    }


def _sentence(sentence: Sentence) -> Json:
    """Return a sentence. ``marked`` contains the range [start, end) of each matched word, in characters."""
    text, ranges = "", list[Json]()
    for span in phrases.clean_spans(sentence.spans, 10_000):
        if span.is_marked:
            ranges.append([len(text), len(text) + len(span.text)])
        text += span.text
    link = phrases.safe_link(sentence.link)
    return {"text": text, "marked": ranges, "outlet": phrases.clean(sentence.outlet), "link": link}


#: Type of a value in a message -> its fields that the document contains, under the same names.
_FIELDS: Mapping[type, Sequence[str]] = {
    Why: ("rule", "severity", "evidence"),
    Evidence: ("label", "term", "field", "text"),
    CoverageLine: ("outlet", "title", "link", "at", "more", "is_probable", "form", "is_official"),
    Echo: ("origin", "owner_count"),
    Fact: ("kind", "label", "mark", "before", "after", "sentence", "outlet", "link"),
    BriefSection: ("kind", "entries", "more"),
    BriefEntry: (
        "story",
        "severity",
        "headline",
        "link",
        "details",
        "parts",
        "fact",
        "quote",
        "quote_outlet",
    ),
}


def _json_of(value: object, name: str = "") -> Json:
    """Return a value of a message as JSON. Texts are clean, and the field ``link`` is a safe address or None."""
    match value:
        case str():
            return phrases.safe_link(value) if name == "link" else phrases.clean(value)
        case None | int():
            return value
        case datetime():
            return value.isoformat()
        case tuple():
            return [_json_of(item) for item in value]
        case _:
            return {field: _json_of(getattr(value, field), field) for field in _FIELDS[type(value)]}
