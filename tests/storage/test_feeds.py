"""The stored state of feeds, over every store."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from bot import storage
from bot.model.feeds import FeedHealth, FeedState, Rhythm, Validators
from bot.storage.feeds import FeedStates
from tests.testbed.fakes import START
from tests.testbed.made import LEASE, MINUTE

A, B, C = "https://a.example/feed", "https://b.example/feed", "https://c.example/feed"


@pytest.fixture
def feeds(tx: storage.Transaction) -> FeedStates:
    tx.feeds.sync([A, B, C], now=START)
    return tx.feeds


def claim(
    feeds: FeedStates, now: datetime = START, *, token: str = "t", limit: int = 10, everything: bool = False
) -> list[str]:
    """Return the addresses of the feeds that are claimed."""
    claimed = feeds.claim_due(now=now, limit=limit, token=token, lease=LEASE, everything=everything)
    return [state.url for state in claimed]


def test_the_most_overdue_comes_first_and_no_more_than_asked_for(feeds: FeedStates) -> None:
    feeds.save([FeedState(url=url, due_at=START - n * MINUTE) for n, url in enumerate((A, B, C))])
    assert claim(feeds, limit=2) == [C, B]


def test_the_leases_of_a_failed_pass_end_one_after_another(feeds: FeedStates) -> None:
    claim(feeds, token="failed", limit=2)
    claim(feeds, token="another's")
    feeds.end_leases("failed", since=START + MINUTE / 4, apart=MINUTE / 4)
    assert [claim(feeds, START + number * MINUTE / 4, token="next") for number in range(3)] == [[], [A], [B]]


def test_a_leased_feed_is_claimed_by_another_when_the_lease_expires_and_then_only_the_other_may_save_it(
    feeds: FeedStates,
) -> None:
    claim(feeds)
    assert claim(feeds, token="other", everything=True) == []
    assert claim(feeds, START + LEASE, token="other", limit=1) == [A]
    changed = [replace(state, validators=Validators(etag="mine")) for state in feeds.all()]
    assert feeds.save(changed, token="t") == [A]
    assert [state.validators.etag for state in feeds.all()] == [None, "mine", "mine"]
    assert claim(feeds, START + LEASE) == [B, C], "a saved feed is released"


def test_a_renewed_lease_is_not_claimed_when_its_first_time_has_passed(feeds: FeedStates) -> None:
    later = START + LEASE + timedelta(seconds=1)
    assert feeds.count_due(now=START) == 3
    assert claim(feeds, token="mine") == [A, B, C]
    assert feeds.count_due(now=START) == 0
    feeds.renew("another's", until=later + LEASE)
    assert feeds.count_due(now=later) == 3
    feeds.renew("mine", until=later + LEASE)
    assert feeds.count_due(now=later) == 0
    assert claim(feeds, later, token="theirs") == []


def test_a_feed_that_is_not_due_waits_unless_every_feed_is_polled_or_made_due(feeds: FeedStates) -> None:
    later = START + MINUTE
    waits = FeedState(url=A, due_at=later)
    limited = FeedState(url=B, due_at=START, retry_after=later)
    gone = FeedState(url=C, due_at=START, gone=True)
    feeds.save([waits, limited, gone])
    assert claim(feeds) == []
    assert claim(feeds, everything=True) == [A]
    assert claim(feeds, later) == [B, A], "Retry-After is over; 410 stays"
    feeds.save([waits, replace(limited, due_at=later), gone])
    feeds.make_due(now=START)
    assert claim(feeds) == [A]


def test_an_unlisted_feed_is_neither_claimed_nor_shown_and_comes_back_due_and_a_listed_one_stays_as_it_is(
    feeds: FeedStates,
) -> None:
    gone = FeedState(url=A, due_at=START + MINUTE, gone=True, validators=Validators(etag="kept"))
    feeds.save([gone])
    feeds.sync([A, B, C], now=START + 2 * MINUTE)
    assert feeds.get(A) == gone
    feeds.sync([B, C], now=START)
    assert [state.url for state in feeds.all()] == [B, C]
    assert claim(feeds, everything=True) == [B, C]
    feeds.sync([A, B, C], now=START)
    assert claim(feeds) == [A]
    assert feeds.get(A) == replace(gone, due_at=START, gone=False)


def test_a_state_comes_back_as_it_was(feeds: FeedStates) -> None:
    state = FeedState(
        url=A,
        title="Dawn – ڈان",
        due_at=START + timedelta(microseconds=1),
        validators=Validators(etag='W/"1"', item_hashes=("a", "b")),
        failing_since=START,
        error="no answer\x00 \ud83d",
        rhythm=Rhythm(arrivals=(START, START + MINUTE), interval=timedelta(minutes=7, microseconds=3)),
    )
    feeds.save([state])
    assert feeds.get(A) == replace(state, error="no answer \ufffd")
    assert feeds.get("https://unknown.example/") is None


def test_feeds_of_a_limited_host_wait_until_the_later_of_its_limits_ends(feeds: FeedStates) -> None:
    until = START + 2 * MINUTE
    feeds.save([FeedState(url=B, due_at=START, moved_to="https://a.example/moved")])
    for limit in (until, START + MINUTE):
        feeds.limit_host("a.example", limit)
    assert feeds.host_limits(now=START + MINUTE) == {"a.example": until}
    assert claim(feeds) == [C]
    assert claim(feeds, token="other", everything=True) == []
    assert feeds.host_limits(now=until) == {}
    result = feeds.claim_due(now=until, limit=10, token="other", lease=LEASE)
    assert [(state.url, state.due_at) for state in result] == [(C, START), (A, until), (B, until)]


def test_feeds_are_shown_and_counted_by_their_health(feeds: FeedStates) -> None:
    feeds.save([FeedState(url=A, due_at=START, baseline_at=START)])
    feeds.save([FeedState(url=B, due_at=START, gone=True, failures=1)])
    health = FeedHealth
    assert feeds.counts() == {health.OK: 1, health.GONE: 1, health.NEW: 1}

    def page(*wanted: FeedHealth, skip: int = 0) -> list[str]:
        return [state.url for state in feeds.page(health=wanted, skip=skip, most=2)]

    assert page(*health) == [A, B]
    assert page(*health, skip=2) == [C]
    assert page(health.GONE, health.FAILING) == [B]
    # Removed from feeds.yaml and added again: it is polled again, and counts as failed until it answers.
    feeds.sync([A, C], now=START)
    feeds.sync([A, B, C], now=START)
    assert page(health.FAILING) == [B]
