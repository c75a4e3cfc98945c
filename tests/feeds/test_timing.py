"""The time of a feed's next poll depends on its rhythm, on failures, and on its publisher's wishes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.feeds import polling
from bot.model.feeds import Feed, ParsedFeed, PublisherLimits, Rhythm
from tests.feeds.states import (
    EVERY,
    FEED,
    FRESH,
    LONGEST,
    POLICY,
    READ,
    WELL,
    answered,
    entries,
    status,
    was_read,
)
from tests.testbed.fakes import START


def rhythm(arrivals: Sequence[datetime], *, item_count: int = 3) -> Rhythm:
    return Rhythm(arrivals=tuple(arrivals), item_count=item_count)


def test_backing_off_doubles_up_to_an_hour_and_further_after_days() -> None:
    state, now, waits = READ, START, []
    for _ in range(40):
        state = polling.FinishedPoll(state, FEED, POLICY, now, 0).after_failure("no answer")
        waits.append(state.due_at - now)
        now = state.due_at
    assert waits[:5] == [EVERY * factor for factor in (1, 2, 4, 8, 12)]
    assert max(waits[:20]) == timedelta(hours=1)
    assert waits[-1] == timedelta(hours=6)
    old = replace(state, failing_since=now - timedelta(days=9))
    assert polling.FinishedPoll(old, FEED, POLICY, now, 0).after_failure("x").due_at - now == timedelta(hours=24)


def test_a_busy_feed_is_polled_as_often_as_allowed_and_a_quiet_one_less_often() -> None:
    busy = was_read(FRESH, ParsedFeed(entries=entries(*(START - timedelta(minutes=10 * n) for n in range(20)))))
    hourly = was_read(FRESH, ParsedFeed(entries=entries(*(START - timedelta(hours=2 * n) for n in range(20)))))
    quiet = was_read(FRESH, ParsedFeed(entries=entries(*(START - timedelta(days=30 * n) for n in range(20)))))
    assert busy.due_at - START == EVERY
    assert hourly.due_at - START == timedelta(hours=2) / 8
    assert quiet.due_at - START == LONGEST


def test_the_random_part_of_a_wait_does_not_pass_at_least_and_a_publisher_may_ask_for_longer() -> None:
    quiet = replace(READ, rhythm=rhythm((START - timedelta(days=90), START - timedelta(days=60))))
    assert answered(quiet, WELL, jitter=1).due_at - START == POLICY.at_least
    patient = replace(quiet, publisher_limits=PublisherLimits(ttl=timedelta(hours=3)))
    assert answered(patient, WELL).due_at - START == timedelta(hours=3)


@pytest.mark.parametrize(
    ("keys", "minutes"),
    [
        ({"at_least": timedelta(minutes=40)}, 40),
        ({"at_least": timedelta(minutes=3)}, 3),
        # The publisher wants a longer interval than the default maximum.
        ({"every": timedelta(hours=2)}, 120),
        ({"every": timedelta(hours=2), "at_least": timedelta(hours=6)}, 360),
    ],
)
def test_a_quiet_feed_is_polled_as_often_as_its_own_key_says(keys: dict[str, timedelta], minutes: int) -> None:
    quiet = replace(READ, rhythm=rhythm((START - timedelta(days=90), START - timedelta(days=60))))
    waited = answered(quiet, WELL, feed=dataclasses.replace(FEED, **keys)).due_at - START  # type: ignore[arg-type]
    assert (
        timedelta(minutes=minutes) / 1.1 <= waited + timedelta(microseconds=1) <= timedelta(minutes=minutes, seconds=1)
    )


def burst(count: int, *, minutes_ago: float) -> tuple[datetime, ...]:
    """So many arrivals, a minute apart."""
    return tuple(START - timedelta(minutes=minutes_ago - minute) for minute in range(count))


def test_a_feed_whose_list_filled_quickly_before_is_asked_twice_in_that_time_also_after_hours_of_silence() -> None:
    quiet = replace(READ, rhythm=rhythm(burst(30, minutes_ago=600), item_count=20))
    assert answered(quiet, WELL).due_at - START == timedelta(minutes=10)
    long_list = replace(quiet, rhythm=replace(quiet.rhythm, item_count=100))
    assert answered(long_list, WELL).due_at - START > timedelta(minutes=10)


def test_a_feed_that_brings_its_whole_list_at_once_is_not_asked_more_often_for_it() -> None:
    weekly = tuple(START - timedelta(days=days) for days in (14, 7) for _ in range(10))
    state = replace(READ, rhythm=rhythm(weekly, item_count=10))
    assert answered(state, WELL).due_at - START == LONGEST


def test_a_feed_whose_whole_list_is_new_is_polled_again_at_once() -> None:
    state = replace(READ, rhythm=rhythm(tuple(START - timedelta(days=40 - n) for n in range(20))))
    reading = ParsedFeed(entries=entries(START, START), item_hashes=("a", "b", "c"))
    assert was_read(state, reading, new=2).due_at == START + EVERY
    assert was_read(state, reading, new=1).due_at > START + EVERY


def test_arrivals_teach_the_rhythm_and_dates_in_the_future_do_not() -> None:
    first = was_read(FRESH, ParsedFeed(entries=entries(START + timedelta(days=9), START, None)))
    assert first.rhythm.arrivals == (START,)
    second = was_read(first, ParsedFeed(), new=2, now=START + EVERY)
    assert second.rhythm.arrivals == (START, START + EVERY, START + EVERY)
    many = was_read(second, ParsedFeed(), new=80, now=START + EVERY * 2)
    assert len(many.rhythm.arrivals) == 50


@pytest.mark.parametrize("hours", [2, 30])
def test_ttl_and_freshness_are_lower_bounds_up_to_a_day(hours: int) -> None:
    request = timedelta(hours=hours)
    by_ttl = was_read(READ, ParsedFeed(ttl=request))
    by_header = answered(READ, status(304, fresh_until=START + request))
    assert by_ttl.due_at == by_header.due_at == START + min(request, timedelta(hours=24))


def test_a_304_keeps_the_interval_of_the_last_reading() -> None:
    state = was_read(READ, ParsedFeed(ttl=timedelta(hours=2)))
    repeated = answered(state, WELL, now=state.due_at)
    assert repeated.due_at - state.due_at == timedelta(hours=2)


@given(
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 10_000),
    st.sampled_from([200, 304, 301, 403, 404, 429, 500, 503]),
    st.integers(0, 40),
)
def test_no_feed_is_polled_before_its_shortest_interval(jitter: float, minutes: int, code: int, failures: int) -> None:
    state = replace(READ, failures=failures, publisher_limits=PublisherLimits(ttl=timedelta(minutes=minutes)))
    after = answered(state, status(code), jitter=jitter)
    assert after.due_at >= START + EVERY
    assert after.due_at <= START + timedelta(days=1, hours=3)


def test_a_mailbox_is_polled_each_minute_unless_its_feed_says_otherwise() -> None:
    box = Feed(url="imaps://mail.example.org/INBOX", kind="imap")
    minute = timedelta(minutes=1)
    assert (polling.shortest_interval(box, POLICY), polling.longest_interval(box, POLICY)) == (minute, minute)
    hourly = dataclasses.replace(box, every=timedelta(hours=1))
    assert polling.longest_interval(hourly, POLICY) == timedelta(hours=1)
    rhythmic = dataclasses.replace(box, at_least=timedelta(hours=2))
    assert polling.longest_interval(rhythmic, POLICY) > timedelta(hours=1)
