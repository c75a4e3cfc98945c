"""The task engine alone: a database that cannot be reached, and stages with a bug."""

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
from tests.testbed.servers.postgres import Server

pytestmark = pytest.mark.postgres


class Failing(cluster.ClusterEngine):
    """An engine whose stages raise an unexpected error when they run for the first time."""

    batch = 10

    def __init__(self, conninfo: str) -> None:
        self.failures: dict[str, Failure] = {}
        self.runs = {"poll": 0, "decide": 0, "send": 0}
        app = SimpleNamespace(clock=SystemClock(), task_failures=self.failures, heartbeat=SimpleNamespace(live=None))
        super().__init__(app, lambda report: None, conninfo=conninfo)  # type: ignore[arg-type]

    def _fail_once(self, name: str) -> None:
        self.runs[name] += 1
        if self.runs[name] == 1:
            raise LookupError("a bug")

    async def count_due(self) -> int:
        return 1

    async def poll(self, token: str) -> None:
        self._fail_once("poll")

    async def release_feeds(self, token: str) -> None: ...

    async def recover(self) -> None: ...

    async def decide(self, over: asyncio.Event) -> None:
        self._fail_once("decide")
        await over.wait()

    async def send(self, share: int, over: asyncio.Event) -> None:
        self._fail_once("send")
        await over.wait()


async def test_engines_wait_for_their_database_make_their_tables_once_and_start_each_stage_again_that_raises(
    postgres_server: Server,
) -> None:
    conninfo, stop = storage.libpq_address(postgres_server.address("nothere")), asyncio.Event()
    engines = first, second = Failing(conninfo), Failing(conninfo)
    jobs = [guard(job, SystemClock(), first.failures) for job in first.jobs if job.name == "defer tasks"]
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as group, asyncio.timeout(300):
            for engine in engines:
                group.create_task(engine.run(stop))
            while not all("task engine" in engine.failures for engine in engines):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            postgres_server.run("CREATE DATABASE nothere")
            group.create_task(run_jobs(jobs, stop))
            while not all(max(engine.runs[name] for engine in engines) > 1 for name in first.runs):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            stop.set()
    assert logs[0]["event"] == "task waits for the database"
    assert "no connection to PostgreSQL" in logs[0]["error"]
    failures = {**second.failures, **first.failures}
    stages = {name: failure.error for name, failure in failures.items() if name in first.runs}
    assert stages == {"poll": "LookupError", "decide": "LookupError", "send": "LookupError"}
    ((version,),) = postgres_server.run("SELECT obj_description('procrastinate_jobs'::regclass)", database="nothere")
    assert str(version).endswith(".sql")
