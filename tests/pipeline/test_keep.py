"""Maintenance beside the pipeline: the heartbeat, retention, and notices of silent rules."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from bot import rules, storage
from bot.model.archive import Arrival
from bot.model.errors import StoreUnavailable
from bot.model.feeds import FeedState
from bot.model.rules import Rule
from bot.pipeline import keep
from bot.storage import keys
from bot.storage.connections import LostRace
from tests.testbed import made
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made_settings import make_settings
from tests.testbed.shown import lead_of

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def process(store: storage.Store, clock: FakeClock, name: str = "one", *, is_alone: bool = True) -> keep.Heartbeat:
    return keep.Heartbeat(store, clock, process=name, is_alone=is_alone)


async def notices(store: storage.Store) -> list[str]:
    return [lead_of(row.message) for row in await store.read(lambda tx: tx.outbox.unsent())]


async def test_the_next_process_knows_whether_the_previous_one_was_killed(
    store: storage.Store, clock: FakeClock
) -> None:
    for name, is_killed in (("first", True), ("second", False), ("third", False)):
        with capture_logs() as logs:
            running = process(store, clock, name)
            await running.begin()
        assert [entry["process"] for entry in logs] == (["first"] if name == "second" else [])
        assert await store.read(keys.OWNER.get) == (name, START)
        if not is_killed:
            await running.end()


async def test_a_worker_is_forgotten_after_half_a_minute_without_a_heartbeat_and_listed_again_with_the_next(
    store: storage.Store, clock: FakeClock
) -> None:
    async def living() -> set[str]:
        return set(await store.read(keys.worker_lives))

    blocked, other = (process(store, clock, name, is_alone=False) for name in ("blocked", "other"))
    for worker in (blocked, other):
        await worker.begin(writes_heartbeats=True)
    for seconds in range(5, 40, 5):
        clock.advance(5 * SECOND)
        await other.live()
        await other.forget_dead_workers()
        assert await living() == ({"other"} if seconds > 30 else {"blocked", "other"})
    await blocked.live()
    assert await living() == {"blocked", "other"}
    await blocked.end()
    assert await living() == {"other"}


@pytest.mark.parametrize(("gap", "is_shown"), [(MINUTE, False), (10 * MINUTE, True)])
async def test_minutes_without_any_poll_are_reported(
    store: storage.Store, clock: FakeClock, gap: timedelta, is_shown: bool
) -> None:
    first = process(store, clock)
    await first.begin()
    await first.tick()
    clock.advance(gap)
    await first.tick()
    assert (await store.read(keys.UNWATCHED.get) == (START, START + gap)) is is_shown


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
        assert await notices(store) == ["The clock of this machine was set back by 1 hour."]
        repeated = process(store, clock, "three")
        await repeated.begin(operator="ops")
        await repeated.tick(operator="ops")


@pytest.mark.parametrize(
    ("is_alone", "back"),
    [(False, HOUR), (True, 30 * SECOND)],
    ids=["another process's clock is behind", "a correction by seconds"],
)
async def test_other_differences_of_clocks_are_no_news(
    store: storage.Store, clock: FakeClock, is_alone: bool, back: timedelta
) -> None:
    first, second = (process(store, clock, name, is_alone=is_alone) for name in ("first", "second"))
    await first.begin()
    await first.tick()
    clock.advance(-back)
    await second.begin(operator="ops")
    await second.tick(operator="ops")
    assert await notices(store) == []


# -- retention


async def test_old_data_is_deleted_once_a_day_if_the_operator_limits_its_age(
    store: storage.Store, clock: FakeClock
) -> None:
    assert not await keep.trim_when_due(store, clock, keep=None)
    done = []
    for _ in range(9):
        done.append(await keep.trim_when_due(store, clock, keep=400 * DAY))
        clock.advance(6 * HOUR)
    assert done == [True, False, False, False] * 2 + [True]


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


async def test_a_clock_that_leaps_deletes_nothing_for_a_day_and_one_that_was_set_back_stops_nothing(
    store: storage.Store, clock: FakeClock
) -> None:
    done = []
    for step in (timedelta(), 800 * DAY, 10 * MINUTE, DAY, -30 * DAY):
        clock.advance(step)
        done.append(await keep.trim_when_due(store, clock, keep=400 * DAY))
    assert done == [True, False, False, True, True]


async def test_a_match_that_another_process_saw_puts_the_notice_of_a_silent_rule_off(
    store: storage.Store, clock: FakeClock
) -> None:
    rule = Rule(name="Ship lost", notify=("desk",), query="ship", expect=2 * DAY)
    settings, monitor = make_settings(rules=[rules.compile_rule(rule)], operator="ops"), keep.ExpectationMonitor()

    async def count_notices(after: timedelta) -> int:
        clock.advance(after)
        overdue = monitor.find_overdue(settings, now=clock.now())
        await store.write(lambda tx: monitor.report(tx, overdue, settings, now=clock.now()))
        return len(await notices(store))

    assert await count_notices(timedelta()) == 0
    assert await count_notices(DAY) == 0
    arrival = Arrival(article=made.article("1"), matches=(made.match(rule.name),), is_baseline=False)
    await store.write(lambda tx: keep.note_rule_matches(tx, settings, [arrival], now=clock.now()))
    assert await count_notices(1.5 * DAY) == 0
    assert await count_notices(DAY) == 1


async def test_the_notice_of_a_silent_rule_is_written_if_its_transaction_runs_again(
    store: storage.Store, clock: FakeClock
) -> None:
    rule = Rule(name="Ship lost", notify=("desk",), query="ship", expect=2 * DAY)
    settings, monitor = make_settings(rules=[rules.compile_rule(rule)], operator="ops"), keep.ExpectationMonitor()
    await store.write(lambda tx: keys.rule_matched(rule.name).put(tx, clock.now()))
    clock.advance(3 * DAY)
    overdue, runs = monitor.find_overdue(settings, now=clock.now()), [LostRace("overtaken"), None]

    def work(tx: storage.Transaction) -> None:
        monitor.report(tx, overdue, settings, now=clock.now())
        if lost := runs.pop(0):
            raise lost

    await store.write(work)
    assert len(await notices(store)) == 1
    assert monitor.find_overdue(settings, now=clock.now()) == []
