"""A model that answers badly is no longer asked, use by use."""

from __future__ import annotations

import pytest

from bot.model.language_models import (
    PROMPT_VERSIONS,
    ExamMark,
    ExamResult,
    LanguageModelPolicy,
    Outcome,
    Use,
    UseRecord,
    describe_exam,
    switched_off,
)
from tests.testbed.fakes import START

POLICY = LanguageModelPolicy(url="http://127.0.0.1:1/v1", name="qwen", uses=frozenset({Use.SAME_EVENT, Use.FACTS}))


def record(*, answered: int = 0, wrong: int = 0, unlikely: int = 0, refused: int = 0, failed: int = 0) -> UseRecord:
    counts = {
        Outcome.ANSWERED: answered,
        Outcome.WRONG: wrong,
        Outcome.UNLIKELY: unlikely,
        Outcome.REFUSED: refused,
        Outcome.FAILED: failed,
    }
    return UseRecord(outcomes=counts, seconds=1.0)


def exam(*marks: tuple[Use, int], model: str = "qwen") -> ExamResult:
    return ExamResult(
        at=START,
        url=POLICY.url,
        model=model,
        versions=PROMPT_VERSIONS,
        marks={use: ExamMark(asked=20, right=right, refused=0, seconds=1.0) for use, right in marks},
    )


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        (record(answered=17, wrong=3), ""),
        (record(answered=17, refused=3), ""),
        (record(failed=20), ""),
        (record(wrong=4), "of its last 4 answers, 0 could not be used and 4 named a story"),
        (record(answered=11, unlikely=9), ""),
        (record(answered=10, unlikely=10), "of its last 20 answers, 10 named the nearest story although its words"),
        (record(answered=12, refused=2, wrong=2, failed=4), "of its last 16 answers, 2 could not be used and 2 named"),
    ],
)
def test_a_use_is_switched_off_when_more_of_its_last_answers_are_bad_than_the_exam_allows(
    calls: UseRecord, reason: str
) -> None:
    assert switched_off(POLICY, None, {Use.SAME_EVENT: calls}).get(Use.SAME_EVENT, "").startswith(reason)
    assert bool(switched_off(POLICY, None, {Use.SAME_EVENT: calls})) == bool(reason)


def test_a_use_whose_exam_was_failed_is_off_and_one_without_an_exam_is_on_with_a_warning() -> None:
    result = exam((Use.SAME_EVENT, 14), (Use.FACTS, 17))

    assert switched_off(POLICY, result, {}) == {Use.SAME_EVENT: "it failed its exam: 14 of 20 right"}
    assert "unfit for same_event: 14 of 20 right; remove these uses" in describe_exam(POLICY, result)
    assert describe_exam(POLICY, exam((Use.SAME_EVENT, 17), (Use.FACTS, 17))) == ""
    assert switched_off(POLICY, None, {}) == {}
    for missing in (None, exam((Use.SAME_EVENT, 20), (Use.FACTS, 20), model="another")):
        assert describe_exam(POLICY, missing) == (
            "the model qwen has not been examined for facts, same_event; run `wirewatch model test`"
        )
