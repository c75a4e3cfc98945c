"""The periodic work of a running bot: jobs, which APScheduler runs.

    Job(name, every, work) ─▶ guard ─▶ run_jobs ─▶ a run at once, then one at each interval
                                                     ├─ returns: the job works
                                                     └─ raises: logged, reported as failing; pauses that grow

``App.jobs`` is the table of the jobs of every bot; each engine adds those of its stages.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec
import structlog
from msgspec.structs import replace

from bot import storage
from bot.aio import FIRST_PAUSE, LONGEST_PAUSE, Failure, TaskGroup, next_failure, wait_for_event
from bot.durations import Clock, is_recent
from bot.model.errors import StoreError
from bot.storage import keys

log = structlog.get_logger("wirewatch")

#: Interval between checks whether the clock was set back.
CLOCK_CHECK = timedelta(seconds=5)
#: How long running jobs may go on after a stop, so that they can commit what they write.
GRACE = timedelta(seconds=1)
#: The shortest time for which a process of a cluster reserves a shared job.
SHORTEST_TURN = timedelta(seconds=15)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Work that runs at once and then at intervals. A run that takes longer than the interval skips runs."""

    name: str
    every: timedelta
    work: Callable[[], Coroutine[None, None, object]]
    #: Whether only one process of a cluster runs it.
    is_shared: bool = False


class RunJobs(Protocol):
    """Runs jobs until ``stop`` is set."""

    async def __call__(self, jobs: Sequence[Job], stop: asyncio.Event) -> None: ...


async def run_jobs(jobs: Sequence[Job], stop: asyncio.Event) -> None:
    """Run jobs until ``stop`` is set, and then let the running ones end. Their work must not raise (``guard``)."""
    # Import here, because only a bot that keeps running needs APScheduler.
    from apscheduler.schedulers.asyncio import AsyncIOScheduler
    from apscheduler.triggers.base import BaseTrigger

    class Interval(BaseTrigger):  # type: ignore[misc]  # the package ships no types
        """The times of one job. Runs that were missed are skipped, however far the clock leaps forward.

        APScheduler's own interval trigger lists each missed run before the scheduler drops all but the last one. After
        a leap of a month, that takes a minute and 300 MB.
        """

        __slots__ = ("every",)

        def __init__(self, every: timedelta) -> None:
            self.every = every

        def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
            if previous is not None and previous + self.every > now:
                return previous + self.every
            return now + self.every

    # APScheduler's log lines report only skipped runs, and runs that the stop cancelled.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    # By default, APScheduler drops a run that is more than a second late, which is common on a busy machine.
    defaults = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
    scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
    running: set[asyncio.Task[object]] = set()
    is_over = False
    async with TaskGroup() as group:

        async def run(job: Job) -> None:
            # The scheduler ends slightly later than this function, whose group then accepts no tasks.
            if not is_over and not stop.is_set():
                # The scheduler does not wait for its own tasks when it ends, but this group does.
                task = group.create_task(job.work())
                running.add(task)
                task.add_done_callback(running.discard)
                await asyncio.wait([task])

        for job in jobs:
            scheduler.add_job(run, Interval(job.every), [job], id=job.name, next_run_time=_now())
        scheduler.start()
        try:
            while not stop.is_set():
                await wait_for_event(stop, CLOCK_CHECK)
                for job in jobs:
                    # If the clock was set back by an hour, the next run is an hour away.
                    if scheduler.get_job(job.name).next_run_time - _now() > job.every:
                        scheduler.modify_job(job.name, next_run_time=_now())
        finally:
            is_over = True
            scheduler.shutdown(wait=False)
        if running:
            await asyncio.wait(running, timeout=GRACE.total_seconds())
        for task in running:
            task.cancel()


def guard(job: Job, clock: Clock, failures: dict[str, Failure]) -> Job:
    """Return the job with work that never raises.

    After an unexpected error, the job pauses, longer after each further one. ``failures`` has its last failure until
    it works. A database error does not count as a failure; the next run tries again.
    """
    failed_at, pause = None, FIRST_PAUSE

    async def work() -> None:
        nonlocal failed_at, pause
        if is_recent(failed_at, pause, clock.now()):
            return
        try:
            await job.work()
        except StoreError:
            return  # the store has logged it
        except Exception as error:
            # A bug in one job must not stop the others.
            last, failed_at = failures.get(job.name), clock.now()
            pause = min(2 * pause, LONGEST_PAUSE) if last else FIRST_PAUSE
            failures[job.name] = next_failure(last, job.name, error, now=failed_at)
            log.critical("task failed; it starts again", task=job.name, pause_s=pause.total_seconds(), exc_info=True)
        else:
            failed_at = None
            failures.pop(job.name, None)

    return replace(job, work=work)


def in_turn(job: Job, store: storage.Store, clock: Clock, *, process: str) -> Job:
    """Return the job with work that runs only in one process of a cluster, until that process ends."""
    turn = max(3 * job.every, SHORTEST_TURN)

    async def work() -> None:
        now = clock.now()
        if await store.write(lambda tx: keys.take_turn(tx, f"job {job.name}", process, now=now, until=now + turn)):
            await job.work()

    return replace(job, work=work)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the scheduler's own clock
