"""The machine's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SystemClock:
    """Implements ``ports.Clock``."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the one place where time comes in

    async def sleep(self, duration: timedelta) -> None:
        # Costs start-up: commands that only ask for the time do without.
        import asyncio

        await asyncio.sleep(max(0.0, duration.total_seconds()))
