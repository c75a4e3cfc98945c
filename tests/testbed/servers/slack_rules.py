"""The messages that Slack refuses: limits, and the shape of blocks and metadata.

Stricter than Slack where Slack is only known to misbehave: a text past 4,000 characters is split there, here refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

TEXT = 4_000
BLOCKS = 50
ALL_BLOCKS = 13_200
METADATA = 8_000

#: Arguments that the two methods know; another is refused.
POST_ARGUMENTS = frozenset(
    {
        "channel",
        "text",
        "blocks",
        "metadata",
        "thread_ts",
        "reply_broadcast",
        "parse",
        "link_names",
        "unfurl_links",
        "unfurl_media",
        "mrkdwn",
    }
)
EPHEMERAL_ARGUMENTS = frozenset({"channel", "user", "text", "blocks", "thread_ts", "parse", "link_names"})
#: docs.slack.dev/interactivity/handling-user-interaction, "Message responses".
RESPONSE_ARGUMENTS = frozenset({"response_type", "replace_original", "delete_original", "text", "blocks", "thread_ts"})
UPDATE_ARGUMENTS = (POST_ARGUMENTS | {"ts"}) - {"thread_ts", "mrkdwn"}


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
    if _units(text) > TEXT:
        raise Refused("msg_too_long", str(_units(text)))
    if blocks:
        check_blocks(blocks)
    if "metadata" in body:
        _check_metadata(body["metadata"])


def check_blocks(blocks: Any, *, most: int = BLOCKS, total_most: int = ALL_BLOCKS) -> None:
    if not isinstance(blocks, list):
        raise Refused("invalid_blocks_format")
    if len(blocks) > most:
        raise Refused("invalid_blocks", f"{len(blocks)} blocks")
    for place, block in enumerate(blocks):
        if not isinstance(block, dict) or block.get("type") not in _BLOCKS:
            raise Refused("invalid_blocks", f"block {place}: {block!r}"[:200])
        _BLOCKS[block["type"]](block, f"block {place}")
    total = _units(json.dumps(blocks, ensure_ascii=False))
    if total > total_most:
        raise Refused("msg_blocks_too_long", str(total))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _need(condition: bool, where: str) -> None:
    if not condition:
        raise Refused("invalid_blocks", where)


def _keys(thing: Any, where: str, *, must: set[str], may: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    _need(isinstance(thing, dict), f"{where}: not an object")
    missing, extra = must - thing.keys(), thing.keys() - must - may
    _need(not missing and not extra, f"{where}: missing {sorted(missing)}, unknown {sorted(extra)}")


def _plain(thing: Any, where: str, limit: int) -> None:
    _keys(thing, where, must={"type", "text"}, may={"emoji"})
    _need(thing["type"] == "plain_text", f"{where}: not plain_text")
    _need(isinstance(thing["text"], str) and 1 <= _units(thing["text"]) <= limit, f"{where}: length")


def _words(thing: Any, where: str, limit: int) -> None:
    if isinstance(thing, dict) and thing.get("type") == "plain_text":
        return _plain(thing, where, limit)
    _keys(thing, where, must={"type", "text"}, may={"verbatim"})
    _need(thing["type"] == "mrkdwn", f"{where}: type")
    _need(isinstance(thing["text"], str) and 1 <= _units(thing["text"]) <= limit, f"{where}: length")
    return None


def _header(block: dict[str, Any], where: str) -> None:
    _keys(block, where, must={"type", "text"})
    _plain(block["text"], where, 150)


def _section(block: dict[str, Any], where: str) -> None:
    """docs.slack.dev/reference/block-kit/blocks/section-block; of the accessories, only a picture."""
    _keys(block, where, must={"type", "text"}, may={"accessory"})
    _words(block["text"], where, 3_000)
    if picture := block.get("accessory"):
        _keys(picture, where, must={"type", "image_url", "alt_text"})
        _need(picture["type"] == "image", f"{where}: accessory {picture['type']}")
        _need(1 <= len(picture["image_url"]) <= 3_000, f"{where}: image_url")
        _need(1 <= len(picture["alt_text"]) <= 2_000, f"{where}: alt_text")


def _context(block: dict[str, Any], where: str) -> None:
    _keys(block, where, must={"type", "elements"})
    _need(isinstance(block["elements"], list) and 1 <= len(block["elements"]) <= 10, f"{where}: elements")
    for element in block["elements"]:
        _words(element, where, 3_000)


def _actions(block: dict[str, Any], where: str) -> None:
    """docs.slack.dev/reference/block-kit/blocks/actions-block and the elements' own pages."""
    _keys(block, where, must={"type", "elements"})
    elements = block["elements"]
    _need(isinstance(elements, list) and 1 <= len(elements) <= 25, f"{where}: elements")
    for element in elements:
        kind = element.get("type") if isinstance(element, dict) else None
        _need(kind in _ELEMENTS, f"{where}: element {kind}")
        must, may = _ELEMENTS[str(kind)]
        _keys(element, where, must={"type", "action_id", *must}, may=may)
        _need(isinstance(element["action_id"], str) and 1 <= len(element["action_id"]) <= 255, f"{where}: action_id")
        if kind == "button":
            _plain(element["text"], where, 75)
            _need(
                isinstance(element.get("value", ""), str) and len(element.get("value", "")) <= 2_000, f"{where}: value"
            )
        else:
            _options(element["options"], where, most=5 if kind == "overflow" else 100)
        if kind == "static_select":
            _plain(element["placeholder"], where, 150)
        if confirm := element.get("confirm"):
            # docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
            _keys(confirm, where, must={"title", "text", "confirm", "deny"})
            for name, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
                _plain(confirm[name], where, limit)
    names = [element["action_id"] for element in elements]
    _need(len(set(names)) == len(names), f"{where}: action_id twice")


def _options(options: Any, where: str, *, most: int) -> None:
    _need(isinstance(options, list) and 1 <= len(options) <= most, f"{where}: options")
    for option in options:
        _keys(option, where, must={"text", "value"})
        _plain(option["text"], where, 75)
        _need(isinstance(option["value"], str) and 1 <= len(option["value"]) <= 150, f"{where}: option value")


_ELEMENTS: Mapping[str, tuple[set[str], set[str]]] = {
    "button": ({"text"}, {"value", "style", "confirm"}),
    "static_select": ({"placeholder", "options"}, {"confirm"}),
    "overflow": ({"options"}, {"confirm"}),
}


def _rich_text(block: dict[str, Any], where: str) -> None:
    _keys(block, where, must={"type", "elements"})
    _need(isinstance(block["elements"], list) and bool(block["elements"]), f"{where}: empty")
    for element in block["elements"]:
        kind = element.get("type") if isinstance(element, dict) else None
        _need(kind in ("rich_text_section", "rich_text_quote", "rich_text_list"), where)
        if kind == "rich_text_list":
            _keys(element, where, must={"type", "style", "elements"})
            _need(element["style"] == "bullet" and bool(element["elements"]), f"{where}: list")
            for item in element["elements"]:
                _need(isinstance(item, dict) and item.get("type") == "rich_text_section", f"{where}: list item")
                _pieces(item, where)
        else:
            _pieces(element, where)


def _pieces(element: dict[str, Any], where: str) -> None:
    _keys(element, where, must={"type", "elements"})
    _need(isinstance(element["elements"], list) and bool(element["elements"]), f"{where}: empty {element['type']}")
    for piece in element["elements"]:
        kind = piece.get("type") if isinstance(piece, dict) else None
        _need(kind in _PIECES, f"{where}: piece {kind}")
        must, may = _PIECES[str(kind)]
        _keys(piece, where, must={"type", *must}, may={"style", *may})
        for style, is_on in piece.get("style", {}).items():
            _need(style in ("bold", "italic", "strike", "code") and isinstance(is_on, bool), f"{where}: style")
        if kind == "text":
            _need(isinstance(piece["text"], str) and bool(piece["text"]), f"{where}: empty text")
        if kind == "link":
            _need(piece["url"].startswith(("http://", "https://")) and _units(piece["url"]) <= 3_000, f"{where}: url")
            _need(not any(char in piece["url"] for char in ' <>|"'), f"{where}: url characters")
        if kind == "date":
            _need(isinstance(piece["timestamp"], int) and "{" in piece["format"], f"{where}: date")


_PIECES: Mapping[str, tuple[set[str], set[str]]] = {
    "text": ({"text"}, set()),
    "link": ({"url"}, {"text"}),
    "date": ({"timestamp", "format"}, {"fallback", "url"}),
    "user": ({"user_id"}, set()),
    "usergroup": ({"usergroup_id"}, set()),
    "broadcast": ({"range"}, set()),
}
_BLOCKS: Mapping[str, Callable[[dict[str, Any], str], None]] = {
    "header": _header,
    "section": _section,
    "actions": _actions,
    "context": _context,
    "rich_text": _rich_text,
}


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
