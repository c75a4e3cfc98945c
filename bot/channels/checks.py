"""Check the set-up of all channels when the bot starts, without posting and without delaying messages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import structlog

from bot.aio import TaskGroup
from bot.model.channels import Channel
from bot.model.errors import SendError, StoreError

log = structlog.get_logger("wirewatch")

#: Maximum duration of the check of a channel. If it takes longer, problems show at the first message.
PATIENCE = timedelta(seconds=30)


async def check_all(channels: Iterable[Channel]) -> None:
    """Check all channels concurrently and log their problems. The errors of a channel are never raised."""
    async with TaskGroup() as group:
        for channel in channels:
            group.create_task(_look_at(channel))


async def _look_at(channel: Channel) -> None:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            lines = await channel.check()
    except (TimeoutError, SendError, StoreError):
        return
    except Exception:
        # A bug in the check of one channel must not stop the other channels.
        log.critical("channel raised an unexpected error", channel=channel.name, exc_info=True)
        return
    for line in lines:
        if not line.is_good:
            log.warning("channel check failed", channel=channel.name, wanted=line.what, help=line.help)
