"""The decision queue, on every store."""

from __future__ import annotations

from datetime import timedelta

from bot import storage
from bot.model.archive import Arrival, QueueHolder, Revision
from bot.model.stories import EDITED, Fact
from tests.testbed.fakes import START
from tests.testbed.made import LEASE, article, match


def _arrival(number: int) -> Arrival:
    return Arrival(
        article=article(str(number)), matches=(match("BES"),), is_baseline=number % 2 == 0, poll=f"p{number}"
    )


async def test_a_queued_entry_is_returned_unchanged_and_stays_until_it_is_removed(store: storage.Store) -> None:
    arrivals = [_arrival(number) for number in range(3)]
    edit = Fact(
        kind=EDITED,
        label="headline",
        before="exits",
        after="delays",
        sentence="",
        article=article("9").id,
        outlet="Dawn",
    )
    revision = Revision(article=article("9"), matches=(), corrections=(edit,), poll="p9")
    await store.write(lambda tx: tx.decision_queue.add([*arrivals, revision]))
    assert await store.read(lambda tx: tx.decision_queue.count()) == 4

    first = await store.read(lambda tx: tx.decision_queue.get(tx.decision_queue.numbers(limit=2)))
    assert await store.read(lambda tx: tx.decision_queue.get(tx.decision_queue.numbers(limit=2))) == first
    await store.write(lambda tx: tx.decision_queue.remove(list(first)))
    queue = await store.read(lambda tx: tx.decision_queue.get(tx.decision_queue.numbers(limit=10)))

    assert list(first.values()) == arrivals[:2]
    assert list(queue.values()) == [arrivals[2], revision]
    await store.write(lambda tx: tx.decision_queue.remove(list(queue)))
    assert await store.read(lambda tx: tx.decision_queue.get(tx.decision_queue.numbers(limit=10))) == {}


async def _take_over(store: storage.Store, who: str, seen: QueueHolder) -> QueueHolder | None:
    return await store.write(lambda tx: tx.decision_queue.take_over(who, expected=seen))


async def test_a_turn_that_another_process_or_a_button_press_has_overtaken_is_not_written(store: storage.Store) -> None:
    at_first = await store.read(lambda tx: tx.decision_queue.holder())
    mine = await _take_over(store, "a", at_first)
    assert mine is not None
    assert mine.who == "a"
    assert await _take_over(store, "b", at_first) is None
    assert await store.read(lambda tx: tx.decision_queue.holder()) == mine
    repeated = await _take_over(store, "a", mine)
    assert repeated is not None
    assert repeated.change > mine.change
    await store.write(lambda tx: tx.decision_queue.note_change())
    assert await _take_over(store, "a", repeated) is None
    now = await store.read(lambda tx: tx.decision_queue.holder())
    assert (now.who, now != repeated) == ("a", True)


async def test_a_renewed_lease_is_not_claimed_when_its_first_time_has_passed(store: storage.Store) -> None:
    await store.write(lambda tx: tx.feeds.sync(["https://a.example/feed"], now=START))
    later = START + LEASE + timedelta(seconds=1)

    def claim(tx: storage.Transaction, token: str, now: timedelta) -> int:
        return len(tx.feeds.claim_due(now=START + now, limit=10, token=token, lease=LEASE))

    assert await store.read(lambda tx: tx.feeds.count_due(now=START)) == 1
    assert await store.write(lambda tx: claim(tx, "mine", timedelta())) == 1
    assert await store.read(lambda tx: tx.feeds.count_due(now=START)) == 0
    await store.write(lambda tx: tx.feeds.renew("another's", until=later + LEASE))
    assert await store.read(lambda tx: tx.feeds.count_due(now=later)) == 1
    await store.write(lambda tx: tx.feeds.renew("mine", until=later + LEASE))
    assert await store.read(lambda tx: tx.feeds.count_due(now=later)) == 0
    assert await store.write(lambda tx: claim(tx, "theirs", LEASE + timedelta(seconds=1))) == 0
