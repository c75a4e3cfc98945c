"""Simulate a day of 10,000 feeds with the real application in fake time: requests, 304 answers, delays and politeness.

    python -m bench.soak.day                          10,000 feeds on 3,000 hosts, 24 hours after an hour of warm-up
    python -m bench.soak.day --feeds 1000 --hosts 300 --hours 6

Only the network and the time are fake; the HTTP client, the database, the rules and the decisions are real. The times
of publication come from recordings of real feeds, and the number of items per day from a sample of feeds
(simulation/shares.py says what is measured and what is assumed). Work takes no fake time, so all delays come from the
schedule, the limits per host and slow answers. For comparison, a client polls every feed of the same world every five
minutes. "Published until seen" is the time from an item's date to the first request whose answer contains the item.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from bench.soak.simulation import clockwork, fixed, rhythms, running, world
from bench.soak.simulation.witness import Witness
from tests.testbed import shared_data

#: A Monday; the recordings know weekdays and weekends apart.
START = datetime(2026, 3, 2, tzinfo=UTC)
#: The hour of warm-up, in which each feed is polled for the first time.
BEGIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    witness: Witness
    seen: running.Seen
    articles: int
    messages: int


def simulate(scene: world.World, *, hours: float, tick: timedelta) -> Day:
    """The real application over a world, for so many hours after the beginning."""

    async def main(folder: Path) -> Day:
        async with running.opened(folder, scene, tick=tick, since=BEGIN.total_seconds()) as simulation:
            await simulation.run(BEGIN + timedelta(hours=hours))
            return Day(
                witness=simulation.witness,
                seen=simulation.seen,
                articles=await simulation.running.store.read(lambda tx: tx.articles.count()),
                messages=simulation.channel.count,
            )

    with running.place() as folder:
        running.configure(folder, scene)
        return clockwork.run(main(folder))


def table(day: Day, other: Witness) -> list[str]:
    """Return the printed lines: one for each figure, ours and that of the fixed interval."""
    ours = day.witness
    lines = [("", "wirewatch", "every 5 minutes", "share")]

    def number(name: str, mine: float, theirs: float, *, share: bool = True) -> None:
        part = f"{mine / theirs:.2f}" if share and theirs else ""
        lines.append((name, f"{mine:,.0f}", f"{theirs:,.0f}", part))

    number("requests", ours.requests, other.requests)
    for status in sorted({*ours.statuses, *other.statuses}):
        number(f"  {status or 'no answer'}", ours.statuses[status], other.statuses[status])
    unchanged = [f"{w.statuses[304] / max(1, w.requests):.1%}" for w in (ours, other)]
    lines.append(("304 of all", unchanged[0], unchanged[1], ""))
    number("items brought", ours.items, other.items)
    number("items that left unseen", ours.missed, other.missed)
    number("  as long as the feed asks for", ours.missed_as_asked, other.missed_as_asked)
    for share, name in ((0.5, "p50"), (0.95, "p95")):
        number(f"published until seen, {name}, s", ours.lateness.share(share), other.lateness.share(share))
        unasked = ours.lateness_unasked.share(share), other.lateness_unasked.share(share)
        number("  if asked for no wait over at_least", *unasked)
    for rule in sorted({*ours.broken, *other.broken}):
        number(f"broken: {rule}", ours.broken[rule], other.broken[rule], share=False)
    number("rules broken, in all", ours.broken.total(), other.broken.total(), share=False)
    return ["{:36}{:>14}{:>18}{:>8}".format(*line).rstrip() for line in lines]


def notes(day: Day, other: Witness) -> list[str]:
    seen = day.seen
    articles = f"articles {seen.new:,} new and {day.articles:,} in all"
    lines = [
        f"bodies parsed {seen.parsed:,}, {articles}, matched {seen.matched:,}, messages {day.messages:,}",
        f"due until taken in: p50 {seen.lateness.share(0.5)} s, p95 {seen.lateness.share(0.95)} s",
    ]
    for name, witness in (("wirewatch", day.witness), ("every 5 minutes", other)):
        busiest = witness.busiest
        lines.append(f"busiest host, {name}: {busiest.requests:,} requests in an hour for {busiest.feeds} feeds")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--feeds", type=int, default=10_000)
    options.add_argument("--hosts", type=int, default=3_000)
    options.add_argument("--hours", type=float, default=24)
    options.add_argument("--tick", type=float, default=1, help="seconds of fake time between two ticks")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args(arguments)
    # Log lines cost what they cost in the service, and are not shown.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    recorded = rhythms.read(shared_data.path("feed-snapshots"))
    days = (BEGIN + timedelta(hours=chosen.hours)) / timedelta(days=1)
    scene = world.draw(recorded, start=START, days=days, feeds=chosen.feeds, hosts=chosen.hosts, seed=chosen.seed)
    begun = time.perf_counter()
    day = simulate(scene, hours=chosen.hours, tick=timedelta(seconds=chosen.tick))
    wall = time.perf_counter() - begun
    until = days * world.DAY
    other = fixed.poll(scene, every=running.EVERY, per_host=running.PER_HOST, since=BEGIN.total_seconds(), until=until)
    print(f"{chosen.feeds:,} feeds of {len(scene.hosts):,} hosts, {chosen.hours:g} hours; {wall:.0f} s of real time")
    print("\n".join([*table(day, other), *notes(day, other)]))


if __name__ == "__main__":
    main()
