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


def record(*, answered: int = 0, agreed: int = 0, disagreed: int = 0, refused: int = 0, failed: int = 0) -> UseRecord:
    counts = {
        Outcome.ANSWERED: answered,
        Outcome.AGREED: agreed,
        Outcome.DISAGREED: disagreed,
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
        (record(agreed=18, disagreed=2), ""),
        (record(agreed=16, disagreed=4), "4 of its last 20 answers joined articles to events that are certainly other"),
        (record(agreed=2, disagreed=5), ""),
        (record(answered=14, refused=6), ""),
        (record(answered=13, refused=7), "7 of its last 20 answers could not be used"),
        (record(refused=5), ""),
        (record(failed=20), ""),
    ],
)
def test_a_use_is_switched_off_when_too_many_of_enough_answers_are_bad(calls: UseRecord, reason: str) -> None:
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
