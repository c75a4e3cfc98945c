"""Test that few new facts are false."""

from __future__ import annotations

from bench.quality import facts


def test_precision_over_the_story_updates_stays_above_the_promise_and_something_is_told() -> None:
    results = [outcome for name in facts.SETS for outcome in facts.outcomes(name)]
    precision, recall = facts.figures(results)

    assert precision >= 0.7
    assert recall >= 0.15
