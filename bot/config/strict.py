"""The base of the blocks of keys that are still pydantic models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, ClassVar, TypeVar

import pydantic

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


class KeyBlock(pydantic.BaseModel):
    """A block of keys that refuses unknown keys."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    #: Words that people write for a key, with the key that they mean.
    OTHER_WORDS: ClassVar[Mapping[str, str]] = {}

    def as_value(self, kind: type[T], /, **overrides: object) -> T:
        """Make a ``kind`` from the fields that both have, and from ``overrides``, which take precedence."""
        return kind(**{name: getattr(self, name) for name in _shared(type(self), kind)} | overrides)


@cache
def _shared(shape: type[KeyBlock], kind: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name in shape.model_fields)
