"""Many processes over one PostgreSQL: the work as tasks of procrastinate."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

import procrastinate
import structlog
from procrastinate import exceptions, jobs, schema, sync_psycopg_connector

from bot import model
from bot.app.engines.stages import Stages
from bot.model.runtime import STORE_PAUSE, TaskGroup
from bot.pipeline.decide import BATCH, Decider
from bot.pipeline.keep import HEARTBEAT_EVERY, Heartbeat
from bot.pipeline.passes import EndsAt

log = structlog.get_logger("wirewatch")

#: How long a task that lasts keeps its place before another worker may have it: its shift.
SHIFT = timedelta(minutes=5)
#: A worker without a heartbeat for so long is dead; it sends three in this time.
DEAD_AFTER = timedelta(seconds=15)
#: How long a stopping worker's tasks may still take: the container's own limit is ten seconds.
GRACE = timedelta(seconds=8.5)
#: The engine is started again this long after it failed (PostgreSQL is restarting, say).
AGAIN_AFTER = timedelta(seconds=2)
OPENED_WITHIN = timedelta(seconds=5)
#: Batches of feeds that one process polls at once.
POLLS = 4
#: Batches that may wait for a free worker.
POLLS_WAITING = 32
#: Tasks of short life beside the others: tick, recover, keep.
_SHORT = 3

_TICK = "* * * * * */2"
_RECOVER = "* * * * * */5"
_KEEP = "* * * * *"
#: Priorities; polls have none.
_SOON, _FIRST = 5, 10

#: Any number of ours: workers that start together make the tables one after another.
_SCHEMA_LOCK = 5_781_104_928
#: Which of the engine's migrations its tables have seen is beside them.
_FOUND_SCHEMA = "SELECT obj_description(to_regclass('procrastinate_jobs')) AS version"
_MARK_SCHEMA = "COMMENT ON TABLE procrastinate_jobs IS"


class Work(Protocol):
    """What the tasks do."""

    @property
    def batch(self) -> int:
        """Feeds that one ``poll`` takes."""

    @property
    def shares(self) -> int:
        """Into how many the channels are shared out for sending."""

    async def tick(self) -> int:
        """Note that the cluster lives; gives how many feeds are due."""

    async def poll(self, token: str) -> None:
        """Take a batch of due feeds, leased to ``token``, as far as the decision queue."""

    async def let_go(self, token: str) -> None:
        """Who leased feeds to ``token`` is dead: they are free now, not when their lease has run out."""

    async def tell_of_dead(self) -> None:
        """Write down the end of workers that were killed."""

    async def decide(self, over: asyncio.Event) -> None:
        """Decide what waits, batch after batch, until ``over``."""

    async def send(self, share: int, over: asyncio.Event) -> None:
        """Send until ``over``, and then what is due still."""

    async def keep(self) -> None:
        """Delete what is past its retention."""


class TaskQueue:
    """This process's part in the queue: it defers tasks and runs its share of them."""

    def __init__(self, conninfo: str, work: Work) -> None:
        """``conninfo`` as libpq reads it."""
        self._conninfo = conninfo
        self._work = work
        self._has_begun = False
        self._is_stopping = False
        #: Of each lasting task that runs here.
        self._shifts: set[asyncio.Event] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop``; a database that goes away is waited for. Raises StoreUnavailable at the start."""
        # A line a task is for debugging the engine, not the news.
        for name in ("procrastinate", "psycopg.pool"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        while not stop.is_set():
            failure = await self._run_until_it_fails(stop)
            if failure is not None and not self._has_begun:
                raise model.StoreUnavailable(f"starting the task engine: {_cause(failure)}") from failure
            if not stop.is_set():
                log.error("task engine stopped; starting it again", error=_cause(failure) if failure else None)
                with suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN_AFTER.total_seconds()):
                        await stop.wait()

    async def _run_until_it_fails(self, stop: asyncio.Event) -> Exception | None:
        """None: it ended by itself, as it does when a connection is lost, or since it was to stop."""
        failure: Exception | None = None
        try:
            await self._run(stop)
        except* (exceptions.ConnectorException, OSError) as failures:
            failure = failures
            while isinstance(failure, ExceptionGroup):
                failure = failure.exceptions[0]
        return failure

    async def _run(self, stop: asyncio.Event) -> None:
        async with TaskGroup() as group:
            working = group.create_task(self._work_on(self._app()))
            stopping = group.create_task(stop.wait())
            await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                self._end_shifts()
                working.cancel()
            stopping.cancel()

    async def _work_on(self, app: procrastinate.App) -> None:
        """Until cancelled, or a connection is lost."""
        try:
            with sync_psycopg_connector.wrap_exceptions():
                await _open(app)
                await _make_schema(app)
            self._has_begun = True
            with suppress(asyncio.CancelledError):
                await app.run_worker_async(
                    concurrency=1 + self._work.shares + POLLS + _SHORT,
                    install_signal_handlers=False,
                    listen_notify=True,
                    fetch_job_polling_interval=1.0,
                    delete_jobs=jobs.DeleteJobCondition.ALWAYS,
                    shutdown_graceful_timeout=GRACE.total_seconds(),
                    update_heartbeat_interval=DEAD_AFTER.total_seconds() / 3,
                    stalled_worker_timeout=DEAD_AFTER.total_seconds(),
                )
        finally:
            await app.close_async()

    def _app(self) -> procrastinate.App:
        app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(conninfo=self._conninfo, min_size=1, max_size=4)
        )

        @app.task(name="poll")
        async def poll(token: str) -> None:
            await self._work.poll(token)

        @app.task(name="decide")
        async def decide() -> None:
            await self._lasting(self._work.decide)

        @app.task(name="send")
        async def send(share: int) -> None:
            await self._lasting(lambda over: self._work.send(share, over))

        @app.periodic(cron=_TICK)
        @app.task(name="tick", queueing_lock="tick", priority=_FIRST)
        async def tick(timestamp: int) -> None:
            due = await self._work.tick()
            await _defer(decide.configure(lock="decide", queueing_lock="decide", priority=_SOON))
            for share in range(self._work.shares):
                name = f"send {share}"
                await _defer(send.configure(lock=name, queueing_lock=name, priority=_SOON), share=share)
            for number in range(min(math.ceil(due / self._work.batch), POLLS_WAITING)):
                await _defer(poll.configure(queueing_lock=f"poll {number}"), token=secrets.token_hex(8))

        @app.periodic(cron=_RECOVER)
        @app.task(name="recover", queueing_lock="recover", priority=_FIRST)
        async def recover(timestamp: int) -> None:
            await self._recover(app)
            await self._work.tell_of_dead()

        @app.periodic(cron=_KEEP)
        @app.task(name="keep", lock="keep", queueing_lock="keep", priority=_SOON)
        async def keep(timestamp: int) -> None:
            await self._work.keep()

        return app

    async def _recover(self, app: procrastinate.App) -> None:
        """Tasks of workers that died are released: the next tick defers them again."""
        dead_after = DEAD_AFTER.total_seconds()
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=dead_after):
            if job.id is None:
                continue
            log.warning("task of a dead worker released", task=job.task_name, lock=job.lock)
            with suppress(exceptions.ConnectorException):  # It has ended after all.
                await app.job_manager.finish_job_by_id_async(job.id, jobs.Status.FAILED, delete_job=True)
            if token := job.task_kwargs.get("token"):
                await self._work.let_go(str(token))

    async def _lasting(self, work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        """Until its shift is over, or this process stops."""
        over = asyncio.Event()
        if self._is_stopping:
            return
        self._shifts.add(over)
        timer = asyncio.get_running_loop().call_later(SHIFT.total_seconds(), over.set)
        try:
            await work(over)
        finally:
            timer.cancel()
            self._shifts.discard(over)

    def _end_shifts(self) -> None:
        self._is_stopping = True
        for over in self._shifts:
            over.set()


async def _open(app: procrastinate.App) -> None:
    try:
        async with asyncio.timeout(OPENED_WITHIN.total_seconds()):
            await app.open_async()
    except TimeoutError:
        raise OSError(f"no connection to PostgreSQL within {OPENED_WITHIN.total_seconds():g} seconds") from None


async def _defer(job: jobs.JobDeferrer, **kwargs: int | str) -> None:
    """One of a name waits at a time; more would do the same again."""
    with suppress(exceptions.AlreadyEnqueued):
        await job.defer_async(**kwargs)


async def _make_schema(app: procrastinate.App) -> None:
    """The engine's own tables, once for all workers, and its migrations since. Raises StoreUnavailable."""
    wanted = _migrations()
    for _ in range(2):
        found = await app.connector.execute_query_one_async(_FOUND_SCHEMA)
        have = found["version"]
        if have == wanted[-1]:
            return
        if have is None:
            queries = [schema.SchemaManager.get_schema()]
        elif have in wanted:
            folder = Path(schema.SchemaManager.get_migrations_path())
            queries = [(folder / name).read_text() for name in wanted[wanted.index(have) + 1 :]]
        else:
            raise model.StoreUnavailable(
                f"starting the task engine: its tables are of a version that this one does not know ({have}); "
                "start the newest version of Wirewatch, or use another database"
            )
        steps = [f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})", *queries, f"{_MARK_SCHEMA} '{wanted[-1]}'"]
        try:
            # Statements sent together are one transaction.
            await app.connector.execute_query_async(";\n".join(steps).replace("%", "%%"))
        except exceptions.ConnectorException as error:
            # Two that start at once: the second finds the tables of the first.
            again = error
        else:
            return
    raise again


def _migrations() -> list[str]:
    return sorted(path.name for path in Path(schema.SchemaManager.get_migrations_path()).glob("*.sql"))


def _cause(error: BaseException) -> str:
    """The engine wraps what PostgreSQL said; that has no secret in it, but may hold a query."""
    lines = str(error.__cause__ or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


#: Into how many the channels are shared out. The number is the cluster's, so it is no setting: workers that disagreed
#: would send for one channel side by side.
SHARES = 4
#: An empty decision queue is looked into this often.
LOOK = timedelta(seconds=0.5)
#: An identity that was reserved for a new article is forgotten after this long: the transaction that adds the article
#: has ended by then, and its own rows tell other workers that the article is known.
GUARDED = timedelta(hours=1)


class ClusterEngine:
    """Implements Engine, and for the task queue its Work: what this process does of each task.

    A failure of the database, which the store logs, ends a task; the next tick defers it again.
    """

    shares = SHARES

    def __init__(self, stages: Stages, *, deciding: Decider, heart: Heartbeat, conninfo: str) -> None:
        """``conninfo``: the database's address as libpq reads it, with what is secret in it."""
        self._stages = stages
        self._deciding = deciding
        self._heartbeat = heart
        self._conninfo = conninfo

    async def run(self, stop: asyncio.Event) -> None:
        """Take part until ``stop``. Raises StoreUnavailable at the start."""
        async with TaskGroup() as group:
            # Not cut off: a word that comes after the end would make it a sudden one.
            living = group.create_task(self._live(stop))
            try:
                await TaskQueue(self._conninfo, self).run(stop)
            except BaseException:
                living.cancel()
                raise

    async def _live(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(model.StoreError):
                await self._heartbeat.live()
            await _wait(stop, HEARTBEAT_EVERY)

    async def tell_of_dead(self) -> None:
        with contextlib.suppress(model.StoreError):
            await self._heartbeat.tell_of_dead()

    @property
    def batch(self) -> int:
        """As many as are fetched at once: a batch ends when its slowest feed does."""
        return self._stages.live.settings.bot.fetch.concurrency

    async def tick(self) -> int:
        stages = self._stages
        try:
            await stages.note_tick()
            now = stages.clock.now()
            return await stages.store.read(lambda tx: tx.feeds.count_due(now=now))
        except model.StoreError:
            return 0

    async def poll(self, token: str) -> None:
        stages = self._stages
        try:
            _, states = await stages.pipeline.claim(limit=self.batch, token=token)
            try:
                passed = await stages.pipeline.run(token, states, stages.live.snapshot, ends_at=EndsAt.QUEUE)
            except BaseException:
                # Cut off: the feeds are free for the others now, not when their lease has run out.
                await asyncio.shield(self.let_go(token))
                raise
        except model.StoreError:
            return
        stages.on_pass(passed)

    async def let_go(self, token: str) -> None:
        # Without it their lease runs out.
        with contextlib.suppress(model.StoreError):
            await self._stages.pipeline.let_go(token)

    async def decide(self, over: asyncio.Event) -> None:
        while not over.is_set():
            try:
                batch = await self._deciding.decide_batch(self._stages.live.snapshot, limit=BATCH)
            except model.StoreError:
                await _wait(over, STORE_PAUSE)
                continue
            if batch.taken < BATCH:
                await _wait(over, LOOK)

    async def send(self, share: int, over: asyncio.Event) -> None:
        await self._stages.send(over, is_ours=partial(_is_of, share))

    async def keep(self) -> None:
        """Delete what is past its retention; what fails is done a minute later."""
        stages = self._stages
        before = stages.clock.now() - GUARDED
        with contextlib.suppress(model.StoreError):
            await stages.maintain()
            await stages.store.write(lambda tx: tx.articles.forget_fresh(before=before))


def _is_of(share: int, channel: model.Channel) -> bool:
    """Channels of one account share one sender: what closes the account closes them all."""
    return zlib.crc32(channel.account.encode()) % SHARES == share


async def _wait(over: asyncio.Event, duration: timedelta) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(duration.total_seconds()):
            await over.wait()
