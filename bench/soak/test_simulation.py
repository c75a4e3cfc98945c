"""Test fake time, the recorded rhythms, and the rules to which the witness holds a client."""

from __future__ import annotations

import asyncio
import time

from bench.soak import small_world
from bench.soak.simulation import clockwork, rhythms
from bench.soak.simulation.origin import Origin
from bench.soak.simulation.witness import Lateness, Witness
from bench.soak.simulation.world import World
from tests.testbed import shared_data


def test_fake_time_jumps_to_the_next_timer_and_stands_still_while_a_thread_works() -> None:
    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            sleeper = group.create_task(asyncio.sleep(3600))
            await asyncio.to_thread(time.sleep, 0.01)
            during = loop.time()
            await sleeper
        return during, loop.time()

    assert clockwork.run(main()) == (0.0, 3600.0)


def test_the_same_seed_draws_the_same_world() -> None:
    first, second = small_world.draw(seed=3), small_world.draw(seed=3)
    assert [feed.published for feed in first.feeds] == [feed.published for feed in second.feeds]
    assert [feed.host.name for feed in first.feeds] == [feed.host.name for feed in second.feeds]
    assert [feed.published for feed in first.feeds] != [feed.published for feed in small_world.draw(seed=4).feeds]


def _well(world: World) -> int:
    return next(
        feed.number
        for feed in world.feeds
        if feed.has_etag and not feed.is_restless and feed.max_age and not feed.trouble_at(0) and not feed.trouble_at(1)
    )


def test_an_unchanged_document_is_confirmed_by_its_validator() -> None:
    world = small_world.draw()
    feed = world.feeds[_well(world)]
    first = Origin(world).answer(feed, 0)
    again = Origin(world).answer(feed, 0, etag=dict(first.headers)["ETag"])
    assert (first.status, again.status) == (200, 304)


def test_asking_again_while_fresh_is_written_down() -> None:
    world = small_world.draw()
    feed, witness = world.feeds[_well(world)], Witness(world, per_host=2)
    for moment in (0.0, 1.0):
        witness.asked(feed, moment)
        witness.answered(Origin(world).answer(feed, moment), moment)
    assert dict(witness.broken) == {"while fresh (max-age, ttl)": 1}


def test_lateness_is_told_by_its_shares() -> None:
    lateness = Lateness()
    for seconds in range(101):
        lateness.add(seconds)
    assert (lateness.share(0.5), lateness.share(0.95)) == (50, 95)


def test_recorded_rhythms_are_whole_days_of_real_feeds() -> None:
    recorded = rhythms.read(shared_data.path("feed-snapshots"), series="nytimes")
    (rhythm,) = recorded.rhythms
    assert 20 < rhythm.a_day < 60
    assert len(recorded.titles) > 500
    assert all(0 <= second < 86_400 for day in rhythm.weekdays for second in day)
