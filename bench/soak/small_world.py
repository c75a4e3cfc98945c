"""Define a simulated world small enough for a test. It is written by hand, so that no recorded data is needed."""

from __future__ import annotations

from bench.soak import day
from bench.soak.simulation import rhythms, world

_MORNING = tuple(range(8 * 3600, 12 * 3600, 300))
RECORDED = rhythms.Recorded(
    rhythms=(
        rhythms.Rhythm(name="steady", weekdays=(tuple(range(0, 86_400, 1_800)),), weekends=()),
        rhythms.Rhythm(name="mornings", weekdays=(_MORNING, _MORNING[::2]), weekends=(_MORNING[::4],)),
    ),
    titles=tuple(
        f"{who} {what} {where} again this week"
        for who in ("The regulator", "A harbour master", "Kim Jong-un", "An airline", "A bank", "The court", "A school")
        for what in ("meets a company in", "opens a bridge near", "closes the road to", "counts the trees of")
        for where in ("Pyongyang", "the capital", "Lahore", "the north", "a small town")
    ),
    teasers=tuple(
        f"{who} said on Monday that the {what} of the year would be kept as it is, for now."
        for who in ("A spokesman", "The minister", "Officials", "A court")
        for what in ("plan", "budget", "timetable", "ban", "licence")
    ),
)


def draw(*, feeds: int = 40, hosts: int = 12, hours: float = 5, seed: int = 1) -> world.World:
    return world.draw(RECORDED, start=day.START, days=hours / 24, feeds=feeds, hosts=hosts, seed=seed)
