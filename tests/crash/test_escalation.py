"""The real process is killed again and again while stories wait to be claimed: each is escalated once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from tests.crash.process import BOT, RULES, Bot

_DUTY = '  duty: {{kind: slack, to: "#duty", token: env:SLACK_BOT_TOKEN, api_url: "{slack}", pace: 0.02 seconds}}'


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_kills_at_any_moment_lose_no_escalation_and_double_none(bot: Bot) -> None:
    bot.slack.workspace.add_channel("duty")
    form = BOT.replace("operator:", f"{_DUTY}\noperator:") + "escalate: {{after: 2 seconds, to: duty}}\n"
    (bot.folder / "bot.yaml").write_text(form.format(database=bot.database, slack=bot.slack.api_url, port=bot.port))
    (bot.folder / "rules" / "a.yaml").write_text(RULES.replace("notify: desk", "notify: desk, severity: high"))
    bot.slack.pause_seconds = 0.05
    async with bot.running():
        await bot.until_watching()
    chance = random.Random(20151202)
    kills = 0
    for count in (2, 3, 4, 5, 5, 5):
        bot.publish(count)
        process = await bot.start("run")
        await asyncio.sleep(chance.uniform(1.5, 4))
        process.kill()
        await process.wait()
        kills += 1

    def called() -> list[str]:
        return [str(message["blocks"]) for message in bot.slack.workspace.messages("duty")]

    async with bot.running():
        await bot.until(lambda: len(bot.heads) >= 5 and len(called()) >= 5)
        await asyncio.sleep(3)
    assert kills == 6
    assert bot.heads == bot.names(5)
    escalations = Counter(name for call in called() for name in bot.names(5) if name in call)
    assert escalations == Counter(bot.names(5))
    assert all("first message" in call for call in called())
