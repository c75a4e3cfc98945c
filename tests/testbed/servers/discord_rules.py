"""The messages that Discord refuses, with its error texts.

From discord/discord-api-docs: developers/resources/message.mdx ("Create Message", "Embed Limits", "Allowed Mentions"),
developers/resources/channel.mdx ("Start Thread from Message") and developers/topics/opcodes-and-status-codes.mdx.
Stricter than Discord: a field that the bot does not use, or that Discord does not know, is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.testbed.servers import faulty

CONTENT = 2_000
EMBEDS = 10
EMBED = 6_000
DESCRIPTION = 4_096
NONCE = 25
ARCHIVE_MINUTES = (60, 1_440, 4_320, 10_080)
#: SUPPRESS_EMBEDS and SUPPRESS_NOTIFICATIONS.
FLAGS = 1 << 2 | 1 << 12
_MESSAGE = {"content", "embeds", "allowed_mentions", "flags"}
CREATE = _MESSAGE | {"nonce", "enforce_nonce", "message_reference"}
EDIT = WEBHOOK = _MESSAGE
#: The text that Discord reads as a mention.
MENTION = re.compile(r"@(?:everyone|here)|<@[!&]?\d+>")


class Refused(faulty.Refused):
    def __init__(self, status: int, code: int, message: str, **more: Any) -> None:
        super().__init__(status, {"message": message, "code": code, **more})


def invalid(field: str, why: str, message: str) -> Refused:
    errors = {field: {"_errors": [{"code": why, "message": message}]}}
    return Refused(400, 50035, "Invalid Form Body", errors=errors)


def check_message(body: Any, *, known: set[str], is_edit: bool = False) -> None:
    """Raises Refused."""
    if not isinstance(body, Mapping):
        raise Refused(400, 50109, "The request body contains invalid JSON.")
    for name in body:
        if name not in known:
            raise invalid(name, "UNKNOWN_FIELD", "This field is not known.")
    content, embeds = body.get("content") or "", body.get("embeds") or []
    _length("content", content, CONTENT)
    if len(embeds) > EMBEDS:
        raise invalid("embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {EMBEDS} or fewer in length.")
    if sum(_check_embed(embed) for embed in embeds) > EMBED:
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED}")
    if not is_edit and not content.strip() and not embeds:
        raise Refused(400, 50006, "Cannot send an empty message")
    if int(body.get("flags") or 0) & ~FLAGS:
        raise invalid("flags", "BITFIELD_INVALID", "Only some flags can be set.")
    nonce = body.get("nonce", "")
    if isinstance(nonce, str):
        _length("nonce", nonce, NONCE)
    _check_mentions(body.get("allowed_mentions"))


def _length(field: str, value: Any, limit: int) -> int:
    if not isinstance(value, str):
        raise invalid(field, "STRING_TYPE_CONVERT", "Could not interpret as string.")
    # Counted as a JavaScript server would, which is never less.
    length = len(value.strip().encode("utf-16-le", "surrogatepass")) // 2
    if length > limit:
        raise invalid(field, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")
    return length


def _check_embed(embed: Any) -> int:
    """Return its share of the total length."""
    if not isinstance(embed, Mapping):
        raise invalid("embeds", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
    if unknown := set(embed) - {"description", "url", "color", "thumbnail"}:
        raise invalid("embeds", "UNKNOWN_FIELD", f"{sorted(unknown)}")
    if not embed.get("description"):
        raise Refused(400, 50006, "Cannot send an empty message")
    if embed.get("url") is not None and not re.fullmatch(r"https?://[^\s/]+\S*", embed["url"]):
        raise invalid("embeds.url", "URL_TYPE_INVALID_URL", "Not a well formed URL.")
    if not 0 <= int(embed.get("color") or 0) <= 0xFFFFFF:
        raise invalid("embeds.color", "NUMBER_TYPE_MAX", "int value should be less than or equal to 16777215.")
    return _length("embeds.description", embed["description"], DESCRIPTION)


def _check_mentions(allowed: Any) -> None:
    if allowed is None:
        return
    parse = allowed.get("parse", [])
    if not set(parse) <= {"roles", "users", "everyone"}:
        raise invalid("allowed_mentions.parse", "ENUM_TYPE_COERCE", "Value is not a valid enum value.")


def check_thread(body: Mapping[str, Any]) -> None:
    name = body.get("name", "")
    _length("name", name, 100)
    if not name.strip():
        raise invalid("name", "BASE_TYPE_REQUIRED", "This field is required")
    if body.get("auto_archive_duration", 60) not in ARCHIVE_MINUTES:
        raise invalid("auto_archive_duration", "BASE_TYPE_CHOICES", f"Value must be one of {ARCHIVE_MINUTES}.")


def pinged(body: Mapping[str, Any]) -> list[str]:
    """Mentions of the content that would ping: all of them unless ``allowed_mentions`` says otherwise."""
    allowed = body.get("allowed_mentions")
    mentions = MENTION.findall(body.get("content") or "")
    if allowed is None or allowed.get("parse"):
        return mentions
    ids = {*allowed.get("users", ()), *allowed.get("roles", ())}
    return [mention for mention in mentions if mention.strip("<@!&>") in ids]
