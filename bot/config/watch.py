"""Looks at the configuration every two seconds and loads what changed.

Contents are looked at, not events: bind mounts and config maps raise none (docs/decisions/0011).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path

from bot import ports
from bot.config import files, loading
from bot.config.kinds import Kinds
from bot.config.settings import Settings, Stamp

EVERY = timedelta(seconds=2)
#: An editor may still be writing: what changed must hold still so long before it is read.
SETTLES_IN = timedelta(milliseconds=200)
#: Then it is read as it is.
MAX_LOOKS = 10


class Watcher:
    """Holds the settings in force and finds newer ones."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        clock: ports.Clock,
        environ: Mapping[str, str],
        kinds: Kinds,
    ) -> None:
        self.settings = settings
        self._folder = folder
        self._clock = clock
        self._environ = environ
        self._kinds = kinds
        self._one_at_a_time = asyncio.Lock()

    async def look(self, *, force: bool = False) -> Settings | None:
        """New settings; None: nothing changed, or the folder cannot be read just now. ``force``: as on SIGHUP."""
        async with self._one_at_a_time:
            if not force and not await asyncio.to_thread(self._is_changed):
                return None
            await self._settle()
            try:
                loaded = await asyncio.to_thread(
                    loading.load,
                    self._folder,
                    previous=self.settings,
                    environ=self._environ,
                    kinds=self._kinds,
                )
            except ports.ConfigError:
                return None
            is_same = loaded.version == self.settings.version and loaded.problems == self.settings.problems
            self.settings = loaded
            return loaded if force or not is_same else None

    async def run(self, changed: Callable[[Settings], Awaitable[None]]) -> None:
        """For ever: tell of each new settings, one after the other."""
        while True:
            await self._clock.sleep(EVERY)
            if loaded := await self.look():
                await changed(loaded)

    def _is_changed(self) -> bool:
        try:
            paths = files.paths(self._folder)
            known = self.settings.files
            if set(paths) - set(known) or {path for path, state in known.items() if state.digest} - set(paths):
                return True
            return any(path in known and files.is_changed(path, known[path]) for path in paths)
        except OSError:
            return True

    async def _settle(self) -> None:
        before = await asyncio.to_thread(self._stamps)
        for _ in range(MAX_LOOKS):
            await self._clock.sleep(SETTLES_IN)
            now = await asyncio.to_thread(self._stamps)
            if now == before:
                return
            before = now

    def _stamps(self) -> Mapping[str, Stamp | None]:
        found: dict[str, Stamp | None] = {}
        try:
            for path in files.paths(self._folder):
                found[path] = files.stamp(path)
        except OSError:
            found["?"] = None
        return found
