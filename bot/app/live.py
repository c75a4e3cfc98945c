"""The configuration in force. A reload replaces its parts in place, so everybody holds the one ``Live``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import config, ports
from bot.pipeline.snapshot import Snapshot


@dataclass(slots=True, kw_only=True)
class Live:
    """The configuration in force; work that is under way at a reload ends with the parts that it has taken."""

    settings: config.Settings
    snapshot: Snapshot
    channels: Mapping[str, ports.Channel]
    #: When the configuration was taken over.
    loaded_at: datetime

    def take_over(self, other: Live) -> None:
        """From now on be as ``other``."""
        self.settings, self.snapshot = other.settings, other.snapshot
        self.channels, self.loaded_at = other.channels, other.loaded_at

    @property
    def keep(self) -> timedelta | None:
        """How long things are kept: never shorter than a story is open. None: for ever."""
        bot = self.settings.bot
        return None if bot.keep is None else max(bot.keep, bot.stories_window)
