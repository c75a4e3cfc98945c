"""What an answer makes of a feed's state: what is kept, when it is polled next, and what the operator is told."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.feeds import health, polling
from bot.model.feeds import Entry, Feed, FeedState, ParsedFeed, PublisherLimits, Rhythm, Validators
from bot.model.fetching import Request, Response
from bot.model.settings import FetchPolicy
from tests.testbed.fakes import START

URL = "https://news.example.org/feed"
FEED = Feed(url=URL)
POLICY = FetchPolicy()
EVERY = POLICY.every
#: A wait is lengthened by up to a tenth at random, and stays within at_least.
LONGEST = POLICY.at_least / 1.1
FRESH = FeedState(url=URL, due_at=START)
READ = replace(
    FRESH,
    baseline_at=START - timedelta(days=1),
    ok_at=START - EVERY,
    validators=Validators(etag='"v1"', last_modified="then"),
    rhythm=Rhythm(item_count=3),
)
WELL = Response(status=304, url=URL)
PAGE = Response(status=200, url=URL, body=b"<rss/>", etag='"v2"', last_modified="now")


def answered(
    state: FeedState,
    answer: Response,
    *,
    now: datetime = START,
    jitter: float = 0.0,
    feed: Feed = FEED,
) -> FeedState:
    return polling.FinishedPoll(state, feed, POLICY, now, jitter).after_answer(answer)


def was_read(
    state: FeedState,
    reading: ParsedFeed,
    answer: Response = PAGE,
    *,
    new: int = 0,
    now: datetime = START,
    jitter: float = 0.0,
) -> FeedState:
    return polling.FinishedPoll(state, FEED, POLICY, now, jitter).after_reading(
        reading, answer, digest=polling.hash_body(answer.body), new_count=new, arrivals=[now] * new
    )


def failed(state: FeedState, now: datetime = START, text: str = "no answer") -> FeedState:
    return polling.FinishedPoll(state, FEED, POLICY, now, 0).after_failure(text)


def entries(*dates: datetime | None) -> tuple[Entry, ...]:
    return tuple(Entry(title=str(date), published=date) for date in dates)


def status(code: int, **more: object) -> Response:
    return replace(Response(status=code, url=URL), **more)  # fields by name


# -- what an answer leaves behind


def test_a_later_request_sends_both_validators() -> None:
    assert polling.make_request(READ) == Request(url=URL, home=URL, etag='"v1"', last_modified="then")


def test_a_reading_is_remembered() -> None:
    reading = ParsedFeed(title="News", entries=entries(START), remarks=("odd",), item_hashes=("a", "b"))
    state = was_read(FRESH, reading, new=1)
    assert (state.title, state.validators.etag, state.validators.last_modified) == ("News", '"v2"', "now")
    assert (state.baseline_at, state.ok_at, state.rhythm.new_at, state.polled_at) == (START, START, START, START)
    assert (state.validators.item_hashes, state.remarks, state.rhythm.item_count) == (("a", "b"), ("odd",), 2)
    assert polling.is_unchanged(state, polling.hash_body(PAGE.body))
    assert not polling.is_unchanged(state, polling.hash_body(b"<rss></rss>"))


def test_the_first_title_stays_and_a_later_one_is_noted_until_it_is_gone() -> None:
    first = was_read(FRESH, ParsedFeed(title="Karachi Wire"))
    assert (first.title, first.new_title, first.baseline_at) == ("Karachi Wire", None, START)
    renamed = was_read(first, ParsedFeed(title="Reuters"), now=START + EVERY)
    assert (renamed.title, renamed.new_title, renamed.baseline_at) == ("Karachi Wire", "Reuters", START)
    restored = was_read(renamed, ParsedFeed(title="Karachi Wire"), now=START + 2 * EVERY)
    assert (restored.title, restored.new_title) == ("Karachi Wire", None)


def test_a_304_is_well_and_may_bring_a_newer_validator() -> None:
    failing = failed(READ)
    state = answered(failing, status(304, etag='"v2"'), now=START + EVERY)
    assert (state.failures, state.error, state.failing_since) == (0, None, None)
    assert (state.validators.etag, state.validators.last_modified, state.ok_at) == ('"v2"', "then", START + EVERY)
    # Unasked, it is a failure.
    assert "304" in (answered(FRESH, WELL).error or "")


@pytest.mark.parametrize("code", [301, 308])
def test_a_permanent_move_is_believed_when_it_repeats(code: int) -> None:
    moved = status(304, permanent_url="https://new.example.org/feed")
    state = READ
    for _ in range(2):
        state = answered(state, moved)
        assert polling.make_request(state).url == URL
    state = answered(state, moved)
    assert polling.make_request(state).url == "https://new.example.org/feed"
    assert state.url == URL


def test_a_move_that_changes_its_mind_is_not_believed() -> None:
    state = READ
    for target in ("a", "a", "b", "a", None, "a", "a"):
        state = answered(state, status(304, permanent_url=target and f"https://{target}.example.org/"))
    assert state.moved_to is None


def test_a_move_that_leads_nowhere_is_given_up() -> None:
    state = replace(READ, moved_to="https://new.example.org/feed")
    for _ in range(3):
        state = failed(state, text="no such host")
    assert polling.make_request(state).url == URL


def test_410_ends_the_feed_but_not_by_way_of_a_move() -> None:
    gone = answered(READ, status(410))
    assert gone.gone
    assert "remove or correct it in feeds.yaml" in (gone.error or "")
    assert gone.due_at > START + timedelta(days=365)
    assert not answered(replace(READ, moved_to="https://new.example.org/"), status(410)).gone


@pytest.mark.parametrize("code", [429, 503])
def test_a_retry_after_is_kept_for_the_address(code: int) -> None:
    until = START + timedelta(hours=3)
    state = answered(READ, status(code, retry_after=until))
    assert (state.retry_after, state.limited_at) == (until, START)
    assert state.due_at == until
    assert answered(state, WELL, now=until).retry_after is None
    # One of years is kept for a week.
    state = answered(READ, status(code, retry_after=START + timedelta(days=900)))
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
    assert answered(FRESH, status(403)).retry_after is None, "one from the start is no limit"


@pytest.mark.parametrize("code", [204, 302, 400, 401, 404, 418, 500, 502, 599, 999])
def test_every_other_status_backs_off_and_says_what_to_do(code: int) -> None:
    state = answered(READ, status(code))
    assert state.failures == 1
    assert (state.error or "").startswith((f"{code} ", f"status {code}:"))
    assert state.due_at == START + EVERY
    assert state.validators == READ.validators


def test_a_list_of_which_nothing_is_left_is_remarked_with_what_its_publisher_asks_for() -> None:
    fresh = ParsedFeed(title="News", entries=entries(START, START), item_hashes=("a", "b"))
    known = replace(READ, polled_at=START - EVERY)
    (remark,) = was_read(known, fresh, new=2).remarks
    assert remark == "all 2 items are new since the last poll; some may have come and gone unseen"
    hourly = replace(
        known, polled_at=START - timedelta(hours=1), publisher_limits=PublisherLimits(ttl=timedelta(hours=1))
    )
    (remark,) = was_read(hourly, fresh, new=2).remarks
    assert remark.endswith("unseen, because the server asks to wait for 1 hour; inform the publisher")
    assert was_read(known, fresh, new=1).remarks == ()
    assert was_read(FRESH, fresh, new=2).remarks == ()


def test_three_addresses_within_ten_minutes_speak_for_their_host() -> None:
    def limit(name: str, minute: int, hours: int = 1) -> tuple[str, datetime, datetime]:
        return name, START + timedelta(minutes=minute), START + timedelta(hours=hours)

    together = [limit("a", 0), limit("b", 4, hours=5), limit("c", 10)]
    assert polling.host_limit(together) == START + timedelta(hours=5)
    assert polling.host_limit(together[:2]) is None
    assert polling.host_limit([limit("a", 0), limit("b", 4), limit("c", 11)]) is None
    assert polling.host_limit([limit("a", 0), limit("a", 1), limit("a", 2), limit("b", 3)]) is None
    assert polling.host_limit([limit("z", -60), *together]) == START + timedelta(hours=5)


# -- a changed document is read whole once a week, so that it is known what a feed still lists


DAY = timedelta(days=1)
KNOWN = replace(READ, named_at=START, validators=replace(READ.validators, item_hashes=("a",)))


@pytest.mark.parametrize(("days", "is_due"), [(0, False), (6.9, False), (7, True), (-1, True)])
def test_it_is_due_a_week_after_the_last_time_and_where_the_clock_was_set_back(days: float, is_due: bool) -> None:
    assert polling.is_naming_due(KNOWN, START + days * DAY) is is_due
    assert polling.is_naming_due(READ, START)


@pytest.mark.parametrize(
    ("names_known", "hashes", "named_at"),
    [(False, ("a",), START), (True, ("a",), START + DAY), (False, (), START + DAY)],
    ids=["only new items", "all items", "items that are not told apart"],
)
def test_only_a_whole_reading_counts(names_known: bool, hashes: tuple[str, ...], named_at: datetime) -> None:
    poll = polling.FinishedPoll(KNOWN, FEED, POLICY, START + DAY, 0)
    reading = ParsedFeed(item_hashes=hashes)
    state = poll.after_reading(reading, PAGE, digest="", new_count=0, arrivals=(), names_known=names_known)
    assert state.named_at == named_at


# -- when a feed is polled next


#: Has had no item for two months.
QUIET = replace(READ, rhythm=Rhythm(arrivals=(START - 90 * DAY, START - 60 * DAY), item_count=3))


def test_backing_off_doubles_up_to_an_hour_and_further_after_days() -> None:
    state, now, waits = READ, START, []
    for _ in range(40):
        state = failed(state, now, "no answer")
        waits.append(state.due_at - now)
        now = state.due_at
    assert waits[:5] == [EVERY * factor for factor in (1, 2, 4, 8, 12)]
    assert max(waits[:20]) == timedelta(hours=1)
    assert waits[-1] == timedelta(hours=6)
    old = replace(state, failing_since=now - timedelta(days=9))
    assert failed(old, now, "x").due_at - now == timedelta(hours=24)


def test_a_busy_feed_is_polled_as_often_as_allowed_and_a_quiet_one_less_often() -> None:
    busy = was_read(FRESH, ParsedFeed(entries=entries(*(START - timedelta(minutes=10 * n) for n in range(20)))))
    hourly = was_read(FRESH, ParsedFeed(entries=entries(*(START - timedelta(hours=2 * n) for n in range(20)))))
    quiet = was_read(FRESH, ParsedFeed(entries=entries(*(START - timedelta(days=30 * n) for n in range(20)))))
    assert busy.due_at - START == EVERY
    assert hourly.due_at - START == timedelta(hours=2) / 8
    assert quiet.due_at - START == LONGEST


def test_the_random_part_of_a_wait_does_not_pass_at_least_and_a_publisher_may_ask_for_longer() -> None:
    assert answered(QUIET, WELL, jitter=1).due_at - START == POLICY.at_least
    patient = replace(QUIET, publisher_limits=PublisherLimits(ttl=timedelta(hours=3)))
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
    waited = answered(QUIET, WELL, feed=dataclasses.replace(FEED, **keys)).due_at - START  # type: ignore[arg-type]
    assert (
        timedelta(minutes=minutes) / 1.1 <= waited + timedelta(microseconds=1) <= timedelta(minutes=minutes, seconds=1)
    )


def burst(count: int, *, minutes_ago: float) -> tuple[datetime, ...]:
    """So many arrivals, a minute apart."""
    return tuple(START - timedelta(minutes=minutes_ago - minute) for minute in range(count))


def test_a_feed_whose_list_filled_quickly_before_is_asked_twice_in_that_time_also_after_hours_of_silence() -> None:
    quiet = replace(READ, rhythm=Rhythm(arrivals=burst(30, minutes_ago=600), item_count=20))
    assert answered(quiet, WELL).due_at - START == timedelta(minutes=10)
    long_list = replace(quiet, rhythm=replace(quiet.rhythm, item_count=100))
    assert answered(long_list, WELL).due_at - START > timedelta(minutes=10)


def test_a_feed_that_brings_its_whole_list_at_once_is_not_asked_more_often_for_it() -> None:
    weekly = tuple(START - timedelta(days=days) for days in (14, 7) for _ in range(10))
    state = replace(READ, rhythm=Rhythm(arrivals=weekly, item_count=10))
    assert answered(state, WELL).due_at - START == LONGEST


def test_a_feed_whose_whole_list_is_new_is_polled_again_at_once() -> None:
    state = replace(READ, rhythm=Rhythm(arrivals=tuple(START - (40 - n) * DAY for n in range(20)), item_count=3))
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


# -- notices: one for each problem, and one when it is over


def report_events(state: FeedState, now: datetime, feed: Feed = FEED) -> tuple[FeedState, list[str]]:
    events = health.find_health_events(state, feed, now)
    return health.mark_reported(state, events), [f"{'+' if event.is_well else '-'}{event.kind}" for event in events]


def test_a_hiccup_is_not_told_and_five_failures_are_told_once() -> None:
    state, reported = READ, []
    for _ in range(9):
        state, kinds = report_events(failed(state), START)
        reported.append(kinds)
    assert reported == [[], [], [], [], ["-broken"], [], [], [], []]
    state, kinds = report_events(answered(state, WELL), START)
    assert kinds == ["+broken"]
    assert report_events(state, START)[1] == []


def test_a_feed_that_takes_another_name_is_reported_once_unless_the_operator_named_it() -> None:
    state = replace(READ, title="Karachi Wire", new_title="Reuters")
    [event] = health.find_health_events(state, FEED, START)
    assert 'is now titled "Reuters"; its articles still show "Karachi Wire"' in event.text
    state, _ = report_events(state, START)
    assert report_events(state, START)[1] == []
    assert health.find_health_events(state, dataclasses.replace(FEED, name="Wire"), START) == ()


def test_the_text_says_which_feed_since_when_and_why() -> None:
    state = replace(failed(failed(READ)), title="Example News")
    (event,) = health.find_health_events(state, Feed(url="https://me:secret@news.example.org/feed"), START + 3 * DAY)
    assert event.text == (
        "Example News (https://***@news.example.org/feed) has failed 2 times in a row, for 3 days: no answer"
    )


def test_a_feed_that_ended_is_told_at_once_and_alone() -> None:
    state, kinds = report_events(replace(answered(READ, status(410)), reported=("broken",)), START)
    assert kinds == ["-gone"]
    assert report_events(state, START + 9 * DAY)[1] == []


def test_silence_is_judged_by_the_feeds_own_history() -> None:
    def with_arrivals(*arrivals: datetime) -> FeedState:
        return replace(READ, rhythm=replace(READ.rhythm, arrivals=arrivals, new_at=START))

    busy = with_arrivals(*(START - timedelta(hours=n) for n in range(20, 0, -1)))
    slow = with_arrivals(*(START - 7 * DAY * n for n in range(20, 0, -1)))
    assert report_events(busy, START + 2 * DAY)[1] == []
    state, kinds = report_events(busy, START + 2 * DAY + timedelta(hours=1))
    assert kinds == ["-silent"]
    assert report_events(slow, START + 20 * DAY)[1] == []
    assert report_events(slow, START + 22 * DAY)[1] == ["-silent"]
    back = was_read(state, ParsedFeed(entries=entries(START)), new=1, now=START + 3 * DAY)
    assert report_events(back, START + 3 * DAY)[1] == ["+silent"]
    assert report_events(with_arrivals(*[START] * 7), START + 400 * DAY)[1] == [], "it has no history"
    for _ in range(5):
        busy = failed(busy)
    assert report_events(busy, START + 5 * DAY)[1] == ["-broken"], "a broken feed is not silent too"


def test_a_canary_that_stays_away_is_told_and_its_return_too() -> None:
    feed = Feed(url=URL, expect=2 * DAY)
    state = replace(READ, rhythm=replace(READ.rhythm, new_at=START))
    assert report_events(state, START + 2 * DAY, feed)[1] == []
    state, kinds = report_events(state, START + 3 * DAY, feed)
    assert kinds == ["-expected"]
    assert report_events(state, START + 9 * DAY, feed)[1] == []
    assert report_events(
        replace(state, rhythm=replace(state.rhythm, new_at=START + 9 * DAY)),
        START + 9 * DAY,
        feed,
    )[1] == ["+expected"]


def test_a_failure_that_lasts_a_day_is_told_and_does_not_last_longer_because_the_bot_was_off() -> None:
    state = failed(READ)
    assert report_events(state, START + DAY)[1] == ["-broken"]
    later = state.due_at + 3 * DAY
    state = failed(state, later)
    assert report_events(state, later)[1] == []
    assert report_events(state, later + DAY)[1] == ["-broken"]


def test_a_feed_that_empties_is_told_after_a_day() -> None:
    state = was_read(READ, ParsedFeed())
    assert report_events(state, START + timedelta(hours=23))[1] == []
    state = was_read(state, ParsedFeed(), now=START + timedelta(hours=23))
    state, kinds = report_events(state, START + DAY)
    assert kinds == ["-empty"]
    assert report_events(was_read(state, ParsedFeed(entries=entries(START))), START + DAY)[1] == ["+empty"]
    young = was_read(was_read(FeedState(url=URL, due_at=START), ParsedFeed()), ParsedFeed())
    assert report_events(young, START + 9 * DAY)[1] == [], "it never had items"


def test_skipped_mails_are_told_once_a_day() -> None:
    reading = ParsedFeed(is_increment=True, skipped=1)
    state, reported = READ, []
    for hours in (0, 1, 24, 49):
        now = START + timedelta(hours=hours)
        state = was_read(state, reading, now=now)
        state, kinds = report_events(state, now)
        reported.append(kinds)
    assert reported == [["-skipped"], [], ["-skipped"], ["-skipped"]]
    assert state.today.unreadable == 1
    state = was_read(state, replace(reading, skipped=0), now=START + timedelta(hours=80))
    assert report_events(state, START + timedelta(hours=80))[1] == []
