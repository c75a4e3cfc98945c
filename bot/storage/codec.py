"""Values as JSON documents and back.

A field that this version does not know is ignored; one that the document lacks gets its default. So a document outlives
the version that wrote it.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from bot import model
from bot.storage.columns import storable

T = TypeVar("T")


class Codec(Generic[T]):
    """Of one kind of value."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        # On first use: building one costs milliseconds, and `check` needs none.
        return TypeAdapter(self._kind)

    def dump(self, value: T) -> str:
        """Compact JSON that every database can hold."""
        try:
            return self._adapter.dump_json(value).decode()
        except PydanticSerializationError:
            # Half a surrogate pair somewhere in untrusted text: rare, so the rest does not pay for the clean-up.
            return self._adapter.dump_json(cast("T", _cleaned(value))).decode()

    def load(self, document: str) -> T:
        """The value of a document. Raises pydantic's ValidationError."""
        return self._adapter.validate_json(document)


FEED_STATE: Codec[model.FeedState] = Codec(model.FeedState)
EVIDENCE: Codec[tuple[model.Evidence, ...]] = Codec(tuple[model.Evidence, ...])
DECISION: Codec[model.Decision] = Codec(model.Decision)
ARRIVAL: Codec[model.Arrival] = Codec(model.Arrival)
REVISION: Codec[model.Revision] = Codec(model.Revision)
PENDING: Codec[model.Pending] = Codec(model.Pending)
ALERT: Codec[model.Alert] = Codec(model.Alert)
MESSAGE: Codec[model.Message] = Codec(model.Message)
RECEIPT: Codec[model.Receipt] = Codec(model.Receipt)
#: Tags, links, story ids.
TEXTS: Codec[tuple[str, ...]] = Codec(tuple[str, ...])


def _cleaned(value: object) -> object:
    if type(value) is str:
        return storable(value)
    if isinstance(value, tuple):
        return tuple(_cleaned(item) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _cleaned(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value
