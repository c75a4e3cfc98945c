"""A model that answers badly is no longer asked, use by use, and its answers about pairs weigh what they earned."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.llm.weight import evidence, fit_weight
from bot.model.language_models import (
    PROMPT_VERSIONS,
    ExamMark,
    ExamResult,
    LanguageModelPolicy,
    Outcome,
    PairAnswer,
    Use,
    UseRecord,
    answer_logit,
    describe_exam,
    switched_off,
)
from bot.stories import judge
from bot.stories.grouping import JOIN_FROM
from tests.testbed.fakes import START

POLICY = LanguageModelPolicy(url="http://127.0.0.1:1/v1", name="qwen", uses=frozenset({Use.SAME_EVENT, Use.FACTS}))


def record(*, answered: int = 0, refused: int = 0, failed: int = 0) -> UseRecord:
    counts = {Outcome.ANSWERED: answered, Outcome.REFUSED: refused, Outcome.FAILED: failed}
    return UseRecord(outcomes=counts, seconds=1.0)


def exam(*, weight: float = 1.0, facts: int = 17, model: str = "qwen") -> ExamResult:
    marks = {Use.SAME_EVENT: ExamMark(asked=80, right=70, refused=0, seconds=1.0)}
    marks[Use.FACTS] = ExamMark(asked=20, right=facts, refused=0, seconds=1.0)
    return ExamResult(
        at=START, url=POLICY.url, model=model, served="", versions=PROMPT_VERSIONS, marks=marks, weight=weight
    )


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        (record(answered=17, refused=3), ""),
        (record(failed=20), ""),
        (record(answered=12, refused=4, failed=4), "of its last 16 answers, 4 could not be used"),
    ],
)
def test_a_use_is_switched_off_when_more_of_its_last_answers_cannot_be_used_than_the_exam_allows(
    calls: UseRecord, reason: str
) -> None:
    off = switched_off(POLICY, exam(), {Use.FACTS: calls}, weight=1.0)
    assert off == ({Use.FACTS: reason} if reason else {})


def test_a_use_whose_exam_was_failed_or_is_missing_is_off() -> None:
    result = exam(weight=0.02, facts=16)

    assert switched_off(POLICY, result, {}, weight=0.02) == {
        Use.SAME_EVENT: "it failed its exam: same_event: 70 of 80 right, weight 0.02",
        Use.FACTS: "it failed its exam: facts: 16 of 20 right",
    }
    assert "unfit for facts: 16 of 20 right; same_event: 70 of 80 right, weight 0.02; remove" in describe_exam(
        POLICY, result
    )
    assert describe_exam(POLICY, exam()) == ""

    for missing in (None, exam(model="another")):
        assert "has not been examined, so it is not asked" in describe_exam(POLICY, missing)


def test_a_model_whose_weight_is_gone_is_no_longer_asked_about_pairs() -> None:
    off = switched_off(POLICY, exam(), {}, weight=0.05)
    assert off == {Use.SAME_EVENT: "it answered too many pairs wrongly whose answer is known"}


# -- the weight


def answers(*, same: Sequence[float], other: Sequence[float], words: float = 0.0) -> list[PairAnswer]:
    pairs = [(yes, True) for yes in same] + [(yes, False) for yes in other]
    return [PairAnswer(words=words, answer=answer_logit(yes), is_same=is_same) for yes, is_same in pairs]


YES, NO = 0.98, 0.02
RIGHT = answers(same=[YES] * 40, other=[NO] * 40)


def test_a_model_that_is_always_right_can_lift_a_story_at_three_percent() -> None:
    lifted = judge.log_odds(0.03) + evidence(YES, fit_weight(RIGHT))
    assert judge.probability(lifted) >= JOIN_FROM


@pytest.mark.parametrize(
    "pairs",
    [
        answers(same=[YES] * 40, other=[YES] * 40),
        answers(same=[NO] * 40, other=[NO] * 40),
        answers(same=[YES] * 40, other=[YES] * 40, words=-2.0),
        answers(same=[0.5] * 40, other=[0.5] * 40),
        answers(same=[YES, NO] * 20, other=[YES, NO] * 20),
        answers(same=[NO] * 40, other=[YES] * 40),
        [],
    ],
    ids=["always yes", "always no", "always yes where the words say no", "perhaps", "half wrong", "all wrong", "none"],
)
def test_a_model_that_knows_nothing_weighs_nothing(pairs: list[PairAnswer]) -> None:
    assert fit_weight(pairs) == 0.0


def test_the_more_answers_are_wrong_the_less_they_weigh() -> None:
    weights = [
        fit_weight(answers(same=[YES] * (40 - wrong) + [NO] * wrong, other=[NO] * (40 - wrong) + [YES] * wrong))
        for wrong in (0, 1, 4, 8, 12)
    ]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] < weights[0] / 10


def test_a_model_that_only_says_yes_too_often_weighs_as_little_as_its_yes_deserves() -> None:
    one_sided = fit_weight(answers(same=[YES] * 40, other=[YES] * 4 + [NO] * 36))
    assert 0 < one_sided < fit_weight(RIGHT) / 4


def test_a_small_model_whose_errors_are_unsure_keeps_its_weight() -> None:
    """The answers of Qwen2.5-Coder with 1.5 billion parameters and 4 bits to the exam: 62 of 80 are right."""
    same = (
        ".35 .38 .38 .43 .43 .44 .45 .46 .49 .49 .51 .52 .55 .56 .56 .56 .58 .58 .60 .61 .64 .64 .65 .67 .68 .68 .70 "
        ".72 .74 .74 .75 .76 .76 .77 .81 .82 .83 .83 .86 .87"
    )
    other = (
        ".20 .21 .23 .26 .27 .27 .28 .28 .28 .29 .29 .31 .33 .33 .33 .34 .34 .35 .35 .36 .36 .36 .37 .39 .41 .41 .41 "
        ".43 .44 .46 .46 .48 .52 .52 .53 .56 .56 .58 .58 .74"
    )
    small = answers(same=list(map(float, same.split())), other=list(map(float, other.split())))
    assert fit_weight(small) > fit_weight(RIGHT) / 4


def test_errors_in_obvious_pairs_lower_the_weight_and_right_answers_never_raise_it() -> None:
    weak = answers(same=[YES] * 36 + [NO] * 4, other=[NO] * 36 + [YES] * 4)
    assert fit_weight(weak, RIGHT) == fit_weight(weak)

    lowered = [fit_weight(RIGHT, answers(same=[], other=[YES] * count)) for count in (0, 1, 3, 9)]

    assert lowered == sorted(lowered, reverse=True)
    assert lowered[2] < lowered[0] / 2
    assert lowered[3] == 0.0
