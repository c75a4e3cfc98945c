"""The stored state of feeds, over every store."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot import storage
from bot.model.feeds import FeedHealth, FeedState, Rhythm, Validators
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made import LEASE, MINUTE

A, B, C = "https://a.example/feed", "https://b.example/feed", "https://c.example/feed"


async def claim(
    store: storage.Store, clock: FakeClock, *, token: str = "t", limit: int = 10, everything: bool = False
) -> list[FeedState]:
    now = clock.now()
    return list(
        await store.write(
            lambda tx: tx.feeds.claim_due(now=now, limit=limit, token=token, lease=LEASE, everything=everything)
        )
    )


async def save(store: storage.Store, *states: FeedState, token: str | None = None) -> list[str]:
    return list(await store.write(lambda tx: tx.feeds.save(states, token=token)))


@pytest.fixture
async def listed(store: storage.Store, clock: FakeClock) -> storage.Store:
    await store.write(lambda tx: tx.feeds.sync([A, B, C], now=clock.now()))
    return store


async def test_the_most_overdue_comes_first_and_no_more_than_asked_for(listed: storage.Store, clock: FakeClock) -> None:
    await save(listed, *(FeedState(url=url, due_at=START - n * MINUTE) for n, url in enumerate((A, B, C))))
    assert [state.url for state in await claim(listed, clock, limit=2)] == [C, B]


async def test_the_leases_of_a_failed_pass_end_one_after_another(listed: storage.Store, clock: FakeClock) -> None:
    await claim(listed, clock, token="failed", limit=2)
    await claim(listed, clock, token="another's")
    await listed.write(lambda tx: tx.feeds.end_leases("failed", since=START + MINUTE / 4, apart=MINUTE / 4))
    claimed = []
    for _ in range(3):
        claimed.append([state.url for state in await claim(listed, clock, token="next")])
        clock.advance(MINUTE / 4)
    assert claimed == [[], [A], [B]]


async def test_a_leased_feed_is_claimed_by_another_when_the_lease_expires_and_then_only_the_other_may_save_it(
    listed: storage.Store, clock: FakeClock
) -> None:
    mine = await claim(listed, clock)
    assert await claim(listed, clock, token="other", everything=True) == []
    clock.advance(LEASE)
    assert len(await claim(listed, clock, token="other", limit=1)) == 1
    lost = await save(listed, *(replace(state, validators=Validators(etag="mine")) for state in mine), token="t")
    assert lost == [A]
    states = await listed.read(lambda tx: tx.feeds.all())
    assert [state.validators.etag for state in states] == [None, "mine", "mine"]
    assert [state.url for state in await claim(listed, clock)] == [B, C], "a saved feed is released"


async def test_a_feed_that_is_not_due_waits_unless_every_feed_is_polled_or_made_due(
    listed: storage.Store, clock: FakeClock
) -> None:
    states = (
        FeedState(url=A, due_at=START + MINUTE),
        FeedState(url=B, due_at=START, retry_after=START + MINUTE),
        FeedState(url=C, due_at=START, gone=True),
    )
    await save(listed, *states)
    assert await claim(listed, clock) == []
    assert [state.url for state in await claim(listed, clock, everything=True)] == [A]
    clock.advance(MINUTE)
    assert [state.url for state in await claim(listed, clock)] == [B, A], "Retry-After is over; 410 stays"
    await save(listed, *(replace(state, due_at=clock.now() + MINUTE) for state in states))
    await save(listed, replace(states[1], due_at=clock.now() + MINUTE, retry_after=clock.now() + MINUTE))
    await listed.write(lambda tx: tx.feeds.make_due(now=clock.now()))
    assert [state.url for state in await claim(listed, clock)] == [A]


async def test_an_unlisted_feed_is_neither_claimed_nor_shown_and_comes_back_due_and_a_listed_one_stays_as_it_is(
    listed: storage.Store, clock: FakeClock
) -> None:
    gone = FeedState(url=A, due_at=START + MINUTE, gone=True, validators=Validators(etag="kept"))
    await save(listed, gone)
    await listed.write(lambda tx: tx.feeds.sync([A, B, C], now=START + 2 * MINUTE))
    assert await listed.read(lambda tx: tx.feeds.get(A)) == gone
    await listed.write(lambda tx: tx.feeds.sync([B, C], now=START))
    assert [state.url for state in await listed.read(lambda tx: tx.feeds.all())] == [B, C]
    assert [state.url for state in await claim(listed, clock, everything=True)] == [B, C]
    await listed.write(lambda tx: tx.feeds.sync([A, B, C], now=START))
    back = await claim(listed, clock)
    assert [(state.url, state.gone, state.validators.etag) for state in back] == [(A, False, "kept")]


async def test_a_state_comes_back_as_it_was(listed: storage.Store) -> None:
    state = FeedState(
        url=A,
        title="Dawn – ڈان",
        due_at=START + timedelta(microseconds=1),
        validators=Validators(etag='W/"1"', item_hashes=("a", "b")),
        failing_since=START,
        error="no answer\x00 \ud83d",
        rhythm=Rhythm(arrivals=(START, START + MINUTE), interval=timedelta(minutes=7, microseconds=3)),
    )
    await save(listed, state)
    assert await listed.read(lambda tx: tx.feeds.get(A)) == replace(state, error="no answer \ufffd")
    assert await listed.read(lambda tx: tx.feeds.get("https://unknown.example/")) is None


async def test_feeds_of_a_limited_host_wait_until_the_later_of_its_limits_ends(
    listed: storage.Store, clock: FakeClock
) -> None:
    until = START + 2 * MINUTE
    moved = FeedState(url=B, due_at=START, moved_to="https://a.example/moved")
    await save(listed, moved)
    for limit in (until, START + MINUTE):
        await listed.write(lambda tx, limit=limit: tx.feeds.limit_host("a.example", limit))  # type: ignore[misc]
    assert await listed.read(lambda tx: tx.feeds.host_limits(now=START + MINUTE)) == {"a.example": until}
    assert [state.url for state in await claim(listed, clock)] == [C]
    assert await claim(listed, clock, token="other", everything=True) == []
    clock.set(until)
    assert await listed.read(lambda tx: tx.feeds.host_limits(now=until)) == {}
    result = await claim(listed, clock, token="other")
    assert [(state.url, state.due_at) for state in result] == [(C, START), (A, until), (B, until)]


async def test_feeds_are_shown_and_counted_by_their_health(listed: storage.Store, clock: FakeClock) -> None:
    await save(listed, FeedState(url=A, due_at=START, baseline_at=START))
    await save(listed, FeedState(url=B, due_at=START, gone=True, failures=1))
    health = FeedHealth
    assert await listed.read(lambda tx: tx.feeds.counts()) == {health.OK: 1, health.GONE: 1, health.NEW: 1}

    async def page(*wanted: FeedHealth, skip: int = 0) -> list[str]:
        states = await listed.read(lambda tx: tx.feeds.page(health=wanted, skip=skip, most=2))
        return [state.url for state in states]

    assert await page(*health) == [A, B]
    assert await page(*health, skip=2) == [C]
    assert await page(health.GONE, health.FAILING) == [B]
    # Removed from feeds.yaml and added again: it is polled again, and counts as failed until it answers.
    await listed.write(lambda tx: tx.feeds.sync([A, C], now=clock.now()))
    await listed.write(lambda tx: tx.feeds.sync([A, B, C], now=clock.now()))
    assert await page(health.FAILING) == [B]
