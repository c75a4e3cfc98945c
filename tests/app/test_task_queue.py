"""The task engine by itself: its tables, and a database that cannot be reached."""

from __future__ import annotations

import asyncio

import pytest

from bot import storage
from bot.app.engines import cluster
from bot.model.errors import StoreUnavailable
from tests.testbed.servers.postgres import Server, name_of

pytestmark = pytest.mark.postgres


class Idle(cluster.ClusterEngine):
    """An engine whose stages only count how often they run."""

    batch = 10

    def __init__(self, conninfo: str) -> None:
        super().__init__(None, lambda report: None, conninfo=conninfo)  # type: ignore[arg-type]
        self.ticks, self.polls = 0, 0

    async def tick(self) -> int:
        self.ticks += 1
        return 25

    async def poll(self, token: str) -> None:
        self.polls += 1

    async def release_feeds(self, token: str) -> None: ...

    async def note_dead_workers(self) -> None: ...

    async def decide(self, over: asyncio.Event) -> None:
        await over.wait()

    async def send(self, share: int, over: asyncio.Event) -> None:
        await over.wait()

    async def keep(self) -> None: ...


async def test_a_database_that_is_not_there_is_said_at_the_start(postgres_server: Server) -> None:
    nowhere = storage.libpq_address(postgres_server.address("nothere"))
    with pytest.raises(StoreUnavailable, match="starting the task engine"):
        await Idle(nowhere).run_tasks(asyncio.Event())


async def test_two_workers_that_start_at_once_make_the_engines_tables_once_and_poll_what_is_due(
    postgres_server: Server,
) -> None:
    address = postgres_server.new_database()
    conninfo = storage.libpq_address(address)
    stop = asyncio.Event()
    first, second = Idle(conninfo), Idle(conninfo)
    async with asyncio.TaskGroup() as group:
        for engine in (first, second):
            group.create_task(engine.run_tasks(stop))
        async with asyncio.timeout(300):
            # 25 due feeds in batches of ten: three tasks a tick.
            while first.polls + second.polls < 6:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        stop.set()
    name = name_of(address)
    ((version,),) = postgres_server.run("SELECT obj_description('procrastinate_jobs'::regclass)", database=name)
    assert str(version).endswith(".sql")
    # A tick is the cluster's, not the worker's.
    assert first.ticks + second.ticks <= first.polls + second.polls
