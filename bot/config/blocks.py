"""Read the keys of a block of the configuration from the class that declares them.

A block is a frozen dataclass with ``__pydantic_config__``, or a pydantic model (the options of a kind of channel or
source, which may come from a plug-in).
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, TypeAlias, TypeGuard

import pydantic

from bot.keys import As, Derived, Key, key_of
from bot.model.access import Secret

Block: TypeAlias = type[Any]


def is_block(form: object) -> TypeGuard[Block]:
    """Return whether a type is a block of keys."""
    return isinstance(form, type) and (issubclass(form, pydantic.BaseModel) or hasattr(form, "__pydantic_config__"))


_TYPES: dict[object, Mapping[str, object]] = {}


def types_of(block: Block) -> Mapping[str, object]:
    """Return the type of each key, with its metadata. Cached, because type hints are slow to resolve."""
    if block not in _TYPES:
        _TYPES[block] = _resolve_types(block)
    return _TYPES[block]


def _resolve_types(block: Block) -> Mapping[str, object]:
    if issubclass(block, pydantic.BaseModel):
        return {name: info.rebuild_annotation() for name, info in block.model_fields.items()}
    hints = typing.get_type_hints(block, include_extras=True)
    names = [field.name for field in dataclasses.fields(block)]
    return {
        key_of(name): hints[name]
        for name in names
        if not any(isinstance(part, Derived) for part in _metadata(hints[name]))
    }


def _metadata(form: object) -> tuple[object, ...]:
    return typing.get_args(form)[1:] if typing.get_origin(form) is Annotated else ()


def example_of(block: Block, key: str) -> str | None:
    """Return the example of a key for error messages, or None."""
    if issubclass(block, pydantic.BaseModel):
        info = block.model_fields.get(key)
        return str(info.examples[0]) if info and info.examples else None
    return next((part.example for part in _metadata(types_of(block).get(key)) if isinstance(part, Key)), None)


def other_words(block: Block) -> Mapping[str, str]:
    """Return the key of a block for each other word that people write for it."""
    words: Mapping[str, str] = getattr(block, "OTHER_WORDS", {})
    return {word: key for word, key in words.items() if key in types_of(block)}


def advice_on_key(block: Block, key: str) -> str | None:
    """Return advice for a key that people write although the block does not have it, or None."""
    advice: Mapping[str, str] = getattr(block, "ADVICE", {})
    inner_keys = ((name, inner) for name, form in types_of(block).items() if (inner := optional_block(form)))
    owner = next((name for name, inner in inner_keys if key in types_of(inner)), None)
    return advice.get(key) or (f"write it under {owner}:" if owner else None)


def walk(form: object) -> Iterator[object]:
    """Yield the type and every type inside it, in the order of the annotation."""
    yield form
    for inner in typing.get_args(form):
        yield from walk(inner.form if isinstance(inner, As) else inner)


@functools.cache
def inner_block(form: object) -> Block | None:
    """Return the first block inside a type, or None."""
    return next(filter(is_block, walk(form)), None)


def block_at(block: Block, path: Iterable[str | int]) -> Block | None:
    """Return the block that a path of keys leads to, or None."""
    current: Block | None = block
    for step in path:
        if current is not None and isinstance(step, str) and step in types_of(current):
            current = inner_block(types_of(current)[step])
    return current


def optional_block(form: object) -> Block | None:
    """Return the block in the type of a key, optional or not. Return None for a mapping of names to blocks."""
    origin, parts = typing.get_origin(form), typing.get_args(form)
    if origin is Annotated:
        return optional_block(parts[0])
    if origin in (types.UnionType, typing.Union):
        return next(filter(None, map(optional_block, parts)), None)
    return form if is_block(form) else None


@functools.cache
def holds_secret(form: object) -> bool:
    """Return whether a value of this type can be a secret."""
    return Secret in walk(form)


def takes_list(form: object) -> bool:
    """Return whether a key of this type accepts a list or a block."""
    return any(is_block(part) or is_container(part) for part in walk(form))


def is_container(form: object) -> bool:
    """Return whether a type is a list, a mapping or another collection."""
    origin = typing.get_origin(form)
    return isinstance(origin, type) and issubclass(origin, Collection)


def choices_of(form: object) -> list[str]:
    """Return the words that a key of this type accepts; empty if it accepts any."""
    members = [part for part in walk(form) if isinstance(part, type) and issubclass(part, Enum)]
    literals = [part for part in walk(form) if typing.get_origin(part) is typing.Literal]
    return [str(member.value) for kind in members for member in kind] + [
        str(word) for literal in literals for word in typing.get_args(literal)
    ]
