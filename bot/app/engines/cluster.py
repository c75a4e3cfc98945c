"""Run the stages as procrastinate tasks in several processes over one PostgreSQL database."""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import zlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import procrastinate
import structlog
from procrastinate import exceptions, jobs, schema, sync_psycopg_connector

from bot.aio import STORE_PAUSE, TaskGroup, supervise, wait_for_event
from bot.app.jobs import Job
from bot.app.runtime import App
from bot.model.errors import StoreError, StoreUnavailable
from bot.pipeline.decide import BATCH
from bot.pipeline.keep import HEARTBEAT_EVERY
from bot.pipeline.passes import APART
from bot.pipeline.reports import PassReport

log = structlog.get_logger("wirewatch")

#: Maximum duration of a long-running task (decide, send) before another worker may take it over.
SHIFT = timedelta(minutes=5)
#: A worker without a heartbeat for this long counts as dead. Workers send three heartbeats in this time.
DEAD_AFTER = timedelta(seconds=15)
#: Maximum time for tasks to finish when the worker stops. Docker kills a container after ten seconds.
GRACE = timedelta(seconds=8.5)
OPENED_WITHIN = timedelta(seconds=5)
#: Number of feed batches that one process polls concurrently.
POLLS = 4
#: Maximum feed batches that wait for a free worker.
POLLS_WAITING = 32
#: Priority of the tasks that decide and send; the highest comes first. Polls have the default priority, 0.
SOON = 5

#: Key of the advisory lock that lets only one worker at a time create the tables.
SCHEMA_LOCK = 5_781_104_928
#: A comment on procrastinate's table records the last migration that was applied.
_FOUND_SCHEMA = "SELECT obj_description(to_regclass('procrastinate_jobs')) AS version"
_MARK_SCHEMA = "COMMENT ON TABLE procrastinate_jobs IS"

#: Number of groups into which the channels are divided. Not a setting, because workers with different numbers would
#: send to one channel concurrently.
SHARES = 4
#: Interval between reads of an empty decision queue.
LOOK = timedelta(seconds=0.5)


class ClusterEngine:
    """The engine of each process of a cluster: defers the stages as tasks, and runs some of the deferred tasks.

    A database error ends a task. The store logs the error, and the job ``defer tasks`` defers the task again.
    """

    def __init__(self, app: App, on_pass: Callable[[PassReport], None], *, conninfo: str) -> None:
        """``on_pass`` is called after each pass; ``conninfo`` is the database's address in the format of libpq."""
        self._app = app
        self._on_pass = on_pass
        self._tasks = self._make_tasks(conninfo)
        #: The events that end the long-running tasks of this process.
        self._shifts: set[asyncio.Event] = set()
        self._is_stopping = False

    @property
    def jobs(self) -> Sequence[Job]:
        """The periodic work of the stages: heartbeats, and deferring tasks for any process."""
        return [
            Job(name="heartbeat", every=HEARTBEAT_EVERY, work=self._app.heartbeat.live),
            Job(name="defer tasks", every=timedelta(seconds=2), work=self.defer_tasks, is_shared=True),
            Job(name="recover", every=timedelta(seconds=5), work=self.recover, is_shared=True),
        ]

    async def run(self, stop: asyncio.Event) -> None:
        """Run tasks until ``stop`` is set. Wait while PostgreSQL is unavailable."""
        # These libraries log a line per task, which helps only to debug the engine.
        for name in ("procrastinate", "psycopg.pool"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        app = self._app
        await supervise("task engine", lambda: self._run_tasks(stop), app.clock, app.task_failures, over=stop)

    @property
    def batch(self) -> int:
        """Number of feeds in a batch: no more than are fetched concurrently, as a batch ends with its slowest feed."""
        return self._app.live.settings.bot.fetch.concurrency

    async def count_due(self) -> int:
        """Record that the bot looks for due feeds, and count them. Raises StoreUnavailable."""
        await self._app.heartbeat.tick(operator=self._app.settings.bot.operator)
        now = self._app.clock.now()
        return await self._app.store.read(lambda tx: tx.feeds.count_due(now=now))

    async def defer_tasks(self) -> None:
        """Defer a poll for each batch of due feeds, and the tasks that decide and send. Raises StoreUnavailable."""
        due = await self.count_due()
        await self._defer("decide", lock="decide")
        for share in range(SHARES):
            await self._defer("send", lock=f"send {share}", share=share)
        for number in range(min(math.ceil(due / self.batch), POLLS_WAITING)):
            await self._defer("poll", queueing_lock=f"poll {number}", token=secrets.token_hex(8))

    async def recover(self) -> None:
        """Delete the tasks of dead workers, release their feeds, and record their end. Raises StoreUnavailable.

        The next run of the job ``defer tasks`` defers the tasks again.
        """
        try:
            dead_after = DEAD_AFTER.total_seconds()
            for job in await self._tasks.job_manager.get_stalled_jobs(seconds_since_heartbeat=dead_after):
                if job.id is None:
                    continue
                log.warning("task of an unresponsive worker released", task=job.task_name, lock=job.lock)
                with suppress(exceptions.ConnectorException):  # the task may have ended after the query
                    await self._tasks.job_manager.finish_job_by_id_async(job.id, jobs.Status.FAILED, delete_job=True)
                if token := job.task_kwargs.get("token"):
                    await self.release_feeds(str(token))
        except (exceptions.ConnectorException, exceptions.AppNotOpen) as error:
            raise StoreUnavailable(f"looking for tasks of dead workers: {_cause(error)}") from error
        await self._app.heartbeat.forget_dead_workers()

    async def _defer(
        self, task: str, *, lock: str | None = None, queueing_lock: str | None = None, **kwargs: int | str
    ) -> None:
        """Defer a task, unless one with the same lock waits already. Raises StoreUnavailable."""
        priority = SOON if lock else 0
        job = self._tasks.configure_task(task, lock=lock, queueing_lock=queueing_lock or lock, priority=priority)
        try:
            with suppress(exceptions.AlreadyEnqueued):
                await job.defer_async(**kwargs)
        except (exceptions.ConnectorException, exceptions.AppNotOpen) as error:
            raise StoreUnavailable(f"deferring a task: {_cause(error)}") from error

    async def poll(self, token: str) -> None:
        """Lease a batch of due feeds to ``token``, poll them, and queue their articles for decision."""
        pipeline = self._app.pipeline
        try:
            _, states = await pipeline.claim(limit=self.batch, token=token)
            try:
                passed = await pipeline.run(token, states, self._app.live.settings, decides=False)
            except StoreError:
                # The polls could not be stored. The feeds wait until their lease ends, and are not fetched before.
                return
            except Exception:  # noqa: BLE001 -- the pipeline has logged it
                fetch = self._app.live.settings.bot.fetch
                wait = APART if len(states) > 1 else max(fetch.every, fetch.at_least)
                await pipeline.postpone_feeds(token, wait=wait)
                return
            except BaseException:
                # The poll was interrupted. Release the feeds, so that other workers need not wait until the lease ends.
                await asyncio.shield(self.release_feeds(token))
                raise
        except StoreError:
            return
        self._on_pass(passed)

    async def release_feeds(self, token: str) -> None:
        """Release the feeds leased to ``token``, whose poll was interrupted or whose worker is dead."""
        # If the release fails, the feeds become free when their lease expires.
        with suppress(StoreError):
            await self._app.pipeline.free_feeds(token)

    async def decide(self, over: asyncio.Event) -> None:
        """Decide waiting articles, batch after batch, until ``over`` is set."""
        while not over.is_set():
            try:
                batch = await self._app.decider.decide_batch(self._app.live.settings, limit=BATCH)
            except StoreError:
                await wait_for_event(over, STORE_PAUSE)
                continue
            if batch.decided_count < BATCH:
                await wait_for_event(over, LOOK)

    async def send(self, share: int, over: asyncio.Event) -> None:
        """Send to the channels of a share until ``over`` is set, then send the messages that are due."""
        # All channels of an account belong to the same share.
        await self._app.send(over, is_ours=lambda channel: zlib.crc32(channel.account.encode()) % SHARES == share)

    async def _run_tasks(self, stop: asyncio.Event) -> None:
        """Run tasks until ``stop`` is set. Raises StoreUnavailable if PostgreSQL cannot be reached."""
        failure: Exception | None = None
        try:
            async with TaskGroup() as group:
                working = group.create_task(self._work())
                stopping = group.create_task(stop.wait())
                await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
                if stop.is_set():
                    self._is_stopping = True
                    for over in self._shifts:
                        over.set()
                    working.cancel()
                stopping.cancel()
        except* (exceptions.ConnectorException, OSError) as failures:
            failure = failures
            while isinstance(failure, ExceptionGroup):
                failure = failure.exceptions[0]
        if not stop.is_set():
            cause = _cause(failure) if failure else "the worker ended"
            raise StoreUnavailable(f"running the task engine: {cause}") from failure

    async def _work(self) -> None:
        """Run a worker until cancelled, or until a connection is lost."""
        try:
            with sync_psycopg_connector.wrap_exceptions():
                await _open(self._tasks)
                await _make_schema(self._tasks)
            with suppress(asyncio.CancelledError):
                await self._tasks.run_worker_async(
                    concurrency=1 + SHARES + POLLS,
                    install_signal_handlers=False,
                    listen_notify=True,
                    fetch_job_polling_interval=1.0,
                    delete_jobs=jobs.DeleteJobCondition.ALWAYS,
                    shutdown_graceful_timeout=GRACE.total_seconds(),
                    update_heartbeat_interval=DEAD_AFTER.total_seconds() / 3,
                    stalled_worker_timeout=DEAD_AFTER.total_seconds(),
                )
        finally:
            await self._tasks.close_async()

    def _make_tasks(self, conninfo: str) -> procrastinate.App:
        app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=conninfo, min_size=1, max_size=4))

        @app.task(name="poll")
        async def poll(token: str) -> None:
            await self._supervise("poll", lambda: self.poll(token))

        @app.task(name="decide")
        async def decide() -> None:
            await self._run_long("decide", self.decide)

        @app.task(name="send")
        async def send(share: int) -> None:
            await self._run_long("send", lambda over: self.send(share, over))

        return app

    async def _supervise(
        self, name: str, work: Callable[[], Awaitable[None]], *, over: asyncio.Event | None = None
    ) -> None:
        """Run a task, again after an unexpected error. If PostgreSQL fails, the job ``defer tasks`` defers it again."""

        async def run() -> None:
            with suppress(exceptions.ConnectorException, StoreError):
                await work()

        await supervise(name, run, self._app.clock, self._app.task_failures, over=over)

    async def _run_long(self, name: str, work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        """Run a long task until its shift ends or this process stops."""
        over = asyncio.Event()
        if self._is_stopping:
            return
        self._shifts.add(over)
        timer = asyncio.get_running_loop().call_later(SHIFT.total_seconds(), over.set)
        try:
            await self._supervise(name, lambda: work(over), over=over)
        finally:
            timer.cancel()
            self._shifts.discard(over)


async def _open(app: procrastinate.App) -> None:
    try:
        async with asyncio.timeout(OPENED_WITHIN.total_seconds()):
            await app.open_async()
    except TimeoutError:
        raise OSError(f"no connection to PostgreSQL within {OPENED_WITHIN.total_seconds():g} seconds") from None


async def _make_schema(app: procrastinate.App) -> None:
    """Create or migrate the tables of procrastinate, once for all workers. Raises StoreUnavailable."""
    migrations = _migrations()
    for _ in range(2):
        row = await app.connector.execute_query_one_async(_FOUND_SCHEMA)
        version = row["version"]
        if version == migrations[-1]:
            return
        if version is None:
            queries = [schema.SchemaManager.get_schema()]
        elif version in migrations:
            folder = Path(schema.SchemaManager.get_migrations_path())
            queries = [(folder / name).read_text() for name in migrations[migrations.index(version) + 1 :]]
        else:
            raise StoreUnavailable(
                f"starting the task engine: its tables have an unknown version ({version}); "
                "start the newest version of Wirewatch, or use another database"
            )
        steps = [f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})", *queries, f"{_MARK_SCHEMA} '{migrations[-1]}'"]
        try:
            # If statements are sent together, PostgreSQL runs them in one transaction.
            await app.connector.execute_query_async(";\n".join(steps).replace("%", "%%"))
        except exceptions.ConnectorException as error:
            # Another worker may have created the tables at the same time; the second attempt then finds them.
            failure = error
        else:
            return
    raise failure


def _migrations() -> list[str]:
    return sorted(path.name for path in Path(schema.SchemaManager.get_migrations_path()).glob("*.sql"))


def _cause(error: BaseException) -> str:
    """Return only the first line of PostgreSQL's error, because the other lines may contain a query."""
    lines = str(error.__cause__ or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
