"""Subscriptions at hubs, over every store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot import storage
from bot.feeds import websub
from bot.model.feeds import Subscription
from tests.testbed.fakes import START

HUB = "https://hub.example/"
LEASE = timedelta(minutes=5)


def want(tx: storage.Transaction, *each: Subscription) -> None:
    for item in each:
        tx.subscriptions.want(item)


async def test_a_subscription_is_wanted_once_and_anew_where_the_hub_is_another(store: storage.Store) -> None:
    first, second = (
        websub.new_subscription("https://a.example/", HUB, "https://a.example/", now=START) for _ in range(2)
    )
    other = replace(second, hub="https://other.example/")
    await store.write(lambda tx: want(tx, first, second))
    assert await store.read(lambda tx: tx.subscriptions.all()) == [first]
    await store.write(lambda tx: tx.subscriptions.want(other))
    assert await store.read(lambda tx: tx.subscriptions.by_token(first.token)) is None
    assert await store.read(lambda tx: tx.subscriptions.by_token(other.token)) == other
    assert await store.read(lambda tx: tx.subscriptions.of_feed(other.feed)) == other
    assert await store.read(lambda tx: tx.subscriptions.of_feed("https://b.example/")) is None
    await store.write(lambda tx: tx.subscriptions.save(replace(first, failures=9)))
    assert await store.read(lambda tx: tx.subscriptions.all()) == [other]
    await store.write(lambda tx: tx.subscriptions.keep(["https://b.example/"]))
    assert await store.read(lambda tx: tx.subscriptions.all()) == []


async def test_a_hub_is_asked_by_one_process_until_its_lease_is_over(store: storage.Store) -> None:
    subscription = [
        websub.new_subscription(f"https://{n}.example/", HUB, "https://t.example/", now=START) for n in range(3)
    ]
    await store.write(lambda tx: want(tx, *subscription))
    assert (await store.read(lambda tx: tx.subscriptions.waiting(now=START)))[1] == 3
    claimed = await store.write(lambda tx: tx.subscriptions.claim_due(now=START, limit=2, lease=LEASE))
    subscriptions = await store.write(lambda tx: tx.subscriptions.claim_due(now=START, limit=9, lease=LEASE))
    assert [value.feed for value in (*claimed, *subscriptions)] == [value.feed for value in subscription]
    after = websub.after_request(claimed[0], None, now=START)
    await store.write(lambda tx: tx.subscriptions.save(after))
    late = await store.write(lambda tx: tx.subscriptions.claim_due(now=START + LEASE, limit=9, lease=LEASE))
    assert [value.feed for value in late] == [value.feed for value in subscription[1:]]
    assert await store.read(lambda tx: tx.subscriptions.by_token(after.token)) == after


async def test_a_push_waits_until_its_feed_is_due(store: storage.Store) -> None:
    feed = "https://a.example/"
    await store.write(lambda tx: tx.feeds.sync([feed], now=START))
    await store.write(lambda tx: tx.subscriptions.want(websub.new_subscription(feed, HUB, feed, now=START)))
    await store.write(lambda tx: tx.subscriptions.push(feed, at=START))
    assert (await store.read(lambda tx: tx.subscriptions.waiting(now=START)))[0] == [feed]
    [state] = await store.write(lambda tx: tx.feeds.claim_due(now=START, limit=1, token="x", lease=LEASE))
    # It is being polled, and may have been looked at before the news came.
    assert not await store.write(lambda tx: tx.feeds.hurry(feed, at=START, now=START))
    later = replace(state, due_at=START + timedelta(hours=1))
    await store.write(lambda tx: tx.feeds.save([later], token="x"))
    assert await store.write(lambda tx: tx.feeds.hurry(feed, at=START, now=START))
    assert await store.read(lambda tx: tx.feeds.count_due(now=START)) == 1
    await store.write(lambda tx: tx.subscriptions.push(feed, at=None))
    assert (await store.read(lambda tx: tx.subscriptions.waiting(now=START)))[0] == []


async def test_a_hub_that_comes_back_before_it_answers_the_request_is_not_forgotten(store: storage.Store) -> None:
    feed = "https://a.example/"
    await store.write(lambda tx: want(tx, websub.new_subscription(feed, HUB, feed, now=START)))
    [subscription] = await store.write(lambda tx: tx.subscriptions.claim_due(now=START, limit=1, lease=LEASE))
    verified = websub.after_verification(subscription, topic=feed, lease_seconds="86400", now=START)
    assert verified is not None
    await store.write(lambda tx: tx.subscriptions.save(verified))
    await store.write(
        lambda tx: tx.subscriptions.save(websub.after_request(subscription, None, now=START), expected=subscription)
    )
    assert await store.read(lambda tx: tx.subscriptions.by_token(subscription.token)) == verified
    repeated = websub.after_request(verified, "the hub answered 500", now=START)
    await store.write(lambda tx: tx.subscriptions.save(repeated, expected=verified))
    assert await store.read(lambda tx: tx.subscriptions.by_token(subscription.token)) == repeated


async def test_a_feed_that_names_another_hub_does_not_end_the_pause_after_failures(store: storage.Store) -> None:
    feed = "https://a.example/"
    first = websub.new_subscription(feed, HUB, feed, now=START)
    await store.write(lambda tx: want(tx, first))
    failed = first
    for _ in range(4):
        failed = websub.after_request(failed, "the hub answered 500", now=START)
    await store.write(lambda tx: tx.subscriptions.save(failed))
    await store.write(lambda tx: want(tx, websub.new_subscription(feed, "https://other.example/", feed, now=START)))
    [after] = await store.read(lambda tx: tx.subscriptions.all())
    assert (after.hub, after.failures, after.next_at) == ("https://other.example/", 4, START + timedelta(hours=4))
