"""The messages that Discord refuses, with its error texts.

From discord/discord-api-docs: developers/resources/message.mdx (discord_message.yaml), developers/resources/channel.mdx
("Start Thread from Message") and developers/topics/opcodes-and-status-codes.mdx.
Stricter than Discord: a field that the bot does not use, or that Discord does not know, is refused here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from tests.testbed.servers import faulty

EMBED = 6_000
ARCHIVE_MINUTES = (60, 1_440, 4_320, 10_080)
_MESSAGE = {"content", "embeds", "allowed_mentions", "flags"}
CREATE = _MESSAGE | {"nonce", "enforce_nonce", "message_reference"}
EDIT = WEBHOOK = _MESSAGE
#: The text that Discord reads as a mention.
MENTION = re.compile(r"@(?:everyone|here)|<@[!&]?\d+>")
_FORM = jsonschema_rs.validator_for(
    yaml.safe_load((Path(__file__).parent / "discord_message.yaml").read_text(encoding="utf-8"))
)


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
    in_units = json.loads(faulty.in_units(json.dumps(body, ensure_ascii=False)))
    for flaw in _FORM.iter_errors(in_units):
        raise invalid(".".join(map(str, flaw.instance_path)), "BASE_TYPE", flaw.message)
    content, embeds = in_units.get("content") or "", in_units.get("embeds") or []
    if sum(len(embed["description"].strip()) for embed in embeds) > EMBED:
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED}")
    if not is_edit and not content.strip() and not embeds:
        raise Refused(400, 50006, "Cannot send an empty message")


def check_thread(body: Mapping[str, Any]) -> None:
    name = body.get("name", "")
    if len(faulty.in_units(name)) > 100:
        raise invalid("name", "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.")
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
