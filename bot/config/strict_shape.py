"""What every block of keys in a file of the configuration has in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, ClassVar, TypeVar

import pydantic

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


class StrictShape(pydantic.BaseModel):
    """A block of keys that takes no key but its own."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    #: Words that people write for a key, and the key.
    OTHER_WORDS: ClassVar[Mapping[str, str]] = {}

    def as_value(self, kind: type[T], /, **others: object) -> T:
        """A ``kind``: its fields that are keys here too, as they are, and ``others``, which count before them."""
        return kind(**{name: getattr(self, name) for name in _shared(type(self), kind)} | others)


@cache
def _shared(shape: type[StrictShape], kind: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.name in shape.model_fields)
