"""Few new facts are false."""

from __future__ import annotations

import pytest

from bench.quality import facts


@pytest.mark.parametrize("name", facts.SETS)
def test_precision_over_the_story_updates_stays_above_the_promise(name: str) -> None:
    precision, _ = facts.figures(facts.outcomes(name))
    assert precision >= 0.9
