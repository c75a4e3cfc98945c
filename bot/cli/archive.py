"""Open the archive for a command and ask it questions. The bot may be running."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from bot import app, config, model, storage
from bot.cli.options import author
from bot.pipeline.snapshot import Snapshot
from bot.queries.registry import Answers, Archive, P, Question, V, read_parameters

T = TypeVar("T")


class Beside:
    """The configuration and the store, opened while the bot may run in another process; implements ``Watched``."""

    def __init__(self, settings: config.Settings, clock: model.Clock, store: storage.Store) -> None:
        self.settings = settings
        self.clock = clock
        self.store = store
        self.loaded_at = clock.now()

    @property
    def snapshot(self) -> Snapshot:
        """The settings in the form that the pipeline uses."""
        from bot.app import wiring  # costs start-up, and only actions need it

        return wiring.snapshot_of(self.settings)


@asynccontextmanager
async def opened(
    settings: config.Settings, environment: app.Environment, *, may_write: bool = False
) -> AsyncIterator[Answers]:
    """Open the archive without the lock of its owner. Raises StoreUnavailable if it does not exist."""
    address, clock = app.database_of(settings, environment), environment.clock
    if may_write:
        store = storage.open_beside(address, clock=clock)
    else:
        store = storage.open_store(address, clock=clock, read_only=True)
    try:
        yield Answers(Beside(settings, clock, store))
    finally:
        await store.close()


def look(settings: config.Settings, work: Callable[[Archive], T]) -> T:
    """Return the result of ``work`` in one read transaction. Raises StoreUnavailable as ``opened`` does."""
    return asyncio.run(_with_answers(settings, lambda answers: answers.read(work)))


def ask(folder: Path, question: Question[P, V], parameters: Mapping[str, object]) -> V:
    """Return the value of a question. If the question is an action, write without the owner's lock.

    Raises Refused, ConfigError, and StoreUnavailable as ``opened`` does.
    """
    values = read_parameters(question.parameters, parameters)
    work = partial(Answers.ask, question=question, parameters=values, by=author())
    return asyncio.run(_with_answers(app.load(folder, os.environ), work, may_write=question.is_action))


async def _with_answers(
    settings: config.Settings, work: Callable[[Answers], Awaitable[T]], *, may_write: bool = False
) -> T:
    environment = app.Environment(environ=os.environ)
    async with opened(settings, environment, may_write=may_write) as answers:
        return await work(answers)
