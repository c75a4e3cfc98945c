"""Time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The time, and waiting."""

    def now(self) -> datetime:
        """Aware, UTC."""

    async def sleep(self, duration: timedelta) -> None:
        """Wait; a negative duration is none."""
