"""Test a small soak: the samples, and that everything opened is closed again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bench.soak import small_world, soak


@pytest.mark.long
def test_each_hour_gives_a_sample_and_what_is_open_stays_the_same() -> None:
    seen: list[str] = []
    samples = soak.soak(
        small_world.draw(feeds=25, hours=4),
        days=4 / 24,
        tick=timedelta(seconds=60),
        report=lambda sample: seen.append(soak.format_sample(sample)),
    )
    assert [sample.hour for sample in samples] == [1, 2, 3, 4]
    # On a busy machine a reading process may end and another begin, with pipes of its own; a leak is of each poll, of
    # which there are hundreds.
    handles = [sample.handles for sample in samples[1:]]
    assert max(handles) - min(handles) <= 4
    assert samples[-1].rows["articles"] >= samples[0].rows["articles"] > 0
    assert len(seen) == 4
    assert len(soak.verdict(samples)) == 5


@pytest.mark.long
def test_it_ends_early_when_its_real_time_is_over() -> None:
    samples = soak.soak(
        small_world.draw(feeds=3, hours=4),
        days=4 / 24,
        tick=timedelta(minutes=5),
        most=timedelta(),
        report=lambda sample: None,
    )
    assert [sample.hour for sample in samples] == [1]
