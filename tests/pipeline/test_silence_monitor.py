"""A rule that is expected to match: the operator is notified of its silence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import model, rules, storage
from bot.pipeline.keep import ExpectationMonitor, note_rule_matches
from bot.pipeline.snapshot import Snapshot
from testbed.fakes import FakeClock
from testbed.made import article

DAY = timedelta(days=1)
RULE = model.Rule(name="Ship lost", notify=("desk",), query="ship", expect=2 * DAY)
SNAPSHOT = Snapshot(feeds={}, rules=rules.RuleSet([rules.compile_rule(RULE)]), operator="ops")


async def notices(store: storage.Store, monitor: ExpectationMonitor, clock: FakeClock) -> int:
    """Return how many notices there are after the monitor's next tick."""

    def work(tx: storage.Transaction) -> int:
        monitor.report(tx, SNAPSHOT, now=clock.now())
        return len(tx.outbox.unsent())

    return await store.write(work)


async def test_a_match_that_another_process_saw_puts_the_notice_off(store: storage.Store) -> None:
    monitor, clock = ExpectationMonitor(), FakeClock()
    await notices(store, monitor, clock)
    clock.advance(DAY)
    match = model.Match(rule="Ship lost", rule_version="1", evidence=())
    arrival = model.Arrival(article=article("1"), matches=(match,), is_baseline=False)
    await store.write(lambda tx: note_rule_matches(tx, SNAPSHOT, [arrival], now=clock.now()))
    clock.advance(1.5 * DAY)
    assert await notices(store, monitor, clock) == 0
    clock.advance(DAY)
    assert await notices(store, monitor, clock) == 1


async def test_a_notice_of_a_transaction_that_failed_is_written_again(store: storage.Store) -> None:
    monitor, clock = ExpectationMonitor(), FakeClock()
    await notices(store, monitor, clock)
    clock.advance(3 * DAY)

    def fail(tx: storage.Transaction) -> None:
        monitor.report(tx, SNAPSHOT, now=clock.now())
        raise model.StoreUnavailable("the disk is full")

    with pytest.raises(model.StoreUnavailable):
        await store.write(fail)
    monitor.forget()
    assert await notices(store, monitor, clock) == 1
