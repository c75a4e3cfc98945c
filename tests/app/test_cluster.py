from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from testbed.servers.postgres import Server
from tests.app.flock import Flock, Outcome

pytestmark = pytest.mark.postgres


def _check(outcome: Outcome) -> None:
    assert (outcome.missed, outcome.lost, outcome.doubled) == ([], [], [])


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_workers_that_are_killed_leave_their_feeds_and_messages_to_the_others(
    tmp_path: Path, postgres_server: Server
) -> None:
    flock = Flock(tmp_path / "config", postgres_server, workers=2, feeds=100, every=timedelta(seconds=30))
    _check(await flock.live(kills=3, stories=9, pause=(2, 5)))


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_fifty_kills_of_three_workers_over_five_thousand_feeds(tmp_path: Path, postgres_server: Server) -> None:
    flock = Flock(tmp_path / "config", postgres_server, workers=3, feeds=5_000, every=timedelta(seconds=90))
    outcome = await flock.live(kills=50, stories=200, pause=(3, 9))
    _check(outcome)
    assert outcome.kills >= 50
