"""Test with real feeds, fetch by fetch, that the application misses nothing and posts nothing twice."""

from __future__ import annotations

import pytest

from bench.quality import replay
from tests.testbed import shared_data


def check(result: replay.Result) -> None:
    assert {name: links for name, links in result.missed.items() if links} == {}
    assert result.doubled == set()
    assert sum(len(entry.links) for entry in result.expected.values()) > 0


@pytest.mark.long
async def test_three_real_series_are_replayed_without_a_miss_or_a_double() -> None:
    shared_data.path("feed-snapshots")
    check(await replay.replay(["rnz-2020", "philstar-2020", "straittimes-2020"], most=8))


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_all_twelve_series_are_replayed_without_a_miss_or_a_double() -> None:
    shared_data.path("feed-snapshots")
    check(await replay.replay(replay.all_series(), most=None))
