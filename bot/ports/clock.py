"""The clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The current time, and waiting."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""

    async def sleep(self, duration: timedelta) -> None:
        """Wait; return at once for a negative duration."""
