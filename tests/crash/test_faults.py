"""The real process over damaged data: it stays up, posts everything else once, and says what it set aside."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from tests.crash.process import Bot

DAMAGES = {
    "an alert that cannot be read": "UPDATE alerts SET state = 'held', held_until = 1, "
    "alert = json_set(alert, '$.reason', 'from tomorrow') WHERE rowid = 1",
    "a message and a story that cannot be read": "UPDATE outbox SET message = '{' WHERE seq = 1; "
    "UPDATE stories SET last_seen = 'yesterday' WHERE rowid = 1",
    "a damaged index of words": "DELETE FROM search_index_data",
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "damage", [pytest.param(sql, marks=pytest.mark.long, id=name) for name, sql in DAMAGES.items()]
)
async def test_the_bot_stays_up_and_posts_everything_else_once(bot: Bot, damage: str) -> None:
    async with bot.running():
        await bot.until_watching()
        await bot.publish_and_await_messages(2)
    with contextlib.closing(sqlite3.connect(bot.database)) as database:
        database.executescript(damage)
    bot.publish(5)
    async with bot.running():
        await bot.until(lambda: len(bot.heads) >= 5)
        if "search" not in damage:
            await bot.until(lambda: "set aside" in str(bot.slack.workspace.messages("desk")))
        await bot.until_health_is(200)
    assert bot.heads == bot.names(5)
