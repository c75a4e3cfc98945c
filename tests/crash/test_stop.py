"""The real process is asked to stop while a message is on its way."""

from __future__ import annotations

import pytest

from tests.crash.process import Bot, bot  # noqa: F401 - a fixture


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
