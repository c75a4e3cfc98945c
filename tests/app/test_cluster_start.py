"""A real worker that loses PostgreSQL while it starts waits for it, reports that, and then works."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bot.app.engines import cluster
from tests.crash.process import Bot, bot_in
from tests.testbed.servers.postgres import Server, name_of

pytestmark = [pytest.mark.postgres, pytest.mark.long, pytest.mark.timeout(240)]


@contextlib.contextmanager
def refused(server: Server, database: str) -> Iterator[None]:
    """Break all connections to a database and refuse new ones."""
    server.run(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
    yield
    server.run(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")


async def check(bot: Bot, server: Server, *, lock: str) -> None:
    address = server.new_database()
    name, config = name_of(address), bot.folder / "bot.yaml"
    config.write_text(config.read_text().replace(f"sqlite:///{bot.database}", address))
    assert await (await bot.start("once")).wait() == 0, bot.log
    waiting = f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}' AND wait_event_type = 'Lock'"
    with psycopg.connect(server.address(name)) as blocker:
        blocker.execute(lock.encode())
        async with bot.running():
            await bot.until(lambda: bool(server.run(waiting)))
            with refused(server, name):
                await bot.until(lambda: bot.log.count("task waits for the database") > 1)
                await bot.until_health_is(503)
            await bot.until(lambda: "feed polled" in bot.log)
            await bot.publish_and_await_messages(2)
        with contextlib.suppress(psycopg.OperationalError):
            blocker.rollback()


async def test_a_worker_waits_for_a_database_that_is_lost_before_its_engine_starts(
    tmp_path: Path, postgres_server: Server
) -> None:
    async with bot_in(tmp_path) as bot:
        await check(bot, postgres_server, lock="LOCK TABLE feeds IN ACCESS EXCLUSIVE MODE")


async def test_a_worker_waits_for_a_database_that_is_lost_while_its_engine_starts(
    tmp_path: Path, postgres_server: Server
) -> None:
    async with bot_in(tmp_path) as bot:
        await check(bot, postgres_server, lock=f"SELECT pg_advisory_lock({cluster.SCHEMA_LOCK})")
