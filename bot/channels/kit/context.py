"""What a channel is built from, the same for every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from typing import Annotated, Protocol

import pydantic

from bot import model, ports

#: A length of time as people write it: ``1 second``.
Duration = Annotated[
    timedelta,
    pydantic.BeforeValidator(model.parse_duration),
    pydantic.PlainSerializer(model.show_duration),
    pydantic.WithJsonSchema({"type": "string", "examples": ["1 second"]}),
]


def _address(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise ValueError("give an address that begins with https:// or http://")
    return url


#: The address of a server.
Address = Annotated[str, pydantic.AfterValidator(_address)]


class KeyValues(Protocol):
    """Small facts that a channel keeps between runs, such as a resolved id."""

    async def get(self, key: str) -> str | None:
        """The value; None: nothing is kept under the key."""

    async def put(self, key: str, value: str) -> None:
        """Keep the value, instead of one that was there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelContext:
    """What a channel has beside its options."""

    #: Raises ConfigError where the variable or the file is missing.
    resolve: Callable[[model.Secret], str]
    clock: ports.Clock
    key_values: KeyValues
    #: Of the times in messages: `timezone` of bot.yaml.
    zone: tzinfo = UTC

    def secret(self, secret: model.Secret, *, what: str) -> str:
        """Read at each use, so that a rotated file counts at once. Raises Parked, which names only where it is kept."""
        try:
            value = self.resolve(secret).strip()
        except (ports.ConfigError, OSError, LookupError, ValueError):
            raise ports.Parked(f"{what}: {secret.reference} is not set or cannot be read") from None
        if not value:
            raise ports.Parked(f"{what}: {secret.reference} is empty")
        # An HTTP header or address with these would be refused with the secret itself in the error's text.
        if not all("!" <= char <= "~" for char in value):
            raise ports.Parked(f"{what}: {secret.reference} holds a space or a character that it cannot have")
        return value
