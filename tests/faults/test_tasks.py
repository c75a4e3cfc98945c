"""A task that fails starts again; an unexpected error in a command ends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from bot.aio import LONGEST_PAUSE, Failure, supervise
from bot.pipeline.quarantine import Stage
from tests.testbed.fakes import START, FakeClock


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


class Piecework:
    """A stage whose pieces and control fail as a test wants."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.stage: Stage[str] = Stage("decide", self.clock, self._keep, self._control)
        self.set_aside: list[str] = []
        self.bad: set[str] = set()
        self.is_broken = False

    async def run(self, *pieces: str) -> None:
        self.clock.advance(LONGEST_PAUSE)
        await self.stage.run(pieces, self._work)

    async def _keep(self, failed: Sequence[tuple[str, Exception]]) -> None:
        self.set_aside += [piece for piece, _ in failed]

    async def _work(self, pieces: Sequence[str]) -> None:
        if self.is_broken or self.bad.intersection(pieces):
            raise LookupError("a secret")

    async def _control(self) -> None:
        if self.is_broken:
            raise LookupError("a secret")


async def test_if_the_control_fails_too_nothing_is_set_aside_and_the_stage_fails_until_it_works() -> None:
    works = Piecework()
    works.is_broken = True
    await works.run("one", "two")
    await works.run("one", "two")
    since = START + LONGEST_PAUSE
    assert works.stage.failing == Failure(name="decide", since=since, count=2, error="LookupError")
    assert works.set_aside == []
    works.is_broken = False
    await works.run("one", "two")
    assert works.stage.failing is None


async def test_pieces_in_a_row_that_fail_alike_are_the_stages_fault_until_one_succeeds() -> None:
    works = Piecework()
    works.bad = {"one", "two", "three"}
    await works.run("one", "two", "three")
    assert works.stage.failing is not None
    assert works.set_aside == []
    await works.run("one", "two", "three", "good")
    assert works.stage.failing is None
    assert works.set_aside == ["one", "two", "three"]


async def test_single_pieces_that_fail_alike_one_run_after_the_other_are_the_stages_fault_at_the_third() -> None:
    works = Piecework()
    works.bad = {"one", "two", "three"}
    for piece in ("one", "two", "three"):
        assert works.stage.failing is None
        await works.run(piece)
    assert works.stage.failing is not None
    assert works.set_aside == ["one", "two"]
