"""Task groups, and retries while the database is unavailable."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import TracebackType
from typing import Self, TypeVar

from bot.model.durations import Clock
from bot.model.errors import StoreError, StoreUnavailable

T = TypeVar("T")

#: The pause after a failure of the database.
STORE_PAUSE = timedelta(seconds=2)


class TaskGroup(asyncio.TaskGroup):
    """A task group from which a StoreError comes out as itself, so that ``except StoreError`` catches it.

    Errors that include any other kind come out as an ExceptionGroup, as usual.
    """

    #: Defined by asyncio.TaskGroup: it has cancelled its own task, since another task of the group failed.
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
        """Settle cancellations as Python 3.13 and later do (gh-116720)."""
        task = asyncio.current_task()
        if task is None:
            return
        if self._parent_cancel_requested and not is_aborted:
            # The group cancelled its own task while it waited, and still counts that cancellation.
            task.uncancel()
        if task.cancelling() > self._cancellations:
            # Something else has cancelled the task too, which the error would hide.
            raise asyncio.CancelledError from group


def _cancellations() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


async def retry_until_stored(work: Callable[[], Awaitable[T]], clock: Clock) -> T:
    """Repeat ``work``, which may run any number of times, until the database is available; return its result."""
    while True:
        try:
            return await work()
        except StoreUnavailable:
            # The store has already logged it.
            await clock.sleep(STORE_PAUSE)
