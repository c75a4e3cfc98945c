"""Task groups, and retries while the database is unavailable."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
import structlog

from bot.durations import Clock
from bot.model.errors import StoreError, StoreUnavailable

T = TypeVar("T")

log = structlog.get_logger("wirewatch")

#: The pauses before a task is started again: the first one, the longest one after an unexpected error, and the longest
#: one after a failure of the database.
FIRST_PAUSE, LONGEST_PAUSE, LONGEST_STORE_PAUSE = timedelta(seconds=1), timedelta(minutes=5), timedelta(seconds=30)
#: The pause after a failure of the database.
STORE_PAUSE = timedelta(seconds=2)


class TaskGroup(asyncio.TaskGroup):
    """A task group that raises a StoreError of its tasks directly, so that ``except StoreError`` catches it.

    If its tasks raise any other errors, it raises an ExceptionGroup, as usual.
    """

    #: Defined by asyncio.TaskGroup: whether the group has cancelled its parent task because a task of the group failed.
    _parent_cancel_requested: bool

    async def __aenter__(self) -> Self:
        self._cancellations = _cancellations()
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_aborted = self._parent_cancel_requested
        try:
            await super().__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            if sys.version_info < (3, 13):
                self._settle_cancellations(is_aborted, group)
            store_errors, other_errors = group.split(StoreError)
            if store_errors is None or other_errors is not None:
                raise
            error = store_errors
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            raise error from None

    def _settle_cancellations(self, is_aborted: bool, group: BaseExceptionGroup[BaseException]) -> None:
        """Handle cancellations in the way of Python 3.13 and later (gh-116720)."""
        task = asyncio.current_task()
        if task is None:
            return
        if self._parent_cancel_requested and not is_aborted:
            # The group cancelled its parent task, which still counts that cancellation.
            task.uncancel()
        if task.cancelling() > self._cancellations:
            # The task was also cancelled from outside. Raising only the error would hide that.
            raise asyncio.CancelledError from group


def _cancellations() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


async def retry_until_stored(work: Callable[[], Awaitable[T]], clock: Clock) -> T:
    """Run ``work`` again until the database is available, and return its result. ``work`` must be safe to repeat."""
    while True:
        try:
            return await work()
        except StoreUnavailable:
            # The store has already logged the error.
            await clock.sleep(STORE_PAUSE)


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Failures in a row of a long-lived task or a stage."""

    name: str
    #: Time of the first failure.
    since: datetime
    count: int
    #: The type of the last error. Its text may contain secrets.
    error: str
    #: The failure is over at this time unless another one follows, or None if only a success ends it.
    until: datetime | None = None

    def is_current(self, now: datetime) -> bool:
        """Return whether the failure is not over yet."""
        return self.until is None or now <= self.until


def next_failure(
    last: Failure | None, name: str, error: BaseException, *, now: datetime, until: datetime | None = None
) -> Failure:
    """Return the failure of a task after an unexpected error. It continues ``last`` unless that is over."""
    is_repeated = last is not None and last.is_current(now)
    return Failure(
        name=name,
        since=last.since if last and is_repeated else now,
        count=last.count + 1 if last and is_repeated else 1,
        error=type(error).__name__,
        until=until,
    )


async def wait_for_event(event: asyncio.Event, duration: timedelta) -> None:
    """Wait until the event is set, for at most ``duration`` by the event loop's clock."""
    with suppress(TimeoutError):
        async with asyncio.timeout(duration.total_seconds()):
            await event.wait()


async def supervise(
    name: str,
    work: Callable[[], Awaitable[None]],
    clock: Clock,
    failures: dict[str, Failure] | None = None,
    *,
    over: asyncio.Event | None = None,
) -> None:
    """Run a long-lived task until it returns. After an error, start it again; the pauses grow up to a limit.

    Record the last failure under the task's name in ``failures``. Once ``over`` is set, do not start it again.
    """
    failures = {} if failures is None else failures
    pause = FIRST_PAUSE
    while over is None or not over.is_set():
        started_at = clock.now()
        try:
            await work()
        except Exception as error:
            # Nothing ends the bot but its operator.
            now = clock.now()
            if now - started_at > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            if isinstance(error, StoreError):
                pause = min(pause, LONGEST_STORE_PAUSE)
                log.error("task waits for the database", task=name, pause_s=pause.total_seconds(), error=str(error))
            else:
                log.critical("task failed; it starts again", task=name, pause_s=pause.total_seconds(), exc_info=True)
            # After the pause, the task must run for as long again.
            failures[name] = next_failure(failures.get(name), name, error, now=now, until=now + 2 * pause)
        else:
            return
        await _sleep_until(over or asyncio.Event(), clock, pause)
        pause = min(2 * pause, LONGEST_PAUSE)


async def _sleep_until(over: asyncio.Event, clock: Clock, duration: timedelta) -> None:
    """Sleep for ``duration``, or until ``over`` is set."""
    async with TaskGroup() as group:
        tasks: list[asyncio.Task[Any]] = [group.create_task(clock.sleep(duration)), group.create_task(over.wait())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
