"""What channels are built from in tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

import pydantic

from bot import channels, model, ports
from testbed.fakes import FakeClock, MemoryKeyValues

TOKEN = model.Secret.parse("env:SLACK_BOT_TOKEN")


class Secrets:
    """An environment that a test may change."""

    def __init__(self, **values: str) -> None:
        self.values = values

    def __call__(self, secret: model.Secret) -> str:
        if secret.name not in self.values:
            raise ports.ConfigError(f"{secret.reference} is not set")
        return self.values[secret.name]


def build(
    kind: str,
    options: pydantic.BaseModel | None = None,
    *,
    secrets: Secrets | None = None,
    key_values: MemoryKeyValues | None = None,
    clock: ports.Clock | None = None,
    zone: tzinfo = UTC,
    **written: object,
) -> ports.Channel:
    """A channel as bot.yaml would make it: ``written`` are its keys."""
    options = options or channels.options()[kind].model_validate(written)
    return channels.build(
        kind,
        "desk",
        options,
        resolve=secrets or Secrets(),
        clock=clock or FakeClock(datetime(2015, 12, 2, 9, 0).astimezone()),
        key_values=key_values or MemoryKeyValues(),
        zone=zone,
    )


def delivery(
    message: model.Message,
    *,
    id: str = "send-1",  # noqa: A002 - as the field is called
    reply_to: model.Receipt | None = None,
    edits: model.Receipt | None = None,
    is_plain: bool = False,
    is_broadcast: bool = False,
) -> ports.Delivery:
    return ports.Delivery(
        id=model.SendId(id),
        message=message,
        reply_to=reply_to,
        edits=edits,
        is_plain=is_plain,
        is_broadcast=is_broadcast,
    )


LONG_AGO = timedelta(days=400 * 365)
