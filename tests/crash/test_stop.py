"""Stop the real process while a message is on its way, and at random moments on a busy machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from pathlib import Path

import pytest

from bot.aio import TaskGroup
from tests.crash.process import WATCHING, Bot, bot_in
from tests.testbed.servers import processes

#: Of each bot.
STOPS = 2


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", ["hang", "hang_after"])
async def test_a_stop_does_not_wait_for_a_slack_that_hangs_and_the_next_start_settles_it(bot: Bot, fault: str) -> None:
    # Longer than the test may take: only a process that does not wait for it ends.
    bot.slack.hang_seconds = 3600
    async with bot.running():
        await bot.until_watching()
        bot.slack.fail("chat.postMessage", fault)
        bot.publish(3)
        await bot.until(lambda: bool(bot.slack.faults))
    taken_before = list(bot.heads)
    assert len(taken_before) == (fault == "hang_after"), "the others wait for it"
    async with bot.running():
        await bot.until(lambda: len(bot.heads) >= 3)
    assert bot.heads == bot.names(3)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_signal_at_any_moment_on_a_busy_machine_ends_it_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    rng = random.Random(7)
    stops: list[asyncio.Task[list[int]]] = []
    # Bots that start at the same time keep the machine busy for each other.
    async with contextlib.AsyncExitStack() as stack, TaskGroup() as group:
        for number in range(1 + (os.cpu_count() or 1)):
            crashed = await stack.enter_async_context(bot_in(tmp_path / str(number)))
            stopping = _stop_at_any_moment(crashed, rng, is_early=number == 0)
            stops.append(group.create_task(stopping))
    codes = [code for stop in stops for code in stop.result()]
    assert 0 in codes


@pytest.mark.long
async def test_a_bot_whose_reader_process_hangs_stays_healthy_and_stops(bot: Bot) -> None:
    process = await bot.start("run")
    await bot.until_watching()
    [reader] = processes.readers(process.pid)
    os.kill(reader, signal.SIGSTOP)
    polls = len(bot.feeds.requests)
    bot.publish(1)
    await bot.until(lambda: len(bot.feeds.requests) > polls)
    for _ in range(10):
        await asyncio.sleep(0.1)
        assert (await bot.health())[0] == 200
    process.send_signal(signal.SIGTERM)
    assert await bot.ended(process) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(reader, 0)


async def _stop_at_any_moment(crashed: Bot, rng: random.Random, *, is_early: bool) -> list[int]:
    """Stop it ``STOPS`` times, also before it listens for signals where ``is_early``; return the exit codes."""
    codes = []
    async with crashed.running():
        await crashed.until_watching()
    crashed.publish(5)
    for _ in range(STOPS):
        starts = crashed.log.count(WATCHING)
        process = await crashed.start_cold("run")
        if not is_early:
            await crashed.until(lambda: crashed.log.count(WATCHING) > starts)  # noqa: B023 - called in this round
        await asyncio.sleep(rng.uniform(0, 1.5))
        process.send_signal(rng.choice((signal.SIGTERM, signal.SIGINT)))
        code = await crashed.ended(process)
        # 1: cut short, after the grace time. Minus the signal, or 130: before it had its handlers.
        codes.append(code)
        assert code in ({0, 1, -signal.SIGTERM, -signal.SIGINT, 130} if is_early else {0, 1}), (code, crashed.log)
    await crashed.run_until_all_is_told()
    assert "never awaited" not in crashed.log
    return codes
