"""wirewatch mcp: serve the questions of the archive as tools for an assistant, over stdin and stdout."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from bot import app, model
from bot.cli import archive
from bot.cli.options import DEFAULT_CONFIG, ConfigDir


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
    async with archive.opened(settings, environment) as answers:
        await assistants.over_stdio(assistants.server_of(answers))
