"""Simulate a week of 10,000 feeds with the real application in fake time: memory, handles and growth of the database.

    python -m bench.soak.soak                               10,000 feeds, at most 7 days or 40 minutes of real time
    python -m bench.soak.soak --feeds 2000 --minutes 120    fewer feeds, longer

Prints for each hour of fake time the resident memory, live objects, open handles, threads, and the sizes of the
database and its log. A line is fitted to the memory of the last half; it counts as flat if it rises by less than one
percent a day. Housekeeping runs with ``keep: 2 days``, so that in the last half as much is deleted as arrives. The
simulated world is that of bench/soak/day.py.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from bench.soak import day
from bench.soak.simulation import clockwork, rhythms, running, world
from tests.testbed import shared_data

HOUR = timedelta(hours=1)
#: As short as a story may be open, so that within a week everything is deleted several times.
KEEP = "2 days"
#: Growth a day, as a share of the memory's size.
FLAT = 0.01
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_MB = 1_048_576
TABLES = ("articles", "sightings", "versions", "matches", "stories", "decisions", "outbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The measurements at one hour of fake time."""

    hour: int
    memory_bytes: int
    objects: int
    handles: int
    threads: int
    database_bytes: int
    log_bytes: int
    rows: Mapping[str, int]
    #: Real seconds since the start.
    wall: float


@dataclass(frozen=True, slots=True)
class Growth:
    """A straight line through the last half of the samples."""

    middle: float
    a_day: float

    @property
    def share_a_day(self) -> float:
        return self.a_day / self.middle if self.middle else 0.0


def growth(samples: Sequence[Sample], value: Callable[[Sample], float]) -> Growth:
    half = samples[len(samples) // 2 :]
    values = [value(sample) for sample in half]
    slope = statistics.linear_regression([sample.hour for sample in half], values).slope if len(half) > 1 else 0.0
    return Growth(statistics.fmean(values), slope * 24)


def soak(
    scene: world.World,
    *,
    days: float,
    tick: timedelta,
    most: timedelta = timedelta.max,
    keep: str = KEEP,
    report: Callable[[Sample], None],
) -> list[Sample]:
    """The real application over a world; a sample each hour. ``most``: of real time, after which it ends early."""
    samples: list[Sample] = []
    begun = time.perf_counter()

    async def main(folder: Path) -> None:
        async with running.opened(folder, scene, tick=tick) as simulation:

            async def look(hour: int) -> bool:
                rows = await simulation.rows(TABLES)
                samples.append(_sample(hour, folder / "wirewatch.db", rows, time.perf_counter() - begun))
                report(samples[-1])
                return samples[-1].wall < most.total_seconds()

            await simulation.run(timedelta(days=days), each=HOUR, look=look)

    with running.place() as folder:
        running.configure(folder, scene, keep=keep)
        clockwork.run(main(folder))
    return samples


def _sample(hour: int, database: Path, rows: Mapping[str, int], wall: float) -> Sample:
    gc.collect()
    # Free memory that the allocator keeps is no leak.
    ctypes.CDLL(None).malloc_trim(0)
    log = database.with_name(database.name + "-wal")
    return Sample(
        hour=hour,
        memory_bytes=int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES,
        objects=len(gc.get_objects()),
        handles=len(os.listdir("/proc/self/fd")),
        threads=threading.active_count(),
        database_bytes=database.stat().st_size,
        log_bytes=log.stat().st_size if log.exists() else 0,
        rows=rows,
        wall=wall,
    )


def format_sample(sample: Sample) -> str:
    rows = ", ".join(f"{name} {count}" for name, count in sample.rows.items())
    return (
        f"hour {sample.hour:4}  {sample.memory_bytes / _MB:7.1f} MB  {sample.objects:9,} objects"
        f"  {sample.handles:3} handles  {sample.threads:3} threads  database {sample.database_bytes / _MB:8.1f} MB"
        f"  log {sample.log_bytes / _MB:6.1f} MB  {sample.wall:6.0f} s  {rows}"
    )


def verdict(samples: Sequence[Sample]) -> list[str]:
    memory = growth(samples, lambda sample: sample.memory_bytes)
    objects = growth(samples, lambda sample: sample.objects)
    database = growth(samples, lambda sample: sample.database_bytes)
    handles = growth(samples, lambda sample: sample.handles)
    threads = growth(samples, lambda sample: sample.threads)
    half = samples[len(samples) // 2 :]
    word = "flat" if memory.share_a_day < FLAT else "GROWS"
    log = max(sample.log_bytes for sample in samples)
    end = samples[-1].database_bytes
    return [
        f"memory      {_of(memory, _MB)} MB ({memory.share_a_day:+.2%}): {word}",
        f"objects     {_of(objects, 1)} ({objects.share_a_day:+.2%})",
        f"handles     {_of(handles, 1)}, {min(s.handles for s in half)} to {max(s.handles for s in half)}",
        f"threads     {_of(threads, 1)}, {min(s.threads for s in half)} to {max(s.threads for s in half)}",
        f"database    {_of(database, _MB)} MB, {end / _MB:,.0f} MB at the end; its log at most {log / _MB:,.0f} MB",
    ]


def _of(line: Growth, unit: int) -> str:
    """In the middle of the last half, and how much it grows there."""
    return f"{line.middle / unit:>12,.1f} in the middle of the last half, {line.a_day / unit:>+10,.2f} a day"


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--feeds", type=int, default=10_000)
    options.add_argument("--hosts", type=int, default=None, help="as many hosts; default: three for ten feeds")
    options.add_argument("--days", type=float, default=7)
    options.add_argument("--tick", type=float, default=10, help="seconds of fake time between two ticks")
    options.add_argument("--minutes", type=float, default=40, help="of real time; then it ends with what there is")
    options.add_argument("--keep", default=KEEP)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args(arguments)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    scene = world.draw(
        rhythms.read(shared_data.path("feed-snapshots")),
        start=day.START,
        days=chosen.days,
        feeds=chosen.feeds,
        hosts=chosen.hosts or chosen.feeds * 3 // 10,
        seed=chosen.seed,
    )
    print(
        f"{chosen.feeds:,} feeds of {len(scene.hosts):,} hosts, {chosen.days:g} days, keep: {chosen.keep}",
        flush=True,
    )
    samples = soak(
        scene,
        days=chosen.days,
        tick=timedelta(seconds=chosen.tick),
        most=timedelta(minutes=chosen.minutes),
        keep=chosen.keep,
        report=lambda sample: print(format_sample(sample), flush=True),
    )
    print(f"{len(samples) / 24:.1f} days in {samples[-1].wall / 60:.0f} minutes")
    print("\n".join(verdict(samples)))


if __name__ == "__main__":
    main()
