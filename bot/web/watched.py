"""What the pages look at: the running bot, as far as they may know it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from bot import config, ports


class Watched(Protocol):
    """Its parts change on a reload, so each is asked for anew."""

    @property
    def settings(self) -> config.Settings:
        """In force now."""

    @property
    def store(self) -> ports.Store: ...

    @property
    def clock(self) -> ports.Clock: ...

    @property
    def loaded_at(self) -> datetime:
        """When the configuration was last read and taken over, with or without problems."""
