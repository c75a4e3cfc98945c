"""The reference pages, made from the program itself: every key, every option, every metric.

What a page says of a thing at length stands elsewhere, and each row leads there.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pydantic
import typer
from typer.main import get_command

from bot import model
from bot.cli.commands import app_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
_MADE = "This page is written by `scripts/docs-reference` from {source}; a test holds it fresh."
_FILES = {"bot.json": "bot.yaml", "feeds.json": "feeds.yaml", "rules.json": "rules/*.yaml"}


def pages() -> Mapping[str, str]:
    """File name -> text."""
    return {"keys.md": keys(), "options.md": options(), "metrics.md": metrics()}


# -- keys


def keys() -> str:
    parts = [
        "# Every key\n\nAll keys at a glance; a key leads to what [Configuration](../configuration.md) says of it. "
    ]
    parts.append(_MADE.format(source="the schema that editors check the files by") + "\n")
    for schema, file in _FILES.items():
        read = json.loads((ROOT / "config" / "schema" / schema).read_text(encoding="utf-8"))
        rows = "".join(_key_row(file, *row) for row in _keys(read, read, ""))
        parts.append(f"\n## {file}\n" + _table("key", rows))
        for kind, options in sorted(_kinds(read)):
            title = f"{file}: channels, kind {kind}"
            link = f"[{kind}](../channels.md#{kind})"
            rows = "".join(_key_row(title, *row) for row in _keys(read, options, "") if row[0] != "kind")
            text = f"\n### Keys of {kind} channels\n\n{_told(options)} More: {link}.\n"
            parts.append(text + (_table("key", rows) if rows else ""))
    return "".join(parts)


def _keys(whole: Any, part: Any, prefix: str) -> Iterator[tuple[str, Any, bool]]:
    for name, shape in part.get("properties", {}).items():
        inner = re.match(r"#/definitions/(\w+)", shape.get("$ref", ""))
        told = {**whole["definitions"][inner[1]], **shape} if inner else shape
        yield f"{prefix}{name}", told, name in part.get("required", ())
        for reference in re.findall(r'"#/definitions/(\w+)"', json.dumps(shape)):
            # A list of blocks is the file itself: its keys are named without it.
            is_list = name in ("feeds", "rules") and not prefix
            if whole["definitions"][reference] is part:
                continue  # a route inside a route has the same keys
            yield from _keys(whole, whole["definitions"][reference], "" if is_list else f"{prefix}{name}.")


def _kinds(schema: Any) -> Iterator[tuple[str, Any]]:
    for branch in schema["properties"].get("channels", {}).get("additionalProperties", {}).get("allOf", ()):
        yield branch["if"]["properties"]["kind"]["const"], branch["then"]


def _key_row(where: str, name: str, shape: Any, is_needed: bool) -> str:
    heading = where if ", kind " in where else f"{where}: {name}"
    # An example's title and body have no heading of their own.
    heading = heading.removesuffix(".title").removesuffix(".body")
    # A group of hosts has the keys of a feed.
    heading = heading.replace("bot.yaml: fetch.hosts.", "feeds.yaml: ")
    link = f"../configuration.md#{anchor(heading)}"
    return f"| [`{name}`]({link}) | {'needed' if is_needed else _default(shape)} | {cell(_told(shape))} |\n"


def _default(shape: Any) -> str:
    value = shape.get("default")
    if value in (None, [], {}, ""):
        return ""
    if isinstance(value, str) and re.fullmatch(r"P(\d+D)?(T.+)?", value):
        return f"`{model.format_duration(pydantic.TypeAdapter(timedelta).validate_python(value))}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value == 10_000_000:
        return "`10 MB`"
    return f"`{value}`"


def _told(shape: Any) -> str:
    text = str(shape.get("description", ""))
    if {"minimum", "maximum"} <= shape.keys():
        text += f" {shape['minimum']} to {shape['maximum']}."
    return text


# -- options


def options() -> str:
    parts = ["# Every option\n\nWhat `--help` says of each command; [Commands](../commands.md) says more. "]
    parts.append(_MADE.format(source="the commands themselves") + "\n")
    found = get_command(app_of())
    for name, command in found.commands.items():  # type: ignore[attr-defined]  # a Typer of several is a group
        inner = getattr(command, "commands", {"": command})
        told = inspect.cleandoc(command.help or "").partition("\n")[0]
        parts.append(f"\n## {name}\n\nMore: [wirewatch {name}](../commands.md#wirewatch-{name}).\n")
        parts += [f"\n{told}\n"] if "" not in inner and told else []
        parts += [_command(f"wirewatch {name} {part}".strip(), each) for part, each in inner.items()]
    return "".join(parts)


def _command(name: str, command: typer.core.TyperCommand) -> str:
    help_text = inspect.cleandoc(command.help or "")
    told, _, example = help_text.partition("Example: ")
    shown = " ".join([name, *(_usage(param) for param in command.params if param.name != "help")])
    parts = [f"\n### {name}\n" if name.count(" ") > 1 else "", f"\n{cell(' '.join(told.split()))}\n"]
    parts.append(f"\n```text\n{shown}\n```\n")
    rows = [_option(param) for param in command.params if param.name != "help"]
    if rows:
        parts.append(_table("option", "".join(rows)))
    parts.append(f"\nExample: `{' '.join(example.split())}`\n")
    return "".join(parts)


def _usage(param: Any) -> str:
    value = _value(param)
    if _is_argument(param):
        return value if param.required else f"[{value}]"
    text = param.opts[0] if param.is_flag else f"{param.opts[0]} {value}"
    return text if param.required else f"[{text}]"


def _is_argument(param: Any) -> bool:
    return not param.opts[0].startswith("-")


def _value(param: Any) -> str:
    annotation = param.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "|".join(str(choice.value) for choice in annotation)
    return str(param.metavar or param.name.upper()).strip("[]")


def _option(param: Any) -> str:
    name = _value(param) if _is_argument(param) else param.opts[0]
    default = param.default.value if isinstance(param.default, Enum) else param.default
    has_default = default not in (None, False, ()) and not callable(default)
    without = "needed" if param.required else f"`{default}`" if has_default else ""
    return f"| `{name}` | {without} | {cell(param.help or '')} |\n"


# -- metrics


def metrics() -> str:
    from tests.docs.metrics_of import families

    parts = [
        "# Every metric\n\nWhat `/metrics` says; [Running and monitoring](../running.md#metrics) says how to read it. "
    ]
    parts.append(_MADE.format(source="a scrape of the page") + "\n")
    parts.append("\n| metric | kind | labels | what it is |\n| --- | --- | --- | --- |\n")
    for family in families():
        labels = ", ".join(f"`{label}`" for label in family.labels)
        link = f"../running.md#{family.name}"
        parts.append(f"| [`{family.name}`]({link}) | {family.kind} | {labels} | {cell(family.told)} |\n")
    return "".join(parts)


# -- text


def _table(what: str, rows: str) -> str:
    """On a phone the site sets each row as a block of lines; docs/stylesheets/site.css knows the name."""
    head = f"| {what} | without it | what it is |\n| --- | --- | --- |\n"
    return f'\n<div class="rows" markdown>\n\n{head}{rows}\n</div>\n'


def anchor(heading: str) -> str:
    """As git hosts make it, and mkdocs.yml says for the site."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def cell(text: str) -> str:
    # A bar inside a table ends its cell, a bracket begins a link.
    return text.replace("|", "\\|").replace("<", "&lt;")
