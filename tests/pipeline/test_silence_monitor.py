"""A rule that is expected to match: when its silence is looked for, and told."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest

from bot import model, ports, rules
from bot.pipeline.silence_monitor import SilenceMonitor, note_matches
from bot.pipeline.snapshot import Snapshot
from testbed.fakes import FakeClock
from testbed.made import article

DAY = timedelta(days=1)


class Notes:
    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.asked = 0

    def get(self, key: str) -> str | None:
        self.asked += 1
        return self.kept.get(key)

    def put(self, key: str, value: str) -> None:
        self.kept[key] = value


class Outbox:
    def __init__(self) -> None:
        self.ids: list[str] = []

    def add(self, rows: list[model.Outgoing]) -> None:
        self.ids += [row.id for row in rows if row.id not in self.ids]


class Store:
    """As much of a transaction as a silence monitor needs."""

    def __init__(self) -> None:
        self.key_values = Notes()
        self.outbox = Outbox()

    @property
    def tx(self) -> ports.Transaction:
        return cast("ports.Transaction", self)


@pytest.fixture
def snapshot() -> Snapshot:
    rule = model.Rule(name="Ship lost", notify=("desk",), query="ship", expect=2 * DAY)
    return Snapshot(feeds={}, rules=rules.RuleSet([rules.compile_rule(rule)]), operator="ops")


def test_a_tick_before_the_time_is_up_asks_the_store_nothing(snapshot: Snapshot) -> None:
    store, monitor, clock = Store(), SilenceMonitor(), FakeClock()
    for _ in range(48):
        monitor.tell(store.tx, snapshot, now=clock.now())
        clock.advance(timedelta(hours=1))
    assert store.key_values.asked == 1
    assert not store.outbox.ids


def test_a_silence_that_lasts_is_told_once(snapshot: Snapshot) -> None:
    store, monitor, clock = Store(), SilenceMonitor(), FakeClock()
    for _ in range(24):
        monitor.tell(store.tx, snapshot, now=clock.now())
        clock.advance(DAY)
    assert len(store.outbox.ids) == 1
    assert store.key_values.asked < 24


def test_a_match_that_another_process_saw_counts(snapshot: Snapshot) -> None:
    store, monitor, clock = Store(), SilenceMonitor(), FakeClock()
    monitor.tell(store.tx, snapshot, now=clock.now())
    clock.advance(DAY)
    match = model.Match(rule="Ship lost", rule_version="1", evidence=())
    arrival = model.Arrival(article=article("1"), matches=(match,), is_baseline=False)
    note_matches(store.tx, snapshot, [arrival], now=clock.now())
    clock.advance(1.5 * DAY)
    monitor.tell(store.tx, snapshot, now=clock.now())
    assert not store.outbox.ids
    clock.advance(DAY)
    monitor.tell(store.tx, snapshot, now=clock.now())
    assert len(store.outbox.ids) == 1


def test_what_was_told_in_a_transaction_that_failed_is_told_again(snapshot: Snapshot) -> None:
    store, monitor, clock = Store(), SilenceMonitor(), FakeClock()
    monitor.tell(store.tx, snapshot, now=clock.now())
    clock.advance(3 * DAY)
    monitor.tell(store.tx, snapshot, now=clock.now())
    store.outbox.ids.clear()
    monitor.forget()
    monitor.tell(store.tx, snapshot, now=clock.now())
    assert len(store.outbox.ids) == 1
