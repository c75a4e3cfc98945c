"""What each answer does to a feed's state, and when the feed is asked again."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import model, polling, ports
from testbed.fakes import START

URL = "https://news.example.org/feed"
FEED = model.Feed(url=URL)
POLICY = model.FetchPolicy()
EVERY = POLICY.every
#: A wait is lengthened by up to a tenth at random, and stays within at_least.
LONGEST = POLICY.at_least / 1.1
FRESH = model.FeedState(url=URL, due_at=START)
READ = dataclasses.replace(
    FRESH, baseline_at=START - timedelta(days=1), ok_at=START - EVERY, etag='"v1"', last_modified="then", item_count=3
)
WELL = ports.Answer(status=304, url=URL)
PAGE = ports.Answer(status=200, url=URL, body=b"<rss/>", etag='"v2"', last_modified="now")


def answered(
    state: model.FeedState, answer: ports.Answer, *, now: datetime = START, jitter: float = 0.0, feed: model.Feed = FEED
) -> model.FeedState:
    return polling.after_answer(state, feed, answer, policy=POLICY, now=now, jitter=jitter)


def was_read(
    state: model.FeedState,
    reading: model.Reading,
    answer: ports.Answer = PAGE,
    *,
    new: int = 0,
    now: datetime = START,
    jitter: float = 0.0,
) -> model.FeedState:
    return polling.after_reading(
        state,
        FEED,
        reading,
        answer,
        digest=polling.body_hash(answer.body),
        new_count=new,
        arrivals=[now] * new,
        policy=POLICY,
        now=now,
        jitter=jitter,
    )


def entries(*dates: datetime | None) -> tuple[model.Entry, ...]:
    return tuple(model.Entry(title=str(date), published=date) for date in dates)


def status(code: int, **more: object) -> ports.Answer:
    return dataclasses.replace(ports.Answer(status=code, url=URL), **more)  # type: ignore[arg-type] # fields by name


def test_a_first_request_has_no_conditions() -> None:
    assert polling.request(FRESH) == ports.Request(url=URL)
    assert polling.request(dataclasses.replace(FRESH, etag='"x"')).etag is None


def test_a_later_request_sends_both_validators() -> None:
    assert polling.request(READ) == ports.Request(url=URL, etag='"v1"', last_modified="then")


def test_a_reading_is_remembered() -> None:
    reading = model.Reading(title="News", entries=entries(START), remarks=("odd",), item_hashes=("a", "b"))
    state = was_read(FRESH, reading, new=1)
    assert (state.title, state.etag, state.last_modified) == ("News", '"v2"', "now")
    assert (state.baseline_at, state.ok_at, state.new_at, state.polled_at) == (START, START, START, START)
    assert (state.item_hashes, state.remarks, state.item_count) == (("a", "b"), ("odd",), 2)
    assert polling.is_unchanged(state, polling.body_hash(PAGE.body))
    assert not polling.is_unchanged(state, polling.body_hash(b"<rss></rss>"))


def test_a_baseline_is_the_first_reading_also_without_items() -> None:
    first = was_read(FRESH, model.Reading())
    assert first.baseline_at == START
    assert was_read(first, model.Reading(), now=START + EVERY).baseline_at == START


def test_a_304_is_well_and_may_bring_a_newer_validator() -> None:
    failed = polling.after_failure(READ, FEED, "no answer", policy=POLICY, now=START, jitter=0)
    state = answered(failed, status(304, etag='"v2"'), now=START + EVERY)
    assert (state.failures, state.error, state.failing_since) == (0, None, None)
    assert (state.etag, state.last_modified, state.ok_at) == ('"v2"', "then", START + EVERY)


def test_a_304_to_a_question_without_conditions_is_a_failure() -> None:
    assert "304" in (answered(FRESH, WELL).error or "")


@pytest.mark.parametrize("code", [301, 308])
def test_a_permanent_move_is_believed_when_it_repeats(code: int) -> None:
    moved = status(304, permanent_url="https://new.example.org/feed")
    state = READ
    for _ in range(2):
        state = answered(state, moved)
        assert polling.request(state).url == URL
    state = answered(state, moved)
    assert polling.request(state).url == "https://new.example.org/feed"
    assert state.url == URL


def test_a_move_that_changes_its_mind_is_not_believed() -> None:
    state = READ
    for target in ("a", "a", "b", "a", None, "a", "a"):
        state = answered(state, status(304, permanent_url=target and f"https://{target}.example.org/"))
    assert state.moved_to is None


def test_a_move_that_leads_nowhere_is_given_up() -> None:
    state = dataclasses.replace(READ, moved_to="https://new.example.org/feed")
    for _ in range(3):
        state = polling.after_failure(state, FEED, "no such host", policy=POLICY, now=START, jitter=0)
    assert polling.request(state).url == URL


def test_410_ends_the_feed_but_not_by_way_of_a_move() -> None:
    gone = answered(READ, status(410))
    assert gone.gone
    assert "remove or correct it in feeds.yaml" in (gone.error or "")
    assert gone.due_at > START + timedelta(days=365)
    assert not answered(dataclasses.replace(READ, moved_to="https://new.example.org/"), status(410)).gone


@pytest.mark.parametrize("code", [429, 503])
def test_a_retry_after_is_kept_for_the_address(code: int) -> None:
    until = START + timedelta(hours=3)
    state = answered(READ, status(code, retry_after=until))
    assert (state.retry_after, state.limited_at) == (until, START)
    assert state.due_at == until
    assert answered(state, WELL, now=until).retry_after is None


def test_a_retry_after_of_years_is_kept_for_a_week() -> None:
    state = answered(READ, status(429, retry_after=START + timedelta(days=900)))
    assert state.retry_after == START + timedelta(days=7)


def test_a_limit_without_a_time_waits_longer_each_time() -> None:
    state, waits = READ, []
    for _ in range(7):
        state = answered(state, status(429))
        assert state.retry_after is not None
        waits.append(state.retry_after - START)
    assert waits[:3] == [timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1)]
    assert waits[-1] == timedelta(hours=6)


def test_a_sudden_403_is_a_limit_and_stays_one() -> None:
    state = answered(READ, status(403))
    assert state.limited_at == START
    assert answered(state, status(403)).limited_at == START


def test_a_403_from_the_start_is_none() -> None:
    assert answered(FRESH, status(403)).retry_after is None


@pytest.mark.parametrize("code", [204, 302, 400, 401, 404, 418, 500, 502, 599, 999])
def test_every_other_status_backs_off_and_says_what_to_do(code: int) -> None:
    state = answered(READ, status(code))
    assert state.failures == 1
    assert (state.error or "").startswith((f"{code} ", f"status {code}:"))
    assert state.due_at == START + EVERY
    assert (state.etag, state.body_hash) == (READ.etag, READ.body_hash)


def test_backing_off_doubles_up_to_an_hour_and_further_after_days() -> None:
    state, now, waits = READ, START, []
    for _ in range(40):
        state = polling.after_failure(state, FEED, "no answer", policy=POLICY, now=now, jitter=0)
        waits.append(state.due_at - now)
        now = state.due_at
    assert waits[:5] == [EVERY * factor for factor in (1, 2, 4, 8, 12)]
    assert max(waits[:20]) == timedelta(hours=1)
    assert waits[-1] == timedelta(hours=6)
    late = polling.after_failure(state, FEED, "x", policy=POLICY, now=now + timedelta(days=9), jitter=0)
    assert late.due_at - (now + timedelta(days=9)) == timedelta(hours=24)


def test_a_long_error_text_is_cut() -> None:
    state = polling.after_failure(READ, FEED, "x" * 10_000, policy=POLICY, now=START, jitter=0)
    assert len(state.error or "") == 500


def test_a_busy_feed_is_asked_as_often_as_allowed_and_a_quiet_one_less() -> None:
    busy = was_read(FRESH, model.Reading(entries=entries(*(START - timedelta(minutes=10 * n) for n in range(20)))))
    hourly = was_read(FRESH, model.Reading(entries=entries(*(START - timedelta(hours=2 * n) for n in range(20)))))
    quiet = was_read(FRESH, model.Reading(entries=entries(*(START - timedelta(days=30 * n) for n in range(20)))))
    assert busy.due_at - START == EVERY
    assert hourly.due_at - START == timedelta(hours=2) / 8
    assert quiet.due_at - START == LONGEST


def test_the_random_part_of_a_wait_does_not_pass_at_least_and_a_publisher_may_ask_for_longer() -> None:
    quiet = dataclasses.replace(READ, rhythm=(START - timedelta(days=90), START - timedelta(days=60)))
    assert answered(quiet, WELL, jitter=1).due_at - START == POLICY.at_least
    patient = dataclasses.replace(quiet, ttl=timedelta(hours=3))
    assert answered(patient, WELL).due_at - START == timedelta(hours=3)


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ({"at_least": timedelta(minutes=40)}, 40),
        ({"at_least": timedelta(minutes=3)}, 3),
        # An interval that is asked for is longer than the default for the longest.
        ({"every": timedelta(hours=2)}, 120),
        ({"every": timedelta(hours=2), "at_least": timedelta(hours=6)}, 360),
    ],
)
def test_a_quiet_feed_is_asked_as_often_as_its_own_line_says(said: dict[str, timedelta], minutes: int) -> None:
    quiet = dataclasses.replace(READ, rhythm=(START - timedelta(days=90), START - timedelta(days=60)))
    waited = answered(quiet, WELL, feed=dataclasses.replace(FEED, **said)).due_at - START  # type: ignore[arg-type]
    assert (
        timedelta(minutes=minutes) / 1.1 <= waited + timedelta(microseconds=1) <= timedelta(minutes=minutes, seconds=1)
    )


def burst(count: int, *, minutes_ago: float) -> tuple[datetime, ...]:
    """So many arrivals, a minute apart."""
    return tuple(START - timedelta(minutes=minutes_ago - minute) for minute in range(count))


def test_a_feed_whose_list_filled_quickly_before_is_asked_twice_in_that_time_also_after_hours_of_silence() -> None:
    quiet = dataclasses.replace(READ, rhythm=burst(30, minutes_ago=600), item_count=20)
    assert answered(quiet, WELL).due_at - START == timedelta(minutes=10)
    long_list = dataclasses.replace(quiet, item_count=100)
    assert answered(long_list, WELL).due_at - START > timedelta(minutes=10)


def test_a_feed_that_brings_its_whole_list_at_once_is_not_asked_more_often_for_it() -> None:
    weekly = tuple(START - timedelta(days=days) for days in (14, 7) for _ in range(10))
    state = dataclasses.replace(READ, rhythm=weekly, item_count=10)
    assert answered(state, WELL).due_at - START == LONGEST


def test_a_list_of_which_nothing_is_left_is_remarked_with_what_its_publisher_asks_for() -> None:
    fresh = model.Reading(title="News", entries=entries(START, START), item_hashes=("a", "b"))
    known = dataclasses.replace(READ, polled_at=START - EVERY)
    (remark,) = was_read(known, fresh, new=2).remarks
    assert remark == "all 2 items are new since the last poll; some may have come and gone unseen"
    hourly = dataclasses.replace(known, polled_at=START - timedelta(hours=1), ttl=timedelta(hours=1))
    (remark,) = was_read(hourly, fresh, new=2).remarks
    assert remark.endswith("unseen: the server asks to wait for 1 hour; tell the publisher")
    assert was_read(known, fresh, new=1).remarks == ()
    assert was_read(FRESH, fresh, new=2).remarks == ()


def test_a_feed_may_set_its_own_shortest_interval() -> None:
    feed = model.Feed(url=URL, every=timedelta(minutes=2))
    assert answered(dataclasses.replace(READ, rhythm=(START,) * 9), WELL, feed=feed).due_at == START + feed.every  # type: ignore[operator]


def test_a_window_that_turns_over_is_asked_at_once() -> None:
    state = dataclasses.replace(READ, rhythm=tuple(START - timedelta(days=40 - n) for n in range(20)))
    reading = model.Reading(entries=entries(START, START), item_hashes=("a", "b", "c"))
    assert was_read(state, reading, new=2).due_at == START + EVERY
    assert was_read(state, reading, new=1).due_at > START + EVERY


def test_arrivals_teach_the_rhythm_and_dates_in_the_future_do_not() -> None:
    first = was_read(FRESH, model.Reading(entries=entries(START + timedelta(days=9), START, None)))
    assert first.rhythm == (START,)
    second = was_read(first, model.Reading(), new=2, now=START + EVERY)
    assert second.rhythm == (START, START + EVERY, START + EVERY)
    many = was_read(second, model.Reading(), new=80, now=START + EVERY * 2)
    assert len(many.rhythm) == 50


@pytest.mark.parametrize("hours", [2, 30])
def test_ttl_and_freshness_are_lower_bounds_up_to_a_day(hours: int) -> None:
    asked = timedelta(hours=hours)
    by_ttl = was_read(READ, model.Reading(ttl=asked))
    by_header = answered(READ, status(304, fresh_until=START + asked))
    assert by_ttl.due_at == by_header.due_at == START + min(asked, timedelta(hours=24))


def test_a_304_keeps_what_the_last_reading_asked() -> None:
    state = was_read(READ, model.Reading(ttl=timedelta(hours=2), skip_hours=(1,)))
    again = answered(state, WELL, now=state.due_at)
    assert again.due_at - state.due_at == timedelta(hours=2)
    assert again.skip_hours == (1,)


def test_skipped_hours_and_days_are_passed_over() -> None:
    # START is a Wednesday, 09:00.
    hours = was_read(READ, model.Reading(skip_hours=(9, 10)))
    days = was_read(READ, model.Reading(skip_days=(2,)))
    everything = was_read(READ, model.Reading(skip_hours=tuple(range(24))))
    assert hours.due_at.hour == 11
    assert (days.due_at.weekday(), days.due_at - START < timedelta(days=1)) == (3, True)
    assert everything.due_at - START < timedelta(hours=2)


def test_the_clock_of_a_feed_that_skips_is_utc() -> None:
    assert was_read(READ, model.Reading(skip_hours=(9,))).due_at.tzinfo is UTC


@given(
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 10_000),
    st.sampled_from([200, 304, 301, 403, 404, 429, 500, 503]),
    st.integers(0, 40),
)
def test_no_feed_is_asked_before_its_shortest_interval(jitter: float, minutes: int, code: int, failures: int) -> None:
    state = dataclasses.replace(READ, failures=failures, ttl=timedelta(minutes=minutes))
    after = answered(state, status(code), jitter=jitter)
    assert after.due_at >= START + EVERY
    assert after.due_at <= START + timedelta(days=1, hours=3)


@given(st.floats(0, 1, exclude_max=True))
def test_jitter_only_ever_delays(jitter: float) -> None:
    assert answered(READ, WELL, jitter=jitter).due_at >= answered(READ, WELL).due_at


def test_three_addresses_within_ten_minutes_speak_for_their_host() -> None:
    def limit(name: str, minute: int, hours: int = 1) -> tuple[str, datetime, datetime]:
        return name, START + timedelta(minutes=minute), START + timedelta(hours=hours)

    together = [limit("a", 0), limit("b", 4, hours=5), limit("c", 10)]
    assert polling.host_limit(together) == START + timedelta(hours=5)
    assert polling.host_limit(together[:2]) is None
    assert polling.host_limit([limit("a", 0), limit("b", 4), limit("c", 11)]) is None
    assert polling.host_limit([limit("a", 0), limit("a", 1), limit("a", 2), limit("b", 3)]) is None
    assert polling.host_limit([limit("z", -60), *together]) == START + timedelta(hours=5)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://A.Example.org:8443/x", "a.example.org"),
        ("https://u:p@h.org/", "h.org"),
        ("nonsense", ""),
        ("http://[", ""),
    ],
)
def test_the_host_of_an_address(url: str, host: str) -> None:
    assert polling.host_of(url) == host
