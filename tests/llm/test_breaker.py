"""A model that fails is left alone for a while, longer each time, until one call shows that it is back."""

from __future__ import annotations

from datetime import timedelta

from bot.llm.asker import FIRST_PAUSE, LONGEST_BREAK, MAX_FAILURES, Breaker
from testbed.fakes import START

SECOND = timedelta(seconds=1)


def failed(times: int) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        breaker.fail(breaker.until or START, for_good=False)
    return breaker


def test_some_failures_in_a_row_close_it_and_are_told_once() -> None:
    breaker = failed(MAX_FAILURES - 1)
    assert breaker.allows(START)

    assert breaker.fail(START, for_good=False)

    assert not breaker.allows(START + FIRST_PAUSE - SECOND)
    assert breaker.allows(START + FIRST_PAUSE)
    assert not breaker.fail(START + FIRST_PAUSE, for_good=False)


def test_each_failure_after_a_pause_doubles_it_up_to_the_longest() -> None:
    breaker, last = failed(MAX_FAILURES + 1), failed(40)
    assert not breaker.allows(START + 3 * FIRST_PAUSE - SECOND)
    assert breaker.allows(START + 3 * FIRST_PAUSE)
    before = failed(39).until
    assert before is not None
    assert last.until == before + LONGEST_BREAK


def test_calls_that_fail_beside_the_one_that_began_the_pause_do_not_lengthen_it() -> None:
    breaker = failed(MAX_FAILURES)
    for _ in range(3):
        assert not breaker.fail(START + SECOND, for_good=False)
    assert breaker.until == START + FIRST_PAUSE


def test_a_refusal_closes_it_at_once_and_a_server_may_ask_for_longer() -> None:
    breaker = Breaker()
    assert breaker.fail(START, for_good=True, retry_after=timedelta(hours=2))
    assert breaker.until == START + timedelta(hours=2)


def test_one_answer_opens_it_again_and_forgets_the_failures() -> None:
    breaker = failed(MAX_FAILURES)
    assert breaker.succeed()
    assert not breaker.succeed()
    assert breaker.allows(START)
    assert not breaker.fail(START, for_good=False)
