"""The messages that Slack refuses: limits, and the shape of blocks (slack_blocks.yaml) and metadata.

Stricter than Slack where Slack is only known to misbehave: a text past 4,000 characters is split there, here refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from tests.testbed.servers import faulty

TEXT = 4_000
BLOCKS = 50
ALL_BLOCKS = 13_200
METADATA = 8_000

#: Arguments that the methods know; another is refused.
POST_ARGUMENTS = frozenset(
    "channel text blocks metadata thread_ts reply_broadcast parse link_names unfurl_links unfurl_media mrkdwn".split()
)
EPHEMERAL_ARGUMENTS = frozenset({"channel", "user", "text", "blocks", "thread_ts", "parse", "link_names"})
#: docs.slack.dev/interactivity/handling-user-interaction, "Message responses".
RESPONSE_ARGUMENTS = frozenset({"response_type", "replace_original", "delete_original", "text", "blocks", "thread_ts"})
UPDATE_ARGUMENTS = (POST_ARGUMENTS | {"ts"}) - {"thread_ts", "mrkdwn"}
_BLOCKS = jsonschema_rs.validator_for(
    yaml.safe_load((Path(__file__).parent / "slack_blocks.yaml").read_text(encoding="utf-8"))
)


class Refused(Exception):
    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


def check_message(body: Mapping[str, Any], *, known: frozenset[str]) -> None:
    """Raises Refused with Slack's own word."""
    for name in body:
        if name not in known:
            raise Refused("invalid_arg_name", name)
    text, blocks = body.get("text", ""), body.get("blocks")
    if not isinstance(text, str):
        raise Refused("invalid_arguments", "text")
    if not text and not blocks:
        raise Refused("no_text")
    if len(faulty.in_units(text)) > TEXT:
        raise Refused("msg_too_long", str(len(faulty.in_units(text))))
    if blocks:
        check_blocks(blocks)
    if "metadata" in body:
        _check_metadata(body["metadata"])


def check_blocks(blocks: Any, *, most: int = BLOCKS, total_most: int = ALL_BLOCKS) -> None:
    if not isinstance(blocks, list):
        raise Refused("invalid_blocks_format")
    if len(blocks) > most:
        raise Refused("invalid_blocks", f"{len(blocks)} blocks")
    text = faulty.in_units(json.dumps(blocks, ensure_ascii=False))
    try:
        _BLOCKS.validate(json.loads(text))
    except jsonschema_rs.ValidationError as error:
        raise Refused("invalid_blocks", f"{error.instance_path}: {error.message}"[:200]) from error
    for block in blocks:
        actions = [element.get("action_id") for element in block.get("elements", ()) if block["type"] == "actions"]
        if len(set(actions)) < len(actions):
            raise Refused("invalid_blocks", "action_id twice")
    if len(text) > total_most:
        raise Refused("msg_blocks_too_long", str(len(text)))


def _check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict) or metadata.keys() != {"event_type", "event_payload"}:
        raise Refused("invalid_metadata_format")
    payload = metadata["event_payload"]
    if not isinstance(metadata["event_type"], str) or not isinstance(payload, dict):
        raise Refused("invalid_metadata_format")
    if not all(isinstance(value, str | int | bool) for value in payload.values()):
        raise Refused("invalid_metadata_schema")
    if len(json.dumps(metadata)) > METADATA:
        raise Refused("metadata_too_large")
