"""The one tick."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.app.engines.ticker import Ticker

EVERY = timedelta(seconds=0.05)


@pytest.mark.timeout(30)
async def test_it_goes_on_ticking_after_the_clock_was_set_back_an_hour() -> None:
    async with Ticker(EVERY) as ticker:
        await ticker.next()
        await ticker.next()
        # What the scheduler is left with when its clock shows an hour less: its next run is an hour away.
        ticker._job.modify(next_run_time=datetime.now(UTC) + timedelta(hours=1))  # noqa: TID251 - its own clock
        for _ in range(3):
            await ticker.next()


async def test_ticks_that_come_while_nobody_waits_are_one() -> None:
    async with Ticker(EVERY) as ticker:
        await ticker.next()
        await ticker._ring()
        await ticker._ring()
        await ticker.next()
        assert not ticker._tick.is_set()


@pytest.mark.timeout(30)
async def test_waiting_for_a_tick_can_be_cancelled() -> None:
    async with Ticker(timedelta(hours=1)) as ticker:
        await ticker.next()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ticker.next()
