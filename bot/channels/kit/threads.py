"""Runs a blocking call outside of the event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def run(work: Callable[[], T], *, name: str) -> T:
    """Run a blocking call in a daemon thread. If it is cancelled, the thread continues and its result is dropped.

    Not ``asyncio.to_thread``: its pool is shared and small (six threads on two cores), so that a few hanging channels
    would stop all others, and the interpreter waits for its threads at exit, so that a hanging send would outlive the
    ten seconds after SIGTERM. A channel has one call at a time, so there are few threads.
    """
    # Imported on first use: it slows the start of commands that send nothing.
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
