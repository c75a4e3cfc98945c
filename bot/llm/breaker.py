"""When a language model that fails is left alone, and for how long. Pure: the caller knows the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

#: Failures in a row after which it is asked no more for a while.
FAILURES = 5
#: The first pause, doubled by each failure after it, up to the longest.
FIRST, LONGEST = timedelta(minutes=1), timedelta(minutes=30)


@dataclass(slots=True)
class Breaker:
    """Of one model."""

    failures: int = 0
    #: It is not asked before; None: it may be asked.
    until: datetime | None = None

    def allows(self, now: datetime) -> bool:
        """Whether it may be asked; after a pause one call shows whether it is back."""
        return self.until is None or now >= self.until

    def fail(self, now: datetime, *, for_good: bool, after: timedelta | None = None) -> bool:
        """Count a failure; True: with this one a pause begins. ``for_good``: it will fail until somebody acts."""
        if not self.allows(now):
            # Of a call that began before the pause: several that fail at once are one sign.
            return False
        was_asked = self.until is None
        self.failures = max(self.failures + 1, FAILURES if for_good else 0)
        if self.failures >= FAILURES:
            pause = min(FIRST * 2 ** min(self.failures - FAILURES, 10), LONGEST)
            self.until = now + max(pause, after or timedelta())
        return was_asked and self.until is not None

    def succeed(self) -> bool:
        """Count a success; True: it ends a pause."""
        was_paused = self.until is not None
        self.failures, self.until = 0, None
        return was_paused
