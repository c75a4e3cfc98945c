"""Processes are killed at random moments while stories come in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash.storm import Outcome, Storm
from tests.testbed import faults
from tests.testbed.servers.postgres import Server

#: Three kills of a worker and three stories for each, over feeds that are polled every half minute.
FLOCK = Storm(kills=3, stories_a_kill=3, fault_rate=0, pause=(2, 5), workers=2, feeds=100, every_seconds=30)


def check(outcome: Outcome, storm: Storm) -> None:
    assert (outcome.lost, outcome.doubled, outcome.disordered) == ([], [], [])
    assert outcome.kills >= storm.kills
    assert outcome.quarantined == outcome.poison
    assert outcome.notices


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.long)])
async def test_killing_the_process_at_random_loses_nothing_repeats_nothing_and_sets_only_poison_aside(
    kills: int, tmp_path: Path
) -> None:
    storm = Storm(kills=kills, stories_a_kill=3)
    check(await storm.blow(tmp_path), storm)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_kills_between_the_edits_of_messages_with_many_stories_lose_and_repeat_no_headline(
    tmp_path: Path,
) -> None:
    # A damaged row would take all stories of its message with it, so there is none here.
    poisons = [word for word in faults.POISONS if word != faults.ROW]
    outcome = await Storm(kills=12, stories_a_kill=4, posts_per_hour=2, poisons=poisons).blow(tmp_path)
    assert (outcome.lost, outcome.doubled, outcome.vanished) == ([], [], set())
    assert outcome.gathered
    assert outcome.quarantined == outcome.poison


@pytest.mark.slow
@pytest.mark.timeout(3000)
async def test_three_hundred_kills_over_a_thousand_alerts(tmp_path: Path) -> None:
    storm = Storm(kills=300, stories_a_kill=4)
    outcome = await storm.blow(tmp_path)
    check(outcome, storm)
    # Else it shows nothing: the kills must hit what they are meant for, and each fault must have been met.
    assert outcome.kills_before_recording
    assert outcome.look_ups
    assert len(outcome.faults) == 10


@pytest.mark.postgres
@pytest.mark.long
@pytest.mark.timeout(240)
async def test_workers_that_are_killed_leave_their_feeds_and_messages_to_the_others(
    tmp_path: Path, postgres_server: Server
) -> None:
    outcome = await FLOCK.blow(tmp_path, postgres_server)
    check(outcome, FLOCK)
    assert outcome.missed == []


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_fifty_kills_of_three_workers_over_five_thousand_feeds(tmp_path: Path, postgres_server: Server) -> None:
    storm = replace(FLOCK, kills=50, stories_a_kill=4, pause=(3, 9), workers=3, feeds=5_000, every_seconds=90)
    outcome = await storm.blow(tmp_path, postgres_server)
    check(outcome, storm)
    assert outcome.missed == []


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(3000)
async def test_a_hundred_kills_over_four_hundred_alerts(tmp_path: Path, postgres_server: Server) -> None:
    # So many kills may keep a feed waiting for longer than two of its intervals.
    storm = replace(FLOCK, kills=100, stories_a_kill=4, pause=(1, 5), workers=3, feeds=20, every_seconds=15)
    check(await storm.blow(tmp_path, postgres_server), storm)
