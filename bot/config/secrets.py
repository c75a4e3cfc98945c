"""Read secrets at the moment of use, and hide secrets written out in bot.yaml from the lines that problems show."""

from __future__ import annotations

import typing
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import assert_never

from bot import model
from bot.config import blocks
from bot.config.nodes import MappingNode, Node, ScalarNode, SequenceNode, pairs_of
from bot.config.problems import ProblemReport

#: Maximum size of a secret file, which is normally one line.
_MAX_BYTES = 64 * 1024


def resolve_secret(secret: model.Secret, environ: Mapping[str, str]) -> str:
    """Return the secret. Raises ConfigError, which names the variable or the file and never its content."""
    match secret.kind:
        case model.SecretKind.ENV:
            value = environ.get(secret.name, "").strip()
            if not value:
                raise model.ConfigError(
                    f"the variable {secret.name} is not set: export {secret.name}=… and start again"
                )
            return value
        case model.SecretKind.FILE:
            return _read_secret_file(secret.name)
        case _:
            assert_never(secret.kind)


def _read_secret_file(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            value = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise model.ConfigError(f"the secret file {name} cannot be read: {error.strerror}") from None
    if len(value) > _MAX_BYTES:
        raise model.ConfigError(f"the secret file {name} is longer than 64 KiB: is it the right file?")
    try:
        text = value.decode().strip()
    except UnicodeDecodeError:
        raise model.ConfigError(f"the secret file {name} is not text") from None
    if not text:
        raise model.ConfigError(f"the secret file {name} is empty")
    return text


def explain_missing_secret(secret: model.Secret, environ: Mapping[str, str]) -> str | None:
    """Return why a secret is not available, or None if it is."""
    try:
        resolve_secret(secret, environ)
    except model.ConfigError as error:
        return str(error)
    return None


def hide_secrets(block: Node | None, shape: blocks.Block, report: ProblemReport, *, also: Collection[str] = ()) -> None:
    """Hide the values of secrets and of unknown keys, also in inner blocks; references stay visible.

    ``also``: keys outside ``shape`` that never hold a secret.
    """
    types = blocks.types_of(shape)
    for key, value in pairs_of(block):
        if key.value in types:
            _hide_value(value, types[key.value], report)
        elif key.value not in also:
            _hide_whole(value, report)


def _hide_whole(value: Node, report: ProblemReport) -> None:
    """Hide the whole value, except for a reference."""
    if not (isinstance(value, ScalarNode) and value.value.startswith(("env:", "file:"))):
        report.hide(value.start, value.end)


def _hide_value(value: Node, form: object, report: ProblemReport) -> None:
    """Hide a value whose type is ``form``."""
    if blocks.is_block(form) and isinstance(value, MappingNode):
        hide_secrets(value, form, report)
    elif blocks.is_block(form) or form is model.Secret:
        # A single value instead of a block may be the secret that belongs inside it.
        _hide_whole(value, report)
    else:
        for part in _inner_values(value, form):
            for inner in typing.get_args(form):
                _hide_value(part, inner, report)


def _inner_values(value: Node, form: object) -> list[Node]:
    """Return the values inside a list or a mapping; for a union, the value itself."""
    match value:
        case MappingNode() if blocks.is_container(form):
            return [item for _, item in value.pairs]
        case SequenceNode() if blocks.is_container(form):
            return list(value.items)
        case _:
            return [value]
