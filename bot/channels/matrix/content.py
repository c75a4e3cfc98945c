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

#: An event has 65,536 bytes at most (spec.matrix.org, client-server API, "Size limits"), with what servers add to it:
#: signatures, hashes, references to other events.
LIMIT_BYTES = 48_000
#: Of the text for programs that show no HTML; an edit holds it twice, of up to three bytes a character.
_BODY_LIMIT = 4_000
#: In each event: by it a message is found again. Names of our own are written so (spec, "Namespacing").
SEND_ID = "wirewatch.send_id"


def content(delivery: ports.Delivery, *, zone: tzinfo) -> dict[str, Json]:
    """The longest form that fits, with its place in a thread or the event that it replaces."""
    return outline.fitted(
        delivery.message,
        lambda lines: _content(delivery, lines, zone),
        lambda made: size(made) <= LIMIT_BYTES,
        names_story=delivery.reply_to is None,
        zone=zone,
    )


def size(made: dict[str, Json]) -> int:
    """In bytes of JSON, as it is sent."""
    return len(json.dumps(made, ensure_ascii=False).encode())


def _content(delivery: ports.Delivery, lines: Sequence[Line], zone: tzinfo) -> dict[str, Json]:
    told = _told(delivery, lines, zone)
    common: dict[str, Json] = {SEND_ID: delivery.id}
    if delivery.edits is not None:
        # What programs show that know no edits; notifications are not for edits.
        fallback: dict[str, Json] = {**told, "body": f"* {told['body']}", "m.mentions": {}}
        relation: dict[str, Json] = {"rel_type": "m.replace", "event_id": delivery.edits.ref}
        return {**fallback, **common, "m.new_content": {**told, **common}, "m.relates_to": relation}
    if delivery.reply_to is not None:
        head = delivery.reply_to.thread or delivery.reply_to.ref
        thread: dict[str, Json] = {
            "rel_type": "m.thread",
            "event_id": head,
            # Programs without threads show it as an answer to the head.
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": head},
        }
        return {**told, **common, "m.relates_to": thread}
    return {**told, **common}


def _told(delivery: ports.Delivery, lines: Sequence[Line], zone: tzinfo) -> dict[str, Json]:
    # m.text: an m.notice notifies nobody (the push rule .m.rule.suppress_notices).
    # m.mentions: who is pinged is said there and nowhere else (spec, "User and room mentions").
    called: list[Json] = [each.id for each in delivery.message.mentions if each.id]
    mentions: dict[str, Json] = {"user_ids": called} if called else {}
    told: dict[str, Json] = {"msgtype": "m.text", "body": _plain(delivery, zone), "m.mentions": mentions}
    if delivery.is_plain:
        return told
    html = hypertext.render(lines, words=_unmentioned, may_link=_is_no_pill)
    return {**told, "format": "org.matrix.custom.html", "formatted_body": html}


def _plain(delivery: ports.Delivery, zone: tzinfo) -> str:
    text = plain_text.whole(delivery.message, names_story=delivery.reply_to is None, zone=zone)
    return plain_text.lines_to(_unmentioned(text), _BODY_LIMIT)


def _unmentioned(words: str) -> str:
    """Servers that know no m.mentions look for names behind an @."""
    return inert.text(words, reads_marks=False)


def _is_no_pill(link: str) -> bool:
    """Programs show a link to matrix.to as the name of a person or a room."""
    return (urlsplit(link).hostname or "").removeprefix("www.") != "matrix.to"
