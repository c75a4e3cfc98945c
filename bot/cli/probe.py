"""wirewatch probe: is the bot that runs here well? For containers and service managers."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
from pathlib import Path

import typer

from bot import app, channels, config, ports, storage
from bot.cli import terminal
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, ConfigDir
from bot.config import bot_file, files

#: A probe that waits longer is a failed one for whoever asked.
TIMEOUT_SECONDS = 5.0


def probe(folder: ConfigDir = DEFAULT_CONFIG) -> None:
    """Check whether the running bot is ready.

    Asks its status page; without one, checks its last tick in the database.

    Example: wirewatch probe --config /config
    """
    settings = _read(folder)
    if settings.web:
        is_ready, reason = _asked(settings.web)
    else:
        is_ready, reason = asyncio.run(_looked_up(settings))
    terminal.say(f"wirewatch: {'ready' if is_ready else 'not ready: ' + reason}")
    raise typer.Exit(DONE if is_ready else LEFT)


def _read(folder: Path) -> config.BotSettings:
    """bot.yaml alone: a hundred thousand rules would take longer to read than a probe may wait."""
    path = str(folder / files.BOT)
    try:
        report = files.parse(files.fetch(path, None))
    except OSError as error:
        raise ports.ConfigError(f"reading {path}: {error.strerror}") from None
    settings = bot_file.parse_bot_file(report, kinds=channels.kinds(), environ=os.environ)
    if settings is None or report.error_count:
        raise ports.ConfigError(f"reading {path}: it cannot be used", report.finish())
    return settings


def _asked(page: config.WebSettings) -> tuple[bool, str]:
    # A bot that listens everywhere is asked here.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(page.host, page.host)  # noqa: S104 - compared, not listened at
    connection = http.client.HTTPConnection(host, page.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/healthz/ready")
        answer = connection.getresponse()
        told = json.loads(answer.read(10_000))
        return answer.status == http.client.OK, str(told["reason"])
    except (OSError, http.client.HTTPException) as error:
        return False, f"nobody answers at {page.listen} ({str(error) or type(error).__name__})"
    except (ValueError, LookupError, TypeError):
        return False, f"what answers at {page.listen} is not Wirewatch"
    finally:
        connection.close()


async def _looked_up(settings: config.BotSettings) -> tuple[bool, str]:
    from bot import web  # the server behind it takes 0.2 s to import

    environment = app.Environment(environ=os.environ)
    address = settings.database_address(environment.environ)
    try:
        store = storage.open_store(address, clock=environment.clock, read_only=True)
    except ports.StoreError as error:
        return False, str(error)
    try:
        found = await web.readiness(store, environment.clock.now())
    finally:
        await store.close()
    return found.is_ready, found.reason
