"""Provide fake time: an event loop that never waits. If nothing is left to do now, its time jumps to the next timer.

Work in threads (the database, parsing) takes no fake time: the time does not advance until the work is done.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple, Unpack

from bot.app.jobs import Job

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class JumpingLoop(asyncio.SelectorEventLoop):
    """``time()`` is fake and begins at 0."""

    def __init__(self) -> None:
        self._time = 0.0
        self._on_threads = 0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._time

    def wait(self, timeout: float | None) -> float | None:
        """How long to wait really: for a thread as long as it takes, for a timer not at all."""
        if self._on_threads or timeout is None:
            return None if timeout != 0 else 0
        self._time += timeout
        return 0

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        self._on_threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._came_back)
        return future

    def _came_back(self, _future: asyncio.Future[Any]) -> None:
        self._on_threads -= 1


class _JumpingSelector(selectors.DefaultSelector):
    """The loop asks its selector how long to sleep; we ask the loop."""

    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(self._loop.wait(timeout))


class LoopClock:
    """Implements ports.Clock over a loop's fake time; may be asked from any thread."""

    def __init__(self, start: datetime, loop: asyncio.AbstractEventLoop) -> None:
        self.start = start
        self._loop = loop

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self._loop.time())

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(max(0.0, duration.total_seconds()))


async def run_jobs(jobs: Sequence[Job], stop: asyncio.Event, *, at_least: timedelta) -> None:
    """Run each job at its interval of fake time, or every ``at_least`` if that is longer, until ``stop`` is set."""

    async def repeat(job: Job) -> None:
        every = max(job.every, at_least).total_seconds()
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await job.work()
            due = max(due + every, loop.time())
            await asyncio.sleep(due - loop.time())

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(repeat(job)) for job in jobs]
        await stop.wait()
        for task in tasks:
            task.cancel()


def run(main: Coroutine[Any, Any, T]) -> T:
    """As ``asyncio.run``, in fake time."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main)
