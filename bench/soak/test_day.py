"""Test the simulated day with the real application and some dozens of feeds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bench.soak import day, small_world
from bench.soak.simulation import fixed, running

pytestmark = pytest.mark.long

HOURS = 2.0
SINCE = day.BEGIN.total_seconds()


@pytest.fixture(scope="module")
def simulated() -> day.Day:
    return day.simulate(small_world.draw(hours=HOURS + 1), hours=HOURS, tick=timedelta(seconds=20))


def test_no_rule_of_a_host_or_a_feed_is_broken(simulated: day.Day) -> None:
    assert dict(simulated.witness.broken) == {}


def test_what_is_published_becomes_articles_in_the_store(simulated: day.Day) -> None:
    assert simulated.seen.new == simulated.witness.items > 0
    assert simulated.witness.missed == 0
    assert simulated.seen.matched > 0
    assert simulated.messages > 0


def test_it_asks_less_than_a_fixed_interval_which_breaks_rules(simulated: day.Day) -> None:
    other = fixed.poll(
        small_world.draw(hours=HOURS + 1),
        every=running.EVERY,
        per_host=running.PER_HOST,
        since=SINCE,
        until=SINCE + HOURS * 3600,
    )
    assert 0 < simulated.witness.requests < other.requests
    assert other.broken.total() > 0
    assert any(line.startswith("requests") for line in day.table(simulated, other))
    assert any(line.startswith("busiest host") for line in day.notes(simulated, other))
