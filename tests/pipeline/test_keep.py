"""Maintenance beside the pipeline: the heartbeat, retention, and notices of silent rules."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot import rules, storage
from bot.model.archive import Arrival
from bot.model.errors import StoreUnavailable
from bot.model.feeds import FeedState
from bot.model.rules import Match, Rule
from bot.pipeline import keep
from bot.pipeline.keep import ExpectationMonitor, note_rule_matches
from bot.storage import keys
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made import article
from tests.testbed.made_settings import make_settings
from tests.testbed.shown import lead_of

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def process(store: storage.Store, clock: FakeClock, name: str = "one", *, is_alone: bool = True) -> keep.Heartbeat:
    return keep.Heartbeat(store, clock, process=name, is_alone=is_alone)


async def steps(store: storage.Store) -> list[str]:
    """Return what the operator was told of the clock."""
    return [lead_of(row.message) for row in await store.read(lambda tx: tx.outbox.unsent())]


async def test_of_several_processes_one_whose_clock_is_behind_was_not_set_back(
    store: storage.Store, clock: FakeClock
) -> None:
    ahead, behind = process(store, clock, "ahead", is_alone=False), process(store, clock, "behind", is_alone=False)
    await ahead.begin()
    await ahead.tick()
    clock.advance(-HOUR)
    await behind.begin(operator="ops")
    await behind.tick(operator="ops")
    assert await steps(store) == []


async def watch(one: keep.Heartbeat, clock: FakeClock, *, seconds: int) -> None:
    for _ in range(seconds):
        clock.advance(SECOND)
        await one.tick(operator="ops")


async def test_the_next_process_knows_whether_the_previous_one_was_killed(
    store: storage.Store, clock: FakeClock
) -> None:
    first = process(store, clock, "first")
    await first.begin()
    assert await store.read(keys.OWNER.get) == ("first", START)
    await first.end()
    assert await store.read(keys.OWNER.get) is None

    clock.advance(HOUR)
    await process(store, clock, "killed, on host").begin()
    assert await store.read(keys.OWNER.get) == ("killed, on host", START + HOUR)
    await process(store, clock, "next").begin()
    assert await store.read(keys.OWNER.get) == ("next", START + HOUR)


async def living(store: storage.Store) -> set[str]:
    return set(await store.read(keys.worker_lives))


async def test_a_killed_worker_is_forgotten_by_another_one_after_half_a_minute_without_a_heartbeat(
    store: storage.Store, clock: FakeClock
) -> None:
    killed, other = (process(store, clock, name, is_alone=False) for name in ("killed", "other"))
    for value in (killed, other):
        await value.begin(writes_heartbeats=True)
    for count in range(8):
        clock.advance(5 * SECOND)
        await other.live()
        await other.forget_dead_workers()
        assert await living(store) == ({"other"} if count == 6 or count == 7 else {"killed", "other"})


async def test_a_worker_that_was_blocked_and_taken_for_dead_is_listed_again(
    store: storage.Store, clock: FakeClock
) -> None:
    blocked, other = (process(store, clock, name, is_alone=False) for name in ("blocked", "other"))
    await blocked.begin(writes_heartbeats=True)
    clock.advance(MINUTE)
    await other.forget_dead_workers()
    assert await living(store) == set()
    await blocked.live()
    assert await living(store) == {"blocked"}
    await blocked.end()
    assert await living(store) == set()


@pytest.mark.parametrize(("gap", "is_told"), [(MINUTE, False), (10 * MINUTE, True)])
async def test_minutes_without_any_poll_are_reported(
    store: storage.Store, clock: FakeClock, gap: timedelta, is_told: bool
) -> None:
    first = process(store, clock)
    await first.begin()
    await first.tick()
    clock.advance(gap)
    await first.tick()
    assert (await store.read(keys.UNWATCHED.get) == (START, START + gap)) is is_told


@pytest.mark.parametrize("restarts", [False, True])
async def test_when_the_clock_was_set_back_every_feed_is_due_and_the_operator_is_told_once(
    store: storage.Store, clock: FakeClock, restarts: bool
) -> None:
    first = process(store, clock)
    await first.begin()
    clock.advance(HOUR)
    await first.tick()
    clock.set(START)
    repeated = process(store, clock, "two") if restarts else first
    waiting = FeedState(url="https://a.example/", due_at=START + 2 * HOUR)
    await store.write(lambda tx: tx.feeds.sync([waiting.url], now=START))
    await store.write(lambda tx: tx.feeds.save([waiting]))
    await (repeated.begin(operator="ops") if restarts else repeated.tick(operator="ops"))
    # The next process finds nothing to correct.
    for _ in range(2):
        assert [state.due_at for state in await store.read(lambda tx: tx.feeds.all())] == [START]
        assert await steps(store) == ["The clock of this machine was set back by 1 hour."]
        repeated = process(store, clock, "three")
        await repeated.begin(operator="ops")
        await repeated.tick(operator="ops")


async def test_a_clock_that_is_corrected_by_seconds_is_no_news(store: storage.Store, clock: FakeClock) -> None:
    first = process(store, clock)
    await first.begin()
    await watch(first, clock, seconds=40)
    clock.set(START + 10 * SECOND)
    await first.tick(operator="ops")
    assert await steps(store) == []


# -- retention


async def test_without_keep_nothing_is_deleted(store: storage.Store, clock: FakeClock) -> None:
    assert not await keep.trim_when_due(store, clock, keep=None)


async def test_it_trims_once_a_day_however_often_it_is_asked(store: storage.Store, clock: FakeClock) -> None:
    done = []
    for _ in range(10):
        done.append(await keep.trim_when_due(store, clock, keep=400 * DAY))
        clock.advance(timedelta(hours=6))
    assert done == [True, False, False, False] * 2 + [True, False]


async def test_a_trim_that_failed_is_tried_again(
    store: storage.Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(store: storage.Store, *, before: datetime) -> storage.Trimmed:
        raise StoreUnavailable("trimming: the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(storage, "trim", fail)
        with pytest.raises(StoreUnavailable):
            await keep.trim_when_due(store, clock, keep=DAY)
    assert await keep.trim_when_due(store, clock, keep=DAY)


async def test_a_clock_that_leaps_and_comes_back_deletes_nothing(store: storage.Store, clock: FakeClock) -> None:
    assert await keep.trim_when_due(store, clock, keep=400 * DAY)
    clock.advance(800 * DAY)
    assert not await keep.trim_when_due(store, clock, keep=400 * DAY)
    clock.advance(10 * MINUTE)
    assert not await keep.trim_when_due(store, clock, keep=400 * DAY)
    clock.advance(DAY)
    assert await keep.trim_when_due(store, clock, keep=400 * DAY)


async def test_a_clock_that_was_set_back_does_not_stop_it(store: storage.Store, clock: FakeClock) -> None:
    await keep.trim_when_due(store, clock, keep=DAY)
    clock.advance(-30 * DAY)
    assert await keep.trim_when_due(store, clock, keep=DAY)


# -- a rule that is expected to match


RULE = Rule(name="Ship lost", notify=("desk",), query="ship", expect=2 * DAY)
SETTINGS = make_settings(rules=[rules.compile_rule(RULE)], operator="ops")


async def notices(store: storage.Store, monitor: ExpectationMonitor, clock: FakeClock) -> int:
    """Return how many notices there are after the monitor's next tick."""

    def work(tx: storage.Transaction) -> int:
        monitor.report(tx, SETTINGS, now=clock.now())
        return len(tx.outbox.unsent())

    return await store.write(work)


async def test_a_match_that_another_process_saw_puts_the_notice_off(store: storage.Store) -> None:
    monitor, clock = ExpectationMonitor(), FakeClock()
    await notices(store, monitor, clock)
    clock.advance(DAY)
    assert await notices(store, monitor, clock) == 0
    match = Match(rule="Ship lost", evidence=())
    arrival = Arrival(article=article("1"), matches=(match,), is_baseline=False)
    await store.write(lambda tx: note_rule_matches(tx, SETTINGS, [arrival], now=clock.now()))
    clock.advance(1.5 * DAY)
    assert await notices(store, monitor, clock) == 0
    clock.advance(DAY)
    assert await notices(store, monitor, clock) == 1


async def test_a_notice_of_a_transaction_that_failed_is_written_again(store: storage.Store) -> None:
    monitor, clock = ExpectationMonitor(), FakeClock()
    await notices(store, monitor, clock)
    clock.advance(3 * DAY)

    def fail(tx: storage.Transaction) -> None:
        monitor.report(tx, SETTINGS, now=clock.now())
        raise StoreUnavailable("the disk is full")

    with pytest.raises(StoreUnavailable):
        await store.write(fail)
    # After a failure, the decider makes a new monitor.
    assert await notices(store, ExpectationMonitor(), clock) == 1
