"""How often one caller may ask: a bucket that fills steadily and is emptied by requests.

Pure: the time is handed in, in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Callers remembered; of more, those that asked longest ago begin anew.
MOST_CALLERS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Requests a minute, also all at once."""

    a_minute: int = 300


class Rates:
    """The buckets of all callers."""

    def __init__(self, rate: Rate) -> None:
        self._most = float(rate.a_minute)
        #: Caller -> what is left, and when that was. The last to ask is last.
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, caller: str, cost: int, now: float) -> int | None:
        """None: it may ask; else in how many seconds it may."""
        left, since = self._left.pop(caller, (self._most, now))
        left = min(self._most, left + (now - since) * self._most / 60)
        is_enough = left >= cost
        self._left[caller] = (left - cost if is_enough else left, now)
        if len(self._left) > MOST_CALLERS:
            del self._left[next(iter(self._left))]
        return None if is_enough else math.ceil((cost - left) * 60 / self._most)
