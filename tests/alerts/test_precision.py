"""Precision counts stories: the last opinion of each person, and the majority of several."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot import alerts
from bot.alerts import feedback
from bot.model.actions import Judgement, Verdict
from tests.testbed.fakes import START
from tests.testbed.made import judgement


def opinions(*words: str) -> list[Judgement]:
    """Return the judgements of ``"u1 s1 noise"``: who, which story, what; under the rule r."""
    parts = [text.split() for text in words]
    return [
        replace(judgement(Verdict(verdict), id=str(number), by=by, story=story), rule="r")
        for number, (by, story, verdict) in enumerate(parts)
    ]


@pytest.mark.parametrize(
    ("words", "useful", "noise"),
    [
        (["u1 s1 noise", "u1 s1 useful"], 1, 0),
        (["u1 s1 noise", "u2 s1 noise", "u3 s1 useful"], 0, 1),
        (["u1 s1 useful", "u2 s1 noise", "u1 s1 useful"], 1, 0),
        (["u1 s1 noise", "u1 s2 useful", "u1 s3 useful"], 2, 1),
    ],
)
def test_each_story_counts_once(words: list[str], useful: int, noise: int) -> None:
    assert feedback.precision_by_rule(opinions(*words)) == {"r": feedback.Precision(useful=useful, noise=noise)}


# -- which of the things that people said of a story still holds


def judged(verdict: Verdict, minute: int, *, by: str = "U1", rule: str = "exit") -> Judgement:
    return judgement(verdict, id=str(minute), by=by, rule=rule, at=START + timedelta(minutes=minute))


def holding(*judgements: Judgement) -> list[str]:
    return [item.id for item in alerts.active_feedback(judgements)]


def test_a_later_opinion_of_a_person_takes_the_place_of_the_earlier() -> None:
    assert holding(judged(Verdict.NOISE, 1), judged(Verdict.USEFUL, 2, by="U2"), judged(Verdict.USEFUL, 3)) == [
        "2",
        "3",
    ]
    assert holding(judged(Verdict.NOISE, 1), judged(Verdict.USEFUL, 2, rule="law")) == ["1", "2"]
