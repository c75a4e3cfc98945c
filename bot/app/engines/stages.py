"""What an engine is given, and what it promises. An engine knows no App, no folder of files and no other engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from bot import ports
from bot.app.live import Live
from bot.pipeline.passes import Pipeline
from bot.pipeline.reports import PassReport


class Engine(Protocol):
    """Decides when each stage runs, and in which process."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; what is due to be sent is still sent then. Raises StoreUnavailable at the start."""


class TickEvery(Protocol):
    """Runs ``work`` now and every ``every``, until cancelled."""

    async def __call__(self, every: timedelta, work: Callable[[], Coroutine[None, None, None]]) -> None: ...


class SendDue(Protocol):
    """Sends what is due, for ever."""

    async def __call__(self, over: asyncio.Event, *, is_ours: Callable[[ports.Channel], bool] = ...) -> None:
        """Until ``over``, and then what is due still; ``is_ours``: the channels that are sent to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The stages of one process."""

    store: ports.Store
    clock: ports.Clock
    pipeline: Pipeline
    live: Live
    #: To be told before each look for due feeds. Raises StoreUnavailable.
    note_tick: Callable[[], Awaitable[None]]
    send: SendDue
    #: Deletes what is past its retention, where it is time for that. Raises StoreUnavailable.
    maintain: Callable[[], Awaitable[object]]
    #: Told of each pass that has ended.
    on_pass: Callable[[PassReport], None]
