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
        self.runs = {"count": 0, "poll": 0, "decide": 0, "send": 0}
        app = SimpleNamespace(clock=SystemClock(), task_failures=self.failures, heartbeat=SimpleNamespace(live=None))
        super().__init__(app, lambda report: None, conninfo=conninfo)  # type: ignore[arg-type]

    def _fail_once(self, name: str) -> None:
        self.runs[name] += 1
        if self.runs[name] == 1:
            raise LookupError("a bug")

    async def count_due(self) -> int:
        self._fail_once("count")
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


async def test_an_engine_waits_for_its_database_and_starts_each_stage_again_that_raises_an_unexpected_error(
    postgres_server: Server,
) -> None:
    engine, stop = Failing(storage.libpq_address(postgres_server.address("nothere"))), asyncio.Event()
    jobs = [guard(job, SystemClock(), engine.failures) for job in engine.jobs if job.name == "defer tasks"]
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as group, asyncio.timeout(300):
            group.create_task(engine.run(stop))
            while "task engine" not in engine.failures:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            postgres_server.run("CREATE DATABASE nothere")
            group.create_task(run_jobs(jobs, stop))
            while min(engine.runs.values()) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            stop.set()
    assert logs[0]["event"] == "task waits for the database"
    assert "no connection to PostgreSQL" in logs[0]["error"]
    stages = {name: failure.error for name, failure in engine.failures.items() if name in engine.runs}
    assert stages == {"poll": "LookupError", "decide": "LookupError", "send": "LookupError"}
