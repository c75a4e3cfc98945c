"""A task that fails starts again; an unexpected error in a command ends nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from bot import storage
from bot.aio import LONGEST_PAUSE, Failure, supervise
from bot.alerts.situation import quiet_hours_end
from bot.app import wiring
from bot.model.channels import ChatRequest, Person
from bot.model.messages import Message
from bot.model.quarantine import PieceKind
from bot.model.settings import QuietHours
from bot.pipeline.keep import trim_when_due
from bot.pipeline.quarantine import Stage
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made_settings import make_settings


async def test_a_task_that_fails_starts_again_after_pauses_that_grow() -> None:
    clock, starts = FakeClock(), []

    async def work() -> None:
        starts.append(clock.now())
        if len(starts) < 15:
            raise LookupError("a bug")

    await supervise("work", work, clock)
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


async def test_the_failures_of_a_task_are_counted_until_it_has_run_for_as_long_as_its_pause() -> None:
    clock = FakeClock()
    failures: dict[str, Failure] = {}
    collected = []

    async def work() -> None:
        collected.append(failures.get("work"))
        if len(collected) == 4:
            clock.advance(timedelta(minutes=1))
        if len(collected) < 6:
            raise LookupError("a secret")

    await supervise("work", work, clock, failures)
    assert [failure.count if failure else 0 for failure in collected] == [0, 1, 2, 3, 1, 2]
    assert collected[3] is not None
    assert (collected[3].since, collected[3].error) == (START, "LookupError")


async def test_a_stage_that_fails_with_nothing_to_do_is_reported_until_it_works() -> None:
    clock = FakeClock()
    set_aside: list[object] = []

    async def keep(failed: Sequence[tuple[str, Exception]]) -> None:
        set_aside.extend(failed)

    async def fail(pieces: Sequence[str]) -> None:
        raise LookupError("a secret")

    async def do(pieces: Sequence[str]) -> None:
        pass

    stage: Stage[str] = Stage("decide", clock, keep)
    await stage.run(["one", "two"], fail)
    clock.advance(timedelta(seconds=3))
    await stage.run(["one", "two"], fail)
    assert stage.failing == Failure(name="decide", since=START, count=2, error="LookupError")
    assert set_aside == []
    clock.advance(timedelta(seconds=5))
    await stage.run(["one", "two"], do)
    assert stage.failing is None


@pytest.fixture
async def store() -> AsyncIterator[storage.Store]:
    opened = storage.open_store("sqlite://", clock=FakeClock())
    yield opened
    await opened.close()


async def test_an_unexpected_error_in_a_command_is_answered_and_set_aside(store: storage.Store) -> None:
    async def ask(request: ChatRequest, channels: Sequence[str]) -> Message:
        raise LookupError("a bug")

    live = wiring.Live(settings=make_settings(operator="ops"), channels={}, loaded_at=START)
    running = wiring.Interactions(store, FakeClock(), live=live, on_decided=lambda decided: None, on_question=ask)
    answer = await running.ask(ChatRequest(id="q1", person=Person(id="U1"), words="feeds"), ["desk"])
    assert "because of a bug" in answer.lead
    pieces = await store.read(lambda tx: tx.quarantine.all())
    assert [(piece.kind, piece.id) for piece in pieces] == [(PieceKind.COMMAND, "q1")]
    assert len(await store.read(lambda tx: tx.outbox.unsent())) == 1


def test_quiet_hours_that_end_in_the_repeated_hour_of_a_clock_change_end_after_now() -> None:
    zone = ZoneInfo("Europe/Berlin")
    quiet = QuietHours(start=time(22), end=time(2, 30), zone=zone)
    # 01:10 UTC on this day is 02:10 for the second time; 02:30 came for the first time at 00:30 UTC.
    now = START.replace(year=2015, month=10, day=25, hour=1, minute=10)
    end = quiet_hours_end(quiet, now)
    assert end is not None
    assert end - now == timedelta(minutes=20)


async def test_a_clock_that_leaps_and_comes_back_deletes_nothing(store: storage.Store) -> None:
    clock, keep = FakeClock(), timedelta(days=400)
    assert await trim_when_due(store, clock, keep=keep)
    clock.advance(timedelta(days=800))
    assert not await trim_when_due(store, clock, keep=keep)
    clock.advance(timedelta(minutes=10))
    assert not await trim_when_due(store, clock, keep=keep)
    clock.advance(timedelta(days=1))
    assert await trim_when_due(store, clock, keep=keep)
