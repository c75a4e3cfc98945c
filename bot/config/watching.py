"""Watch the configuration folder of a running bot, and load it again when a file changes.

The watcher compares contents every two seconds, because bind mounts and config maps cause no file events
(docs/decisions/0011).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from bot.config import files
from bot.config.loading import load
from bot.config.settings import KnownKinds, Settings, Stamp
from bot.durations import Clock
from bot.model.errors import ConfigError

#: A changed file must be stable for this long before it is read, because an editor may still be writing it.
SETTLE_TIME = timedelta(milliseconds=200)
#: Maximum number of checks whether a file is stable. After the last check, the file is read as it is.
MAX_SETTLE_CHECKS = 10


class Watcher:
    """Holds the settings in force, and loads new ones when a file changes."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        clock: Clock,
        environ: Mapping[str, str],
        kinds: KnownKinds,
    ) -> None:
        self.settings = settings
        self._folder = folder
        self._clock = clock
        self._environ = environ
        self._kinds = kinds

    async def look(self, *, force: bool = False) -> Settings | None:
        """Return new settings, or None if nothing changed or the folder cannot be read now.

        If ``force`` is true, load even if nothing changed, as on SIGHUP.
        """
        if not force and not await asyncio.to_thread(self._is_changed):
            return None
        await self._settle()
        try:
            loaded = await asyncio.to_thread(
                load,
                self._folder,
                previous=self.settings,
                environ=self._environ,
                kinds=self._kinds,
            )
        except ConfigError:
            return None
        is_same = loaded.version == self.settings.version and loaded.problems == self.settings.problems
        self.settings = loaded
        return loaded if force or not is_same else None

    def _is_changed(self) -> bool:
        try:
            paths = files.list_files(self._folder)
            states = self.settings.files
            if set(paths) - set(states) or {path for path, state in states.items() if state.digest} - set(paths):
                return True
            return any(path in states and files.is_changed(path, states[path]) for path in paths)
        except OSError:
            return True

    async def _settle(self) -> None:
        previous = await asyncio.to_thread(self._stamps)
        for _ in range(MAX_SETTLE_CHECKS):
            await self._clock.sleep(SETTLE_TIME)
            current = await asyncio.to_thread(self._stamps)
            if current == previous:
                return
            previous = current

    def _stamps(self) -> Mapping[str, Stamp | None]:
        stamps: dict[str, Stamp | None] = {}
        try:
            for path in files.list_files(self._folder):
                stamps[path] = files.read_stamp(path)
        except OSError:
            stamps["?"] = None
        return stamps
