"""The OpenAPI document (version 3.1.1, https://spec.openapis.org/oas/v3.1.1), made of the table of operations."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import pydantic
from pydantic.json_schema import JsonSchemaMode, models_json_schema

import bot
from bot import model
from bot.answers import documents
from bot.web import problems
from bot.web.api.operations import OPERATIONS, PREFIX, Operation

_SCHEMAS = "#/components/schemas/{model}"


class ProblemItem(documents.Document):
    """One thing wrong in a request: where, and from which character of it up to which."""

    where: str
    message: str
    help: str | None
    start: int | None
    end: int | None


class Problem(documents.Document):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemItem]


def document() -> dict[str, object]:
    """The whole document."""
    paths: dict[str, dict[str, object]] = {}
    for one in OPERATIONS:
        paths.setdefault(PREFIX + one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Wirewatch",
            "version": bot.__version__,
            "description": "Stories, articles, rules and feeds of one Wirewatch. What articles and feeds say is text "
            "of strangers, as they wrote it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas() -> Mapping[str, Any]:
    wanted: dict[tuple[type[pydantic.BaseModel], JsonSchemaMode], None] = {(Problem, "serialization"): None}
    for one in OPERATIONS:
        wanted[one.answer, "serialization"] = None
        if one.question is not None and one.has_body:
            wanted[one.question, "validation"] = None
    _, found = models_json_schema(list(wanted), ref_template=_SCHEMAS)
    schemas: Mapping[str, Any] = found["$defs"]
    return schemas


def _operation(one: Operation) -> dict[str, object]:
    shown: dict[str, object] = {
        "operationId": one.id,
        "summary": one.summary,
        "parameters": _parameters(one),
        "responses": {
            str(one.status): {
                "description": HTTPStatus(one.status).phrase,
                "content": {"application/json": {"schema": _reference(one.answer)}},
            },
            **({"304": {"description": "Not changed since the answer with this ETag."}} if one.method == "GET" else {}),
            **{
                str(status): {
                    "description": HTTPStatus(status).phrase,
                    "content": {problems.TYPE: {"schema": _reference(Problem)}},
                }
                for status in one.errors
            },
        },
        # Whoever is on the same machine may read without a token where web.token is not set.
        "security": [{"token": []}] if one.scope is model.TokenScope.ACT else [{"token": []}, {}],
    }
    if one.has_body and one.question is not None:
        shown["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(one.question)}},
        }
    return shown


def _parameters(one: Operation) -> list[dict[str, object]]:
    shown: list[dict[str, object]] = []
    if one.of is not None:
        schema = {"type": "string", "minLength": 1}
        shown.append({"name": "of", "in": "path", "required": True, "description": one.of, "schema": schema})
    if one.question is None or one.has_body:
        return shown
    found = one.question.model_json_schema(ref_template=_SCHEMAS)
    needed = found.get("required", [])
    for name, property_ in found["properties"].items():
        schema = _without_null(property_, found.get("$defs", {}))
        told = schema.pop("description", "")
        shown.append({"name": name, "in": "query", "required": name in needed, "description": told, "schema": schema})
    return shown


def _without_null(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Of a parameter that may be left out: an address has no null."""
    shown = {key: value for key, value in schema.items() if key not in ("anyOf", "default", "title")}
    if schema.get("default") is not None:
        shown["default"] = schema["default"]
    for part in schema.get("anyOf", ()):
        if part.get("type") != "null":
            shown |= part
    if "$ref" in shown:
        name = shown.pop("$ref").rpartition("/")[2]
        shown |= {key: value for key, value in definitions[name].items() if key not in ("title", "description")}
    return shown


def _reference(shape: type[pydantic.BaseModel]) -> dict[str, object]:
    return {"$ref": _SCHEMAS.format(model=shape.__name__)}
