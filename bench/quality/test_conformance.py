"""Test that real feeds are read as other readers read them."""

from __future__ import annotations

import pytest

from bench.quality import conformance
from tests.testbed import shared_data


@pytest.mark.long
def test_real_feeds_are_read_as_expected_and_none_crashes() -> None:
    results = list(conformance.outcomes(shared_data.path("feeds-wild")))
    certain = [result for result in results if result.tier in conformance.CERTAIN]
    assert [result.id for result in results if result.crashed] == []
    assert [(result.id, result.differences, result.refused) for result in certain if not result.is_met] == []
