"""The real process over a database without a table or with destroyed pages: its health is never good in silence."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time

import pytest

from bot.storage import schema
from tests.crash.process import Bot

#: Tables without which nothing can be posted, or that a matched article passes; and the parts of the index of words.
PASSED = [
    *(table.name for table in schema.metadata.sorted_tables),
    *("search_rows", "search_index_data", "search_index_idx", "search_index_config"),
]
#: How long a bot may take until it has posted what was published, or says that it does not work.
NOTICED_SECONDS = 30


async def check_health(bot: Bot) -> None:
    """Expect that all stories are posted, or that the bot says that it does not work, now and for some seconds."""

    async def is_honest() -> bool:
        status, _ = await bot.health()
        return status != 200 or len(bot.heads) >= 5

    noticed_by = time.monotonic() + NOTICED_SECONDS
    while not await is_honest():
        assert time.monotonic() < noticed_by, f"{bot.heads} are posted, and the health is good:\n{bot.log[-3000:]}"
        await asyncio.sleep(0.2)
    for _ in range(20):
        assert await is_honest(), bot.log[-3000:]
        await asyncio.sleep(0.2)
    assert len(bot.heads) == len(set(bot.heads))


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("table", PASSED)
async def test_health_is_not_good_while_nothing_is_posted_because_a_table_is_gone(bot: Bot, table: str) -> None:
    async with bot.running():
        await bot.until_watching()
        await bot.publish_and_await_messages(2)
        with contextlib.closing(sqlite3.connect(bot.database, timeout=30)) as database:
            database.execute(f"DROP TABLE {table}")
        bot.publish(5)
        await check_health(bot)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("table", ["articles", "matches", "stories", "members", "alerts", "outbox", "feeds"])
async def test_health_is_not_good_while_nothing_is_posted_because_pages_are_destroyed(bot: Bot, table: str) -> None:
    async with bot.running():
        await bot.until_watching()
        await bot.publish_and_await_messages(2)
        with contextlib.closing(sqlite3.connect(bot.database, timeout=30)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            ((size,),) = database.execute("PRAGMA page_size")
            ((root,),) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table])
        with bot.database.open("r+b") as file:
            file.seek((root - 1) * size)
            file.write(b"\xff" * size)
        bot.publish(5)
        await check_health(bot)
