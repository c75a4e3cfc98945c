"""The configuration in force: what a reload swaps as one, between passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import config, pipeline, ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What is under way when another takes its place ends with this one."""

    settings: config.Settings
    snapshot: pipeline.Snapshot
    channels: Mapping[str, ports.Channel]
    #: When the configuration was taken over.
    loaded_at: datetime

    @property
    def keep(self) -> timedelta | None:
        """How long things are kept: never shorter than a story is open. None: for ever."""
        bot = self.settings.bot
        return None if bot.keep is None else max(bot.keep, bot.stories_window)
