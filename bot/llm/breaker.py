"""When a language model that fails is left alone, and for how long. Pure: the caller knows the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

#: The number of consecutive failures that start a pause.
FAILURES = 5
#: The first pause; each further failure doubles it, up to the longest.
FIRST = timedelta(minutes=1)
LONGEST = timedelta(minutes=30)


@dataclass(slots=True)
class Breaker:
    """Pauses calls of a model that fails."""

    failures: int = 0
    #: The end of the pause; None without a pause.
    until: datetime | None = None

    def allows(self, now: datetime) -> bool:
        """Return whether the model may be called; after a pause the next call shows whether it works again."""
        return self.until is None or now >= self.until

    def fail(self, now: datetime, *, for_good: bool, retry_after: timedelta | None = None) -> bool:
        """Count a failure and return whether it starts a pause. ``for_good``: it fails until somebody acts."""
        if not self.allows(now):
            # The call began before the pause: failures at the same time count once.
            return False
        was_open = self.until is None
        self.failures = max(self.failures + 1, FAILURES if for_good else 0)
        if self.failures >= FAILURES:
            pause = min(FIRST * 2 ** min(self.failures - FAILURES, 10), LONGEST)
            self.until = now + max(pause, retry_after or timedelta())
        return was_open and self.until is not None

    def succeed(self) -> bool:
        """Count a success and return whether it ends a pause."""
        was_paused = self.until is not None
        self.failures, self.until = 0, None
        return was_paused
