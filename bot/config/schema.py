"""JSON Schema (draft 7, which editors understand) of the three kinds of file, made from the models that check them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydantic

from bot.config.bot_file import BotShape, ChannelOptions
from bot.config.feeds_file import FeedsShape
from bot.config.rules_shape import RulesShape

DRAFT = "http://json-schema.org/draft-07/schema#"


def schemas(channel_options: ChannelOptions) -> dict[str, dict[str, object]]:
    """By kind of file: bot, feeds, rules."""
    bot = _of(BotShape, "bot.yaml of Wirewatch")
    bot["properties"]["channels"] = _channels(channel_options, bot)
    return {
        "bot": bot,
        "feeds": _of(FeedsShape, "feeds.yaml of Wirewatch"),
        "rules": _of(RulesShape, "A rule file of Wirewatch"),
    }


def _of(shape: type[pydantic.BaseModel], title: str) -> dict[str, Any]:
    schema = _draft_7(shape.model_json_schema(ref_template="#/definitions/{model}"))
    if not isinstance(schema, dict):
        raise TypeError("a model's schema is an object")
    return {"$schema": DRAFT, **schema, "title": title}


def _draft_7(value: object) -> object:
    """pydantic speaks draft 2020-12: other names for two keywords, and null where we take none."""
    if isinstance(value, list):
        return [_draft_7(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {
        {"$defs": "definitions", "prefixItems": "items"}.get(key, key): _draft_7(each) for key, each in value.items()
    }
    found.pop("default", None) if found.get("default", 0) is None else None
    if "title" in found and isinstance(found["title"], str):
        # The model's or the field's Python name: nothing to a reader.
        del found["title"]
    choices = found.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        left = [choice for choice in choices if choice != {"type": "null"}]
        found.pop("anyOf")
        found = {**left[0], **found} if len(left) == 1 else {**found, "anyOf": left}
    if "$ref" in found and len(found) > 1:
        # In draft 7 what stands beside $ref is ignored.
        ref = found.pop("$ref")
        found["allOf"] = [{"$ref": ref}]
    return found


def _channels(channel_options: ChannelOptions, bot: Mapping[str, Any]) -> dict[str, object]:
    kinds = []
    for kind, options in sorted(channel_options.items()):
        own = _draft_7(options.model_json_schema(ref_template="#/definitions/{model}"))
        assert isinstance(own, dict)
        bot.get("definitions", {}).update(own.pop("definitions", {}))
        own["properties"] = {"kind": {"const": kind}, **own.get("properties", {})}
        own["required"] = ["kind", *own.get("required", [])]
        kinds.append(own)
    known = bot["properties"]["channels"]
    return {
        "type": "object",
        "minProperties": 1,
        "description": known.get("description", ""),
        "additionalProperties": {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": {"enum": sorted(channel_options)}},
            # One branch a kind, so that an editor's complaint is about the kind that was meant.
            "allOf": [
                {
                    "if": {"properties": {"kind": {"const": own["properties"]["kind"]["const"]}}, "required": ["kind"]},
                    "then": own,
                }
                for own in kinds
            ],
        },
    }
