"""The task engine alone: its tables, and a database that cannot be reached."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from bot import storage
from bot.aio import Failure
from bot.app.engines import cluster
from bot.app.environment import SystemClock
from bot.app.jobs import guard, run_jobs
from tests.testbed.servers.postgres import Server, name_of

pytestmark = pytest.mark.postgres


class Idle(cluster.ClusterEngine):
    """An engine whose stages only count how often they run."""

    batch = 10

    def __init__(self, conninfo: str) -> None:
        self.failures: dict[str, Failure] = {}
        app = SimpleNamespace(clock=SystemClock(), task_failures=self.failures, heartbeat=SimpleNamespace(live=None))
        super().__init__(app, lambda report: None, conninfo=conninfo)  # type: ignore[arg-type]
        self.counts, self.polls = 0, 0

    async def count_due(self) -> int:
        self.counts += 1
        return 25

    async def poll(self, token: str) -> None:
        self.polls += 1

    async def release_feeds(self, token: str) -> None: ...

    async def recover(self) -> None: ...

    async def decide(self, over: asyncio.Event) -> None:
        await over.wait()

    async def send(self, share: int, over: asyncio.Event) -> None:
        await over.wait()


async def defer_tasks(engine: Idle, stop: asyncio.Event) -> None:
    jobs = [guard(job, SystemClock(), engine.failures) for job in engine.jobs if job.name == "defer tasks"]
    await run_jobs(jobs, stop)


async def test_an_engine_whose_database_is_not_there_waits_for_it_and_then_starts(postgres_server: Server) -> None:
    engine, stop = Idle(storage.libpq_address(postgres_server.address("nothere"))), asyncio.Event()
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            group.create_task(engine.run(stop))
            async with asyncio.timeout(300):
                while "task engine" not in engine.failures:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            postgres_server.run("CREATE DATABASE nothere")
            group.create_task(defer_tasks(engine, stop))
            async with asyncio.timeout(300):
                while not engine.polls:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            stop.set()
    assert logs[0]["event"] == "task waits for the database"
    assert "no connection to PostgreSQL" in logs[0]["error"]


async def test_two_workers_that_start_at_once_make_the_engines_tables_once_and_poll_what_is_due(
    postgres_server: Server,
) -> None:
    address = postgres_server.new_database()
    conninfo = storage.libpq_address(address)
    stop = asyncio.Event()
    first, second = Idle(conninfo), Idle(conninfo)
    async with asyncio.TaskGroup() as group:
        for engine in (first, second):
            group.create_task(engine.run(stop))
        group.create_task(defer_tasks(first, stop))
        async with asyncio.timeout(300):
            # 25 due feeds in batches of ten: three tasks a tick.
            while first.polls + second.polls < 6:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        stop.set()
    name = name_of(address)
    ((version,),) = postgres_server.run("SELECT obj_description('procrastinate_jobs'::regclass)", database=name)
    assert str(version).endswith(".sql")


class Failing(Idle):
    """An engine whose stages raise an unexpected error when they run for the first time."""

    def __init__(self, conninfo: str) -> None:
        super().__init__(conninfo)
        self.runs: dict[str, int] = {}

    def _fail_once(self, name: str) -> None:
        self.runs[name] = self.runs.get(name, 0) + 1
        if self.runs[name] == 1:
            raise LookupError("a bug")

    async def count_due(self) -> int:
        self._fail_once("count")
        return 1

    async def poll(self, token: str) -> None:
        self._fail_once("poll")

    async def decide(self, over: asyncio.Event) -> None:
        self._fail_once("decide")
        await over.wait()

    async def send(self, share: int, over: asyncio.Event) -> None:
        self._fail_once("send")
        await over.wait()


async def test_a_stage_that_raises_an_unexpected_error_is_reported_and_starts_again(postgres_server: Server) -> None:
    engine, stop = Failing(storage.libpq_address(postgres_server.new_database())), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(engine.run(stop))
        group.create_task(defer_tasks(engine, stop))
        async with asyncio.timeout(300):
            while len(engine.runs) < 4 or min(engine.runs.values()) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        stop.set()
    assert {name: failure.error for name, failure in engine.failures.items()} == {
        "poll": "LookupError",
        "decide": "LookupError",
        "send": "LookupError",
    }
