"""Runs a blocking call of a channel's library outside of the event loop, so that it can be left behind.

Not ``asyncio.to_thread``: its pool is shared and small (six threads on two cores), so a few hanging channels would
stop every other, and the interpreter waits for its threads at exit, so a hanging send would outlive SIGTERM's ten
seconds. A daemon thread a call has neither fault; a channel has one call under way, so there are few of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def run(work: Callable[[], T], *, name: str) -> T:
    """What ``work`` gives or raises. Cancelled, it goes on alone and nobody hears of it."""
    # Costs start-up: commands that send nothing do without.
    import asyncio
    import contextlib

    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # None only where T allows it

    def body() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as raised:  # noqa: BLE001 - it is raised again where it is awaited
            error = raised
        # The loop may be closed by now: the process is ending and nobody waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=body, name=f"channel {name}", daemon=True).start()
    return await future
