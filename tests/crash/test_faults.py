"""The real process over a database without a table or with destroyed pages: its health is never good in silence."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bot.aio import TaskGroup
from bot.storage import schema
from tests.crash.process import Bot, bot_in

#: Tables without which nothing can be posted, or that a matched article passes; and the parts of the index of words.
PASSED = [
    *(table.name for table in schema.metadata.sorted_tables),
    *("search_rows", "search_index_data", "search_index_idx", "search_index_config"),
]
#: Tables whose bots run beside each other: a bot waits more than it works.
BATCHES = [PASSED[at::6] for at in range(6)]
DESTROYED = ["articles", "matches", "stories", "members", "alerts", "outbox", "feeds"]
#: How long a bot may take until it has posted what was published, or says that it does not work.
NOTICED_SECONDS = 30
Damage = Callable[[sqlite3.Connection, str], None]


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


async def damage_and_check(folder: Path, damage: Damage, table: str) -> None:
    """Damage the database of a bot that runs, and check its health while more is published."""
    async with bot_in(folder) as bot, bot.running():
        await bot.until_watching()
        await bot.publish_and_await_messages(2)
        with contextlib.closing(sqlite3.connect(bot.database, timeout=30)) as database:
            damage(database, table)
        bot.publish(5)
        await check_health(bot)


def drop(database: sqlite3.Connection, table: str) -> None:
    database.execute(f"DROP TABLE {table}")


def destroy_pages(database: sqlite3.Connection, table: str) -> None:
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ((size,),) = database.execute("PRAGMA page_size")
    ((root,),) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table])
    ((_, _, file),) = database.execute("PRAGMA database_list")
    with Path(file).open("r+b") as pages:
        pages.seek((root - 1) * size)
        pages.write(b"\xff" * size)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("damage", "tables"),
    [*((drop, batch) for batch in BATCHES), (destroy_pages, DESTROYED)],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value.__name__,
)
async def test_health_is_not_good_while_nothing_is_posted_because_a_table_is_gone_or_destroyed(
    tmp_path: Path, damage: Damage, tables: Sequence[str]
) -> None:
    async with TaskGroup() as group:
        for table in tables:
            group.create_task(damage_and_check(tmp_path / table, damage, table))
