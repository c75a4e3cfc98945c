"""What a channel is built from, the same for every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from typing import Annotated, Protocol

import pydantic

from bot import model, ports

#: A duration as people write it: ``1 second``.
Duration = Annotated[
    timedelta,
    pydantic.BeforeValidator(model.parse_duration),
    pydantic.PlainSerializer(model.show_duration),
    pydantic.WithJsonSchema({"type": "string", "examples": ["1 second"]}),
]


def _address(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise ValueError("expected an address that begins with https:// or http://")
    return url


#: The address of a server.
Address = Annotated[str, pydantic.AfterValidator(_address)]


class KeyValues(Protocol):
    """Small values that a channel keeps between runs, such as a channel's id."""

    async def get(self, key: str) -> str | None:
        """Return the value, or None if the key has none."""

    async def put(self, key: str, value: str) -> None:
        """Store the value; replace an earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelContext:
    """The clock, the secrets, the store and the time zone of a channel."""

    #: Returns a secret's value; raises ConfigError if its variable or file is missing.
    resolve: Callable[[model.Secret], str]
    clock: ports.Clock
    key_values: KeyValues
    #: The zone of times in messages: `timezone` of bot.yaml.
    zone: tzinfo = UTC

    def secret(self, secret: model.Secret, *, what: str) -> str:
        """Read a secret; called at each use, so that a rotated file counts at once.

        Raises Parked, whose text names the place of the secret only.
        """
        try:
            value = self.resolve(secret).strip()
        except (ports.ConfigError, OSError, LookupError, ValueError):
            raise ports.Parked(f"{what}: {secret.reference} is not set or cannot be read") from None
        if not value:
            raise ports.Parked(f"{what}: {secret.reference} is empty")
        # An HTTP library refuses such a header or address with an error that quotes the secret.
        if not all("!" <= char <= "~" for char in value):
            raise ports.Parked(f"{what}: {secret.reference} has a space or a character that is not allowed")
        return value
