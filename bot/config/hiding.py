"""Hide secrets written out in bot.yaml from the lines that problems show, by the model of their block."""

from __future__ import annotations

import typing
from collections.abc import Collection

import pydantic

from bot.config.yaml.nodes import Mapping, Node, Scalar, Sequence, pairs_of
from bot.config.yaml.problems import ProblemReport


def hide(
    block: Node | None, shape: type[pydantic.BaseModel], report: ProblemReport, *, also: Collection[str] = ()
) -> None:
    """Hide the values of secrets and of unknown keys, also in inner blocks; references stay visible.

    ``also``: keys outside ``shape`` that never hold a secret.
    """
    for key, value in pairs_of(block):
        if field := shape.model_fields.get(key.value):
            _hide(value, field.annotation, report)
        elif key.value not in also:
            _hide_whole(value, report)


def _hide_whole(value: Node, report: ProblemReport) -> None:
    """Hide the whole value, except for a reference."""
    if not (isinstance(value, Scalar) and value.value.startswith(("env:", "file:"))):
        report.hide(value.start, value.end)


def _hide(value: Node, form: object, report: ProblemReport) -> None:
    """Hide a value whose type is ``form``."""
    shape = form if isinstance(form, type) and issubclass(form, pydantic.BaseModel) else None
    if shape is not None and isinstance(value, Mapping):
        hide(value, shape, report)
    elif shape is not None or "Secret" in str(form):
        # A single value instead of a block may be the secret that belongs inside it.
        _hide_whole(value, report)
    else:
        for part in _parts(value, form):
            for inner in typing.get_args(form):
                _hide(part, inner, report)


def _parts(value: Node, form: object) -> list[Node]:
    """Return the values inside a list or a mapping; for a union, the value itself."""
    origin = typing.get_origin(form)
    is_container = isinstance(origin, type) and issubclass(origin, Collection)
    match value:
        case Mapping() if is_container:
            return [item for _, item in value.pairs]
        case Sequence() if is_container:
            return list(value.items)
        case _:
            return [value]
