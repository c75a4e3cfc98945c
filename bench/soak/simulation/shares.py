"""Define how common each behaviour of feeds and hosts is in the simulated world.

The item rates are those of the data set ``feeds-wild`` (58 documents with at least eight dates). The other shares are
assumptions, because no available data set records headers and failures over time.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

#: Items a day at each share of the feeds, from the slowest to the fastest.
RATES = ((0.0, 0.03), (0.05, 0.05), (0.25, 0.15), (0.5, 1.6), (0.75, 15.0), (0.9, 43.0), (0.95, 94.0), (1.0, 154.0))
#: Items in a document.
WINDOWS = ((10, 0.25), (15, 0.15), (20, 0.25), (30, 0.2), (50, 0.12), (100, 0.03))
#: A document of a fast feed is longer, so that it reaches back at least so far.
REACHES_BACK_DAYS = 0.25
#: Has an ETag, has a Last-Modified, has a build date that changes with each answer.
VALIDATORS = (
    ((True, True, False), 0.42),
    ((True, False, False), 0.2),
    ((False, True, False), 0.16),
    ((False, False, False), 0.1),
    ((False, False, True), 0.1),
    # A validator of the moment: of no use to anybody.
    ((True, True, True), 0.02),
)
#: Seconds of Cache-Control's max-age; 0: not said.
MAX_AGES = ((0, 0.55), (60, 0.1), (300, 0.17), (600, 0.07), (1800, 0.06), (3600, 0.05))
#: Minutes of the document's ttl; 0: not said.
TTLS = ((0, 0.8), (5, 0.06), (15, 0.05), (30, 0.04), (60, 0.05))

#: Of the feeds, on each day.
GONE_A_DAY, MOVED_A_DAY, OUTAGES_A_DAY = 0.001, 0.003, 0.02
#: Of the hosts, on each day.
HOST_OUTAGES_A_DAY, OVERLOADS_A_DAY = 0.01, 0.01
#: Hosts that count requests and refuse what is too much, and how many a feed and hour they allow.
COUNTING_HOSTS, ALLOWED_A_FEED_AND_HOUR = 0.05, 3.0
#: Articles that tell an event which other feeds tell too, in the same headline.
SHARED = 0.1


def pick(draw: Random, choices: Sequence[tuple[T, float]]) -> T:
    values = [value for value, _ in choices]
    return draw.choices(values, [share for _, share in choices])[0]


def rate(draw: Random) -> float:
    """Items a day, between the measured shares by their logarithm."""
    share = draw.random()
    place = min(bisect(RATES, (share, 0.0)), len(RATES) - 1)
    (low, slow), (high, fast) = RATES[max(0, place - 1)], RATES[max(1, place)]
    return float(slow * (fast / slow) ** ((share - low) / (high - low)))
