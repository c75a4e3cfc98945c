"""wirewatch mcp: offer the queries about the archive as tools for an assistant, over stdin and stdout."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from bot import app
from bot.cli import archive
from bot.cli.options import DEFAULT_CONFIG, ConfigDir
from bot.model.errors import ConfigError


def mcp(folder: ConfigDir = DEFAULT_CONFIG) -> None:
    """Offer tools to an assistant over stdin and stdout.

    The tools follow the Model Context Protocol and change nothing. They search, list stories, explain a match, try a
    rule, and more.

    Example: wirewatch mcp --config /srv/wirewatch/config
    """
    asyncio.run(_serve(folder))


async def _serve(folder: Path) -> None:
    try:
        from bot.queries import assistants  # imports an extra
    except ModuleNotFoundError as error:
        raise ConfigError(f"the tools for assistants need {error.name}: pip install 'wirewatch[mcp]'") from None
    async with archive.opened(app.load(folder, os.environ)) as answers:
        await assistants.over_stdio(assistants.server_of(answers))
