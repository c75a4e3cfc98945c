"""Check the configuration every two seconds and load what changed.

Compares contents instead of waiting for events: bind mounts and config maps raise none (docs/decisions/0011).
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
#: An editor may still be writing: a changed file must be stable for this long before it is read.
SETTLES_IN = timedelta(milliseconds=200)
#: Maximum checks; then the file is read as it is.
MAX_LOOKS = 10


class Watcher:
    """Holds the settings in force and loads newer ones."""

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
        """Return new settings, or None if nothing changed or the folder cannot be read now.

        ``force``: load anyway, as on SIGHUP.
        """
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
        """Pass new settings to ``changed``, one after the other, forever."""
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
        previous = await asyncio.to_thread(self._stamps)
        for _ in range(MAX_LOOKS):
            await self._clock.sleep(SETTLES_IN)
            current = await asyncio.to_thread(self._stamps)
            if current == previous:
                return
            previous = current

    def _stamps(self) -> Mapping[str, Stamp | None]:
        stamps: dict[str, Stamp | None] = {}
        try:
            for path in files.paths(self._folder):
                stamps[path] = files.stamp(path)
        except OSError:
            stamps["?"] = None
        return stamps
