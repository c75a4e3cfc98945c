"""Test that after many joins grouping keeps no more than the articles in its window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from datetime import timedelta

import pytest

from bench.soak import joins

DAY = timedelta(days=1)


def is_level(kept: Sequence[joins.Kept]) -> bool:
    """After its first two tenths nothing that is kept grows."""
    _, second, *later = (astuple(one) for one in kept)
    return all(now <= 1.25 * before for one in later for now, before in zip(one, second, strict=True))


@pytest.mark.long
def test_thousands_of_joins_keep_no_more_than_the_window_holds() -> None:
    kept = list(joins.join_all(4000, a_day=400, window=DAY, every=400))

    assert kept[-1].articles <= 400 + joins.BATCH
    assert is_level(kept)


@pytest.mark.slow
@pytest.mark.timeout(5400)
def test_a_million_joins_keep_no_more_than_the_window_holds() -> None:
    assert is_level(list(joins.join_all(1_000_000, a_day=2500, window=DAY, every=100_000)))
