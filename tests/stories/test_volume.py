"""When the coverage of a rule is a surge: streams of counts with known surges, and noise without any."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.model.rules import SurgeLimits
from bot.model.surges import Volume
from bot.stories import volume

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2015, 11, 2, tzinfo=UTC)  # a Monday
LIMITS = SurgeLimits()

Counts = dict[datetime, int]


def weekly_rhythm(when: datetime) -> float:
    """Return the share of a usual hour: quiet nights and weekends, busy mornings."""
    by_day = 1 + 0.8 * math.sin((when.hour - 4) / 24 * 2 * math.pi)
    return by_day * (0.35 if when.weekday() > 4 else 1.2)


def noise(rate: float, *, days: int, seed: int, rhythm: Callable[[datetime], float] = weekly_rhythm) -> Counts:
    """Return Poisson counts with ``rate`` articles in a usual hour."""
    rng = random.Random(seed)
    counts = {}
    for number in range(days * 24):
        hour = START + number * HOUR
        limit, count, product = math.exp(-rate * rhythm(hour)), 0, rng.random()
        while product > limit:
            count, product = count + 1, product * rng.random()
        counts[hour] = count
    return counts


def openings(
    counts: Mapping[datetime, int], limits: SurgeLimits = LIMITS, *, since: datetime = START
) -> list[datetime]:
    """Return the hours at whose end a surge opens, when the rule is measured at the end of each hour."""
    opened: list[datetime] = []
    is_open, closed_at = False, None
    for hour in sorted(hour for hour in counts if hour >= since):
        measured = volume.measure(counts, window=limits.in_, now=hour)
        if measured is None:
            continue
        if is_open and volume.is_over(measured, limits):
            is_open, closed_at = False, hour
        elif not is_open and volume.is_surge(measured, limits) and (not closed_at or hour - closed_at >= limits.in_):
            is_open = True
            opened.append(hour)
    return opened


@pytest.mark.parametrize("rate", [0.3, 4.0])
def test_noise_with_a_rhythm_of_days_and_weeks_raises_at_most_one_false_alarm_in_a_month(rate: float) -> None:
    assert len(openings(noise(rate, days=30, seed=1))) <= 1


@pytest.mark.parametrize("rate", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("day", [4, 10, 40])
def test_a_surge_is_found_within_one_window(rate: float, day: int) -> None:
    counts = noise(rate, days=day + 2, seed=day)
    begin = START + day * DAY + 10 * HOUR
    for number in range(6):
        counts[begin + number * HOUR] += math.ceil(6 * rate * 1.5) + 3
    assert any(begin <= opened < begin + LIMITS.in_ for opened in openings(counts, since=begin - DAY))


def test_a_surge_of_two_days_opens_once() -> None:
    counts = noise(0.5, days=40, seed=1)
    begin = START + 35 * DAY
    for number in range(48):
        counts[begin + number * HOUR] += 6
    assert len(openings(counts, since=begin)) == 1


def test_a_rule_has_no_surge_in_its_first_three_days() -> None:
    counts = {START + number * HOUR: 50 for number in range(72)}
    assert openings(counts) == []


def test_a_rule_says_why_it_is_not_measured_until_the_hour_in_which_it_is() -> None:
    counts = noise(0.3, days=4, seed=1)
    ready = START + volume.MIN_HISTORY + LIMITS.in_
    for now, words in ((ready - HOUR, "reports surges from 5 Nov 06:00 UTC on, when"), (ready, "")):
        known = {hour: count for hour, count in counts.items() if hour <= now}
        assert volume.explain_unmeasured(known, window=LIMITS.in_, now=now).partition(" there ")[0] == words


def test_the_busy_hour_of_every_monday_is_usual() -> None:
    counts = dict.fromkeys((START + number * HOUR for number in range(36 * 24)), 0)
    for week in range(5):
        for hour in range(4):
            counts[START + week * timedelta(weeks=1) + (8 + hour) * HOUR] = 10
    assert openings(counts, since=START + 15 * DAY) == []


@pytest.mark.parametrize(
    ("count", "limits", "is_surge"),
    [
        (10, LIMITS, False),
        (24, LIMITS, True),
        (24, replace(LIMITS, at_least=25), False),
        (24, replace(LIMITS, above=9.0), False),
    ],
    ids=["chance explains it", "usual limits", "too few for the rule", "too near to the usual count for the rule"],
)
def test_a_surge_is_above_the_limits_of_the_rule_and_not_explained_by_chance(
    count: int, limits: SurgeLimits, is_surge: bool
) -> None:
    assert volume.is_surge(Volume(count=count, usual=3), limits) is is_surge


def test_a_surge_ends_at_half_of_the_count_at_which_it_may_begin() -> None:
    assert not volume.is_over(Volume(count=5, usual=1), LIMITS)
    assert volume.is_over(Volume(count=3, usual=1), LIMITS)
