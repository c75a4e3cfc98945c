"""What is said of the channels at a start: what is wrong with their set-up.

Asks each channel, posts nothing, and holds nobody up: messages go out meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import structlog

from bot import ports
from bot.ports.tasks import TaskGroup

log = structlog.get_logger("wirewatch")

#: A channel that does not answer so long is left to its first message.
PATIENCE = timedelta(seconds=30)


async def check_all(channels: Iterable[ports.Channel]) -> None:
    """Check all channels side by side and log what is wrong; never raises for a channel."""
    async with TaskGroup() as group:
        for channel in channels:
            group.create_task(_look_at(channel))


async def _look_at(channel: ports.Channel) -> None:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            lines = await channel.check()
    except (TimeoutError, ports.SendError, ports.StoreError):
        return
    except Exception:
        # Our bug in one channel's check must not end the others' work.
        log.critical("channel broke", channel=channel.name, exc_info=True)
        return
    for line in lines:
        if not line.is_good:
            log.warning("channel needs attention", channel=channel.name, wanted=line.what, help=line.help)
