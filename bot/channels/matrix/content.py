"""A message as the content of an ``m.room.message``, within an event's size. Knows no network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import tzinfo
from typing import TypeAlias
from urllib.parse import urlsplit

from bot import ports
from bot.channels.kit import hypertext, inert, outline, plain_text
from bot.channels.kit.styled import Line

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"

#: An event has at most 65,536 bytes (spec.matrix.org, client-server API, "Size limits"), including what servers add:
#: signatures, hashes, references to other events.
LIMIT_BYTES = 48_000
#: The maximum of the text for programs without HTML; an edit contains it twice, with up to three bytes a character.
_BODY_LIMIT = 4_000
#: The field of an event by which a look-up finds the message (spec, "Namespacing").
SEND_ID = "wirewatch.send_id"


def content(delivery: ports.Delivery, *, zone: tzinfo) -> dict[str, Json]:
    """Return the longest content of an ``m.room.message`` that fits into an event."""
    return outline.fitted(
        delivery.message,
        lambda lines: _content(delivery, lines, zone),
        lambda event_content: size(event_content) <= LIMIT_BYTES,
        names_story=delivery.reply_to is None,
        zone=zone,
    )


def size(event_content: dict[str, Json]) -> int:
    """Return the size as JSON, in bytes."""
    return len(json.dumps(event_content, ensure_ascii=False).encode())


def _content(delivery: ports.Delivery, lines: Sequence[Line], zone: tzinfo) -> dict[str, Json]:
    message = {**_told(delivery, lines, zone), SEND_ID: delivery.id}
    if delivery.edits is not None:
        # Programs without edits show this as a new message; an edit mentions nobody.
        fallback: dict[str, Json] = {**message, "body": f"* {message['body']}", "m.mentions": {}}
        relation: dict[str, Json] = {"rel_type": "m.replace", "event_id": delivery.edits.ref}
        return {**fallback, "m.new_content": message, "m.relates_to": relation}
    if delivery.reply_to is not None:
        head = delivery.reply_to.thread or delivery.reply_to.ref
        thread: dict[str, Json] = {
            "rel_type": "m.thread",
            "event_id": head,
            # Programs without threads show a reply to the head.
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": head},
        }
        return {**message, "m.relates_to": thread}
    return message


def _told(delivery: ports.Delivery, lines: Sequence[Line], zone: tzinfo) -> dict[str, Json]:
    # m.mentions alone decides who is notified (spec, "User and room mentions").
    user_ids: list[Json] = [mention.id for mention in delivery.message.mentions if mention.id]
    mentions: dict[str, Json] = {"user_ids": user_ids} if user_ids else {}
    # Not m.notice, which notifies nobody (the push rule .m.rule.suppress_notices).
    message: dict[str, Json] = {"msgtype": "m.text", "body": _plain(delivery, zone), "m.mentions": mentions}
    if delivery.is_plain:
        return message
    html = hypertext.render(lines, words=_unmentioned, may_link=_is_no_pill)
    return {**message, "format": "org.matrix.custom.html", "formatted_body": html}


def _plain(delivery: ports.Delivery, zone: tzinfo) -> str:
    text = plain_text.whole(delivery.message, names_story=delivery.reply_to is None, zone=zone)
    return plain_text.lines_to(_unmentioned(text), _BODY_LIMIT)


def _unmentioned(words: str) -> str:
    """Break mentions: servers without m.mentions look for an @ and a name."""
    return inert.text(words, reads_marks=False)


def _is_no_pill(link: str) -> bool:
    """Return False for links to matrix.to, which programs show as the name of a person or a room."""
    return (urlsplit(link).hostname or "").removeprefix("www.") != "matrix.to"
