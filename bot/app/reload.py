"""Watch the configuration folder, and report each reload once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from bot import config, model, storage
from bot.alerts import notices
from bot.config import loading

log = structlog.get_logger("wirewatch")

#: Interval between looks at the files; bind mounts and config maps raise no file events.
WATCH = timedelta(seconds=2)


class Reloader:
    """Watch one folder and pass each new configuration to ``take_over``."""

    def __init__(
        self,
        folder: Path,
        settings: config.Settings,
        *,
        clock: model.Clock,
        environ: Mapping[str, str],
        kinds: config.Kinds,
        take_over: Callable[[config.Settings], Awaitable[None]],
    ) -> None:
        """``settings`` is the configuration that is already in use."""
        self._take_over = take_over
        self._requested = asyncio.Event()
        self._watcher = loading.Watcher(folder, settings, clock=clock, environ=environ, kinds=kinds)

    def soon(self) -> None:
        """Read the folder now, even if nothing seems to have changed."""
        self._requested.set()

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(WATCH.total_seconds()):
                    await self._requested.wait()
            is_requested = self._requested.is_set()
            self._requested.clear()
            settings = await self._watcher.look(force=is_requested)
            if settings is not None:
                await self._take_over(settings)


async def announce(store: storage.Store, settings: config.Settings, *, now: datetime) -> None:
    """Report a reload to the log and to the operator; several workers report the same edit only once.

    Raises StoreUnavailable.
    """
    rules, feeds, problems = len(settings.rules), len(settings.feeds), settings.problems
    if settings.bot.operator:
        notice = notices.configuration_reloaded(
            rules=rules,
            feeds=feeds,
            kept=len(settings.kept),
            off=len(settings.off),
            problems=problems,
            version=settings.version,
        )
        row = notices.notice_row(notice, channel=settings.bot.operator, now=now)
        await store.write(lambda tx: tx.outbox.add([row]))
    fields: dict[str, object] = {"rules": rules, "feeds": feeds, "problems": len(problems)}
    # The log shows the worst problem; the notice and `wirewatch check` show all of them.
    worst = min(problems, key=lambda problem: problem.severity != "error", default=None)
    if worst is None:
        log.info("configuration reloaded", **fields)
        return
    log.warning("configuration reloaded with problems", **fields, first=notices.problem_line(worst))
