"""The process is killed at random moments while stories come in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.storm import Outcome, Storm
from tests.testbed import faults


async def check(folder: Path, *, kills: int, stories_a_kill: int, fault_rate: float) -> Outcome:
    outcome = await Storm(folder / "config", seed=20151202, faults=fault_rate).blow(
        kills=kills, stories_a_kill=stories_a_kill
    )
    assert (outcome.lost, outcome.doubled, outcome.disordered) == ([], [], [])
    assert outcome.kills >= kills
    assert outcome.quarantined == outcome.poison
    assert outcome.notices
    return outcome


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.long)])
async def test_killing_the_process_at_random_loses_nothing_repeats_nothing_and_sets_only_poison_aside(
    kills: int, tmp_path: Path
) -> None:
    await check(tmp_path, kills=kills, stories_a_kill=3, fault_rate=0.15)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_kills_between_the_edits_of_messages_with_many_stories_lose_and_repeat_no_headline(
    tmp_path: Path,
) -> None:
    # A damaged row would take all stories of its message with it, so there is none here.
    poisons = [word for word in faults.POISONS if word != faults.ROW]
    storm = Storm(tmp_path / "config", seed=20151202, faults=0.15, posts_per_hour=2, poisons=poisons)
    outcome = await storm.blow(kills=12, stories_a_kill=4)
    assert (outcome.lost, outcome.doubled, outcome.vanished) == ([], [], set())
    assert outcome.gathered
    assert outcome.quarantined == outcome.poison


@pytest.mark.slow
@pytest.mark.timeout(3000)
async def test_three_hundred_kills_over_a_thousand_alerts(tmp_path: Path) -> None:
    outcome = await check(tmp_path, kills=300, stories_a_kill=4, fault_rate=0.15)
    # Else it shows nothing: the kills must hit what they are meant for, and each fault must have been met.
    assert outcome.kills_before_recording
    assert outcome.look_ups
    assert len(outcome.faults) == 10
