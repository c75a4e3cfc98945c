"""Measure how long the curve of a month takes, for one of twenty rules that have matched a million articles.

    python -m bench.speed.curve

The counts are of 400 days, with twenty rules of 50,000 articles each, and a random hour for each article. The curve is
read as the monitor and the page read it, then the volume is measured.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from datetime import datetime, timedelta

from bot import storage
from bot.stories import volume
from tests.testbed.fakes import START

ARTICLES, RULES, DAYS, REPEATS = 1_000_000, 20, 400, 50
WINDOW = timedelta(hours=6)


def fill(tx: storage.Transaction, begin: datetime) -> None:
    """Write the hourly counts of all rules."""
    rng = random.Random(1)
    counts: Counter[tuple[str, str, datetime]] = Counter()
    for number in range(ARTICLES):
        hour = begin + timedelta(hours=rng.randrange(DAYS * 24))
        counts[f"rule {number % RULES}", "1", hour] += 1
    tx.volume.add(counts)


def measure(tx: storage.Transaction, now: datetime) -> float:
    """Return how long one curve with its volume takes, in milliseconds."""
    begun = time.perf_counter()
    counts = tx.volume.curve("rule 7", "1", since=now - timedelta(days=30))
    assert volume.measure(counts, window=WINDOW, now=now) is not None
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    now = volume.floor_hour(START)
    with storage.open_in_memory() as tx:
        fill(tx, now - timedelta(days=DAYS))
        times = sorted(measure(tx, now) for _ in range(REPEATS))
    print(f"a month's curve of one of {RULES} rules with {ARTICLES:,} matched articles:")
    print(f"median {statistics.median(times):.1f} ms, slowest of {REPEATS} {times[-1]:.1f} ms")


if __name__ == "__main__":
    main()
