"""JSON Schema (draft 7, which editors understand) of the three kinds of file, made from the models that check them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydantic

from bot import plugins
from bot.config.bot_shape import BotShape
from bot.config.feeds_file import FeedsShape
from bot.config.kinds import Kinds, channel_options
from bot.config.rules_shape import RulesShape

DRAFT = "http://json-schema.org/draft-07/schema#"


def schemas(kinds: Kinds) -> dict[str, dict[str, object]]:
    """By kind of file: bot, feeds, rules; with the keys of the kinds that plug-ins bring."""
    bot = _of(BotShape, "bot.yaml of Wirewatch")
    bot["properties"]["channels"] = _channels(kinds.channels, bot)
    feeds = _of(FeedsShape, "feeds.yaml of Wirewatch")
    _add_sources(kinds.sources(), feeds["definitions"])
    return {
        "bot": bot,
        "feeds": feeds,
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


def _options_of(options: type[pydantic.BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    own = _draft_7(options.model_json_schema(ref_template="#/definitions/{model}"))
    assert isinstance(own, dict)
    definitions.update(own.pop("definitions", {}))
    return own


def _add_sources(known: plugins.Kinds, definitions: dict[str, Any]) -> None:
    """Each kind with its own keys is a form of feed beside the plain one."""
    plain = definitions["FeedShape"]
    plain["properties"]["kind"]["enum"] = [name for name, kind in known.found.items() if kind.options is None]
    forms = []
    for name, kind in known.found.items():
        if kind.options is not None:
            own = _options_of(kind.options, definitions)
            properties = {**plain["properties"], **own.get("properties", {}), "kind": {"const": name}}
            required = [*plain["required"], "kind", *own.get("required", [])]
            forms.append({**plain, "properties": properties, "required": required})
    if forms:
        definitions["FeedShape"] = {"anyOf": [plain, *forms]}


def _channels(known_kinds: plugins.Kinds, bot: Mapping[str, Any]) -> dict[str, object]:
    kinds = []
    for kind, brought in known_kinds.found.items():
        own = _options_of(channel_options(brought), bot["definitions"])
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
            "properties": {"kind": {"enum": list(known_kinds.found)}},
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
