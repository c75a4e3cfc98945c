"""The real process is asked to stop: while a message is on its way, and at random moments on a busy machine."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys

import pytest

from testbed import busy
from tests.crash.process import WATCHING, Bot, bot  # noqa: F401 - a fixture

#: Another Python that has Wirewatch's dependencies, for the test of signals.
OTHER_PYTHON = os.environ.get("WIREWATCH_OTHER_PYTHON", "/usr/bin/python3")
STOPS = 8


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", ["hang", "hang_after"])
async def test_a_stop_does_not_wait_for_a_slack_that_hangs_and_the_next_start_settles_it(
    bot: Bot,  # noqa: F811
    fault: str,
) -> None:
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
@pytest.mark.parametrize("python", [sys.executable, OTHER_PYTHON])
async def test_a_signal_at_any_moment_on_a_busy_machine_ends_it_and_nothing_is_lost_or_doubled(
    bot: Bot,  # noqa: F811
    python: str,
) -> None:
    imports = [python, "-c", "import bot.cli.run, bot.app.runtime"]
    tried = await asyncio.to_thread(subprocess.run, imports, capture_output=True, check=False, text=True)
    if tried.returncode:
        pytest.skip(f"{python} has not all that Wirewatch needs: {tried.stderr.strip().splitlines()[-1]}")
    dice = random.Random(7)
    codes = []
    async with bot.running():
        await bot.until_watching()
    bot.publish(5)
    with busy.machine():
        for number in range(STOPS):
            starts = bot.log.count(WATCHING)
            process = await bot.start("run", python=python)
            if number % 4:
                await bot.until(lambda: bot.log.count(WATCHING) > starts)  # noqa: B023 - called in this round
            await asyncio.sleep(dice.uniform(0, 1.5))
            process.send_signal(dice.choice((signal.SIGTERM, signal.SIGINT)))
            codes.append(await process.wait())
    # 1: cut short, after the grace time; minus the signal: before Python could take it, as nothing was under way.
    assert set(codes) <= {0, 1, -signal.SIGTERM, -signal.SIGINT, 130}, (codes, bot.log)
    assert codes.count(0) >= STOPS // 2, codes
    async with bot.running():
        await bot.until(lambda: len(bot.heads) >= 5)
    assert bot.heads == bot.names(5)
