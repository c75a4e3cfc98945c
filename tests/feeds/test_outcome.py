"""The effect of each answer on a feed's state."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.feeds import polling
from bot.model.feeds import ParsedFeed, PublisherLimits
from bot.model.fetching import Request
from tests.feeds.states import EVERY, FEED, FRESH, PAGE, POLICY, READ, URL, WELL, answered, entries, status, was_read
from tests.testbed.fakes import START


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
    failed = polling.FinishedPoll(READ, FEED, POLICY, START, 0).after_failure("no answer")
    state = answered(failed, status(304, etag='"v2"'), now=START + EVERY)
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
        state = polling.FinishedPoll(state, FEED, POLICY, START, 0).after_failure("no such host")
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
