"""The reference pages, generated from the program."""

from __future__ import annotations

import inspect
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, cast

import pydantic
import typer
from typer.main import get_command

from bot.channels import discord, email, mattermost, teams, telegram
from bot.channels.slack import channel as slack_channel
from bot.cli.commands import app_of
from bot.durations import format_duration
from bot.queries.registry import QueryRunner
from bot.web.metrics import Metrics
from scripts.pages import examples, messages

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
_MADE = "`scripts/docs-reference` writes this page from {source}."
_FILES = {"bot.json": "bot.yaml", "feeds.json": "feeds.yaml", "rules.json": "rules/*.yaml"}
NAMES = ("keys.md", "commands.md", "metrics.md", "messages.md", "channel-answers.md", "examples.md")


def page(name: str) -> str:
    """Return the text of a page of NAMES."""

    makers = {
        "keys.md": keys,
        "commands.md": commands,
        "metrics.md": metrics,
        "messages.md": messages.page,
        "channel-answers.md": channel_answers,
        "examples.md": examples.page,
    }
    return makers[name]()


# -- keys


def keys() -> str:
    head = "# Every key\n\n[Configuration](../configuration.md#how-values-are-written) explains how to write values. "
    parts = [head + _MADE.format(source="the schema that editors check the files with") + "\n"]
    for schema, file in _FILES.items():
        schema_read = json.loads((ROOT / "config" / "schema" / schema).read_text(encoding="utf-8"))
        groups: dict[str, list[str]] = defaultdict(list)
        for name, shape, is_needed in _keys(schema_read, schema_read, ""):
            block = name.partition(".")[0] if schema == "bot.json" and "." in name else ""
            groups[block].append(_key_row(name, shape, is_needed))
        parts.append(f"\n## {file}\n" + _table("key", "".join(groups.pop(""))))
        parts += [f"\n### {file}: {block}\n" + _table("key", "".join(rows)) for block, rows in groups.items()]
        for kind, options in sorted(_kinds(schema_read)):
            rows = "".join(_key_row(*row) for row in _keys(schema_read, options, "") if row[0] != "kind")
            text = f"\n### Keys of {kind} channels\n\n{_description(options)} [Set it up](../channels.md#{kind}).\n"
            parts.append(text + (_table("key", rows) if rows else ""))
    return "".join(parts)


def _keys(whole: Any, part: Any, prefix: str) -> Iterator[tuple[str, Any, bool]]:
    for name, shape in part.get("properties", {}).items():
        inner = re.match(r"#/definitions/(\w+)", shape.get("$ref", ""))
        described = {**whole["definitions"][inner[1]], **shape} if inner else shape
        yield f"{prefix}{name}", described, name in part.get("required", ())
        for reference in re.findall(r'"#/definitions/(\w+)"', json.dumps(shape)):
            # A list of blocks is the file itself: its keys are named without it.
            is_list = name in ("feeds", "rules") and not prefix
            if whole["definitions"][reference] is part:
                continue  # a route inside a route has the same keys
            if f"{prefix}{name}" in ("channels", "fetch.hosts"):
                continue  # each kind of channel has its own table; a host has the keys of a feed
            yield from _keys(whole, whole["definitions"][reference], "" if is_list else f"{prefix}{name}.")


def _kinds(schema: Any) -> Iterator[tuple[str, Any]]:
    for branch in schema["properties"].get("channels", {}).get("additionalProperties", {}).get("allOf", ()):
        yield branch["if"]["properties"]["kind"]["const"], branch["then"]


def _key_row(name: str, shape: Any, is_needed: bool) -> str:
    return f"| `{name}` | {'required' if is_needed else _default(shape)} | {cell(_description(shape))} |\n"


def _default(shape: Any) -> str:
    value = shape.get("default")
    if value in (None, [], {}, ""):
        return ""
    if isinstance(value, str) and re.fullmatch(r"P(\d+D)?(T.+)?", value):
        return f"`{format_duration(pydantic.TypeAdapter(timedelta).validate_python(value))}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value == 10_000_000:
        return "`10 MB`"
    return f"`{value}`"


def _description(shape: Any) -> str:
    text = str(shape.get("description", ""))
    if {"minimum", "maximum"} <= shape.keys():
        text += f" {shape['minimum']} to {shape['maximum']}."
    return text


# -- commands


def commands() -> str:
    head = "# Every command\n\nAnswers go to stdout, everything else to stderr. `--config` follows the command's name. "
    parts = [head + _MADE.format(source="each command's `--help`") + "\n"]
    group = get_command(app_of())
    for name, command in group.commands.items():  # type: ignore[attr-defined]  # a Typer of several is a group
        inner = getattr(command, "commands", {"": command})
        first_line = inspect.cleandoc(command.help or "").partition("\n")[0]
        parts.append(f"\n## wirewatch {name}\n")
        parts += [f"\n{first_line}\n"] if "" not in inner and first_line else []
        parts += [_command(f"wirewatch {name} {part}".strip(), subcommand) for part, subcommand in inner.items()]
    return "".join(parts)


def _command(name: str, command: typer.core.TyperCommand) -> str:
    help_text = inspect.cleandoc(command.help or "")
    description, _, example = help_text.partition("Example: ")
    usage = " ".join([name, *(_usage(param) for param in command.params if param.name != "help")])
    parts = [f"\n### {name}\n" if name.count(" ") > 1 else "", f"\n{cell(' '.join(description.split()))}\n"]
    parts.append(f"\n```text\n{usage}\n```\n")
    rows = [_option(param) for param in command.params if param.name not in ("help", "folder")]
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
    without = "required" if param.required else f"`{default}`" if has_default else ""
    return f"| `{name}` | {without} | {cell(param.help or '')} |\n"


# -- metrics


def metrics() -> str:
    head = (
        "# Every metric\n\nCounters begin at zero with each start; gauges are read from the database at each scrape. "
    )
    parts = [head + _MADE.format(source="the registry of `/metrics`") + "\n"]
    parts.append("\n| metric | kind | labels | meaning |\n| --- | --- | --- | --- |\n")
    registered = Metrics(cast("QueryRunner", None))
    registered.add_model_metrics()
    families: list[Any] = [
        family for family in registered._registry._collector_to_names if hasattr(family, "_labelnames")
    ]
    for family in families:
        name = family._name + ("_total" if family._type == "counter" else "")
        labels = ", ".join(f"`{label}`" for label in family._labelnames)
        parts.append(f"| `{name}` | {family._type} | {labels} | {cell(family._documentation)} |\n")
    return "".join(parts)


# -- answers of chat services


def channel_answers() -> str:
    head = "# Answers of chat services\n\nWhat Wirewatch does when a service refuses a message, by the error code. "
    parts = [head + _MADE.format(source="the tables in `bot/channels`") + "\n"]
    services: Mapping[str, Mapping[Any, tuple[Any, ...]]] = {
        "slack": slack_channel.ERRORS,
        "discord": {f"{code}` ({row[1]})`": (row[0], row[2]) for code, row in discord.ERRORS.items()},
        "telegram": telegram.ERRORS,
        "teams": teams.ERRORS,
        "mattermost": mattermost.ERRORS,
        "email": {
            f"{stage}: {code}{'…' if len(code) == 1 else ''}": rule
            for stage, table in email.ERRORS.items()
            for code, rule in table.items()
        },
    }
    for kind, table in services.items():
        codes: dict[str, list[str]] = defaultdict(list)
        for code, (act, advice) in table.items():
            codes[f"{act}; {advice}" if advice else str(act)].append(f"`{code}`".replace("``", ""))
        rows = "".join(f"| {cell(', '.join(named))} | {cell(what)} |\n" for what, named in codes.items())
        parts.append(f"\n## {kind}\n\n| answer | reaction |\n| --- | --- |\n{rows}")
    return "".join(parts)


# -- text


def _table(what: str, rows: str) -> str:
    """On a phone the site sets each row as a block of lines; docs/stylesheets/site.css knows the name."""
    head = f"| {what} | default | meaning |\n| --- | --- | --- |\n"
    return f'\n<div class="rows" markdown>\n\n{head}{rows}\n</div>\n'


def cell(text: str) -> str:
    # A bar inside a table ends its cell, a bracket begins a link.
    return text.replace("|", "\\|").replace("<", "&lt;")
