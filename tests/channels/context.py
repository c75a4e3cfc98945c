"""Helpers that build channels for tests."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import pydantic
from slack_sdk.models.blocks import Block

from bot import channels
from bot.durations import Clock
from bot.model.access import Secret
from bot.model.channels import Channel
from bot.model.errors import ConfigError
from bot.testing.channels import delivery
from tests.testbed.fakes import FakeClock, MemoryKeyValues

__all__ = ["Secrets", "build", "check_golden", "check_golden_blocks", "delivery", "faults", "objects"]

GOLDEN = Path(__file__).parent / "golden"


class Secrets:
    """An environment that a test may change."""

    def __init__(self, **values: str) -> None:
        self.values = values

    def __call__(self, secret: Secret) -> str:
        if secret.name not in self.values:
            raise ConfigError(f"{secret.reference} is not set")
        return self.values[secret.name]


def build(
    kind: str,
    options: pydantic.BaseModel | None = None,
    *,
    secrets: Secrets | None = None,
    key_values: MemoryKeyValues | None = None,
    clock: Clock | None = None,
    zone: tzinfo = UTC,
    **written: object,
) -> Channel:
    """A channel as bot.yaml would make it: ``written`` are its keys."""
    options = options or channels.options()[kind].model_validate(written)
    context = channels.ChannelContext(
        resolve=secrets or Secrets(),
        clock=clock or FakeClock(datetime(2015, 12, 2, 9, 0).astimezone()),
        key_values=key_values or MemoryKeyValues(),
        zone=zone,
    )
    return channels.build(kind, "desk", options, context)


async def faults(channel: Channel) -> dict[str, str]:
    """Return what the channel's check finds wrong, and what it says to do."""
    return {line.what: line.help for line in await channel.check() if not line.is_good}


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Return every JSON object in the value, itself included."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from objects(part)


def check_golden(file: Path, text: str) -> None:
    """Compare with a golden file. ``WIREWATCH_GOLDEN=write`` writes it: look at the difference before committing it."""
    if os.environ.get("WIREWATCH_GOLDEN") == "write":
        file.write_text(text)
    assert text == file.read_text()


def check_golden_blocks(name: str, blocks: Sequence[Any]) -> None:
    """Compare with the golden file and let Slack's own models parse each block."""
    check_golden(GOLDEN / f"{name}.json", json.dumps(blocks, indent=1, ensure_ascii=False) + "\n")
    for block in blocks:
        parsed = Block.parse(dict(block))
        assert parsed is not None
        parsed.validate_json()
