"""Store errors and cancellations at the border of a task group."""

from __future__ import annotations

import asyncio

import pytest

from bot.aio import TaskGroup
from bot.model.errors import StoreError, StoreUnavailable


async def fail() -> None:
    raise StoreUnavailable("the disk is full")


async def break_down() -> None:
    raise LookupError("a bug")


async def test_a_bug_together_with_a_store_error_stays_a_group() -> None:
    async def both() -> None:
        async with TaskGroup() as group:
            group.create_task(fail())
            group.create_task(break_down())

    with pytest.raises(ExceptionGroup) as raised:
        await both()
    assert raised.group_contains(LookupError)


async def test_a_cancellation_that_meets_a_store_error_is_not_lost() -> None:
    """Python 3.11 raises the error alone: a loop that continues after a store error would never end."""
    is_failing, may_end = asyncio.Event(), asyncio.Event()

    async def fail_slowly() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            is_failing.set()
            await may_end.wait()

    async def loop() -> None:
        while True:
            try:
                async with TaskGroup() as group:
                    group.create_task(fail_slowly())
                    group.create_task(fail())
            except StoreError:
                await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        looping = group.create_task(loop())
        await is_failing.wait()
        looping.cancel()
        await asyncio.sleep(0)
        may_end.set()
        async with asyncio.timeout(300):
            await asyncio.wait([looping])
    assert looping.cancelled()
