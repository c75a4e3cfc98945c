"""A row of numbers as small bars: the geometry of an inline SVG, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

HEIGHT = 24
STEP = 6
#: So that one article among hundreds is still seen.
_LEAST = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar, in units of the SVG."""

    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparkline:
    """The bars of some days."""

    bars: tuple[Bar, ...]
    width: int
    #: For those who cannot see it.
    text: str
    total: int


def by_day(counts: Mapping[date, int], *, today: date, days: int) -> Sparkline:
    """The last ``days`` days, today last."""
    return drawn([counts.get(today - timedelta(days=back), 0) for back in reversed(range(days))])


def drawn(numbers: Sequence[int]) -> Sparkline:
    """``numbers``: one for each day, oldest first."""
    most = max([1, *numbers])
    bars = []
    for index, number in enumerate(numbers):
        height = max(_LEAST, round(HEIGHT * number / most, 1)) if number else 0.0
        bars.append(Bar(x=index * STEP, y=HEIGHT - height, height=height))
    said = ", ".join(map(str, numbers))
    return Sparkline(
        bars=tuple(bars),
        width=len(numbers) * STEP,
        text=f"{sum(numbers)} in {len(numbers)} days, oldest first: {said}",
        total=sum(numbers),
    )
