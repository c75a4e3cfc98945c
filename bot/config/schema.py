"""Make the JSON Schema (draft 7, which editors understand) of each configuration file from the model that checks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydantic

from bot import plugins
from bot.config import blocks
from bot.config.feeds_file import FeedFile
from bot.config.rules_file import RuleFile
from bot.config.settings import BotSettings, KnownKinds, channel_options
from bot.feeds import places

DRAFT = "http://json-schema.org/draft-07/schema#"
_ADDRESS_PATTERN = f"^((https?|imaps?)://|({'|'.join(places.get_places())}|env|file):.)"


def make_schemas(kinds: KnownKinds) -> dict[str, dict[str, object]]:
    """Return the schema of each kind of file (bot, feeds, rules), including the keys of plug-ins."""
    bot = _schema_of(BotSettings, "bot.yaml of Wirewatch")
    bot["properties"]["channels"] = _channels_schema(kinds.channels, bot)
    feeds = _schema_of(FeedFile, "feeds.yaml of Wirewatch")
    _add_sources(kinds.sources(), feeds["definitions"])
    return {
        "bot": bot,
        "feeds": feeds,
        "rules": _schema_of(RuleFile, "A rule file of Wirewatch"),
    }


def _schema_of(shape: blocks.Block, title: str) -> dict[str, Any]:
    schema = _to_draft_7(pydantic.TypeAdapter(shape).json_schema(ref_template="#/definitions/{model}"))
    if not isinstance(schema, dict):
        raise TypeError("a model's schema is an object")
    return {"$schema": DRAFT, **schema, "title": title}


def _to_draft_7(value: object) -> object:
    """Convert a schema of pydantic (draft 2020-12) to draft 7: rename two keywords, and remove null."""
    if isinstance(value, list):
        return [_to_draft_7(item) for item in value]
    if not isinstance(value, dict):
        return value
    converted = {
        {"$defs": "definitions", "prefixItems": "items"}.get(key, key): _to_draft_7(item)
        for key, item in value.items()
        if not (isinstance(item, dict) and item.get("derived"))
    }
    if converted.get("default", 0) in (None, []):
        del converted["default"]
    if "title" in converted and isinstance(converted["title"], str):
        # The title is the Python name of the model or the field, which means nothing to a reader.
        del converted["title"]
    choices = converted.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        remaining = [choice for choice in choices if choice != {"type": "null"}]
        converted.pop("anyOf")
        converted = {**remaining[0], **converted} if len(remaining) == 1 else {**converted, "anyOf": remaining}
    if "$ref" in converted and len(converted) > 1:
        # Draft 7 ignores other keywords next to $ref.
        ref = converted.pop("$ref")
        converted["allOf"] = [{"$ref": ref}]
    return converted


def _options_schema(options: type[pydantic.BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _to_draft_7(options.model_json_schema(ref_template="#/definitions/{model}"))
    assert isinstance(schema, dict)
    definitions.update(schema.pop("definitions", {}))
    return schema


def _add_sources(source_kinds: plugins.Kinds, definitions: dict[str, Any]) -> None:
    """Add each kind of source that has options as a form of feed with these options as keys."""
    plain = definitions["Feed"]
    plain["properties"]["url"] |= {"type": "string", "pattern": _ADDRESS_PATTERN}
    plain["properties"]["kind"]["enum"] = [name for name, kind in source_kinds.by_name.items() if kind.options is None]
    forms = []
    for name, kind in source_kinds.by_name.items():
        if kind.options is not None:
            options = _options_schema(kind.options, definitions)
            properties = {**plain["properties"], **options.get("properties", {}), "kind": {"const": name}}
            required = [*plain["required"], "kind", *options.get("required", [])]
            forms.append({**plain, "properties": properties, "required": required})
    if forms:
        definitions["Feed"] = {"anyOf": [plain, *forms]}


def _channels_schema(known_kinds: plugins.Kinds, bot: Mapping[str, Any]) -> dict[str, object]:
    kinds = []
    for kind, channel_kind in known_kinds.by_name.items():
        options = _options_schema(channel_options(channel_kind), bot["definitions"])
        options["properties"] = {"kind": {"const": kind}, **options.get("properties", {})}
        options["required"] = ["kind", *options.get("required", [])]
        kinds.append(options)
    channels = bot["properties"]["channels"]
    return {
        "type": "object",
        "minProperties": 1,
        "description": channels.get("description", ""),
        "additionalProperties": {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": {"enum": list(known_kinds.by_name)}},
            # One branch for each kind, so that an editor reports errors of the kind that was meant.
            "allOf": [
                {
                    "if": {
                        "properties": {"kind": {"const": options["properties"]["kind"]["const"]}},
                        "required": ["kind"],
                    },
                    "then": options,
                }
                for options in kinds
            ],
        },
    }
