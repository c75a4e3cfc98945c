"""What is said of the channels at a start: what is wrong with their set-up, and where delivery cannot be verified.

Asks each channel, posts nothing, and holds nobody up: messages go out meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import structlog

from bot import model, ports

log = structlog.get_logger("wirewatch")

#: A channel that does not answer so long is left to its first message.
PATIENCE = timedelta(seconds=30)


async def check_all(channels: Iterable[ports.Channel], *, on_unknown: model.OnUnknown) -> None:
    """Check all channels side by side and log what is wrong; never raises for a channel."""
    async with asyncio.TaskGroup() as group:
        for channel in channels:
            group.create_task(_look_at(channel, on_unknown))


async def _look_at(channel: ports.Channel, on_unknown: model.OnUnknown) -> None:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            lines = await channel.check()
    except (TimeoutError, ports.SendError):
        return
    except Exception:
        # Our bug in one channel's check must not end the others' work.
        log.critical("channel broke", channel=channel.name, exc_info=True)
        return
    for line in lines:
        if not line.is_good:
            log.warning("channel needs attention", channel=channel.name, wanted=line.what, help=line.help)
    if not channel.abilities.lookup:
        log.info("delivery cannot be verified", channel=channel.name, on_unknown=on_unknown.value)
