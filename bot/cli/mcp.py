"""wirewatch mcp: the archive's questions as tools for an assistant, over stdin and stdout."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot import app, config, model, storage
from bot.app import wiring
from bot.cli import archive
from bot.cli.options import DEFAULT_CONFIG, ConfigDir
from bot.pipeline.snapshot import Snapshot
from bot.queries.questions import Answers
from bot.queries.trials import Playground
from bot.queries.watched import DayCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """The bot according to its files; it may be running."""

    settings: config.Settings
    snapshot: Snapshot
    store: storage.Store
    clock: model.Clock
    loaded_at: datetime


def mcp(folder: ConfigDir = DEFAULT_CONFIG) -> None:
    """Serve tools for an assistant over stdin and stdout.

    Tools of the Model Context Protocol, read-only: search, stories, explain, try a rule, and others.

    Example: wirewatch mcp --config /srv/wirewatch/config
    """
    asyncio.run(_serve(folder))


async def _serve(folder: Path) -> None:
    try:
        from bot.queries import assistants
    except ModuleNotFoundError as error:
        raise model.ConfigError(f"the tools for assistants need {error.name}: pip install 'wirewatch[mcp]'") from None
    environment = app.Environment(environ=os.environ)
    settings = app.load(folder, environment.environ)
    async with archive.opened(settings, environment) as store:
        clock = environment.clock
        beside = _Beside(
            settings=settings,
            snapshot=wiring.snapshot_of(settings),
            store=store,
            clock=clock,
            loaded_at=clock.now(),
        )
        answers = Answers(beside, DayCounts(beside), Playground(beside))
        await assistants.over_stdio(assistants.server_of(answers))
