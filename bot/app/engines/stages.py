"""The interface of engines, and the stages that an engine runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from bot import model, storage
from bot.app.wiring import Live
from bot.pipeline.passes import Pipeline
from bot.pipeline.reports import PassReport


class Engine(Protocol):
    """Decide when each stage runs, and in which process."""

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop``, then send what is due. Raises StoreUnavailable at the start."""


class SendDue(Protocol):
    """Send what is due."""

    async def __call__(self, over: asyncio.Event, *, is_ours: Callable[[model.Channel], bool] = ...) -> None:
        """Run until ``over``, then send what is still due; only to channels for which ``is_ours`` is true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The stages of one process, for an engine to run."""

    store: storage.Store
    clock: model.Clock
    pipeline: Pipeline
    live: Live
    #: Called before each look for due feeds. Raises StoreUnavailable.
    note_tick: Callable[[], Awaitable[None]]
    send: SendDue
    #: Delete old rows if retention is due. Raises StoreUnavailable.
    maintain: Callable[[], Awaitable[object]]
    #: Called after each pass.
    on_pass: Callable[[PassReport], None]
