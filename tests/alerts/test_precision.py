"""Precision counts stories: the last opinion of each person, and the majority of several."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot import alerts
from bot.alerts import feedback
from bot.model.actions import Judgement, Verdict
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


def test_the_last_opinion_of_each_person_under_a_rule_holds() -> None:
    first, second, third = opinions("u1 s1 noise", "u2 s1 useful", "u1 s1 useful")
    assert alerts.active_feedback([first, second, third]) == (second, third)
    of_another_rule = replace(third, rule="law")
    assert alerts.active_feedback([first, of_another_rule]) == (first, of_another_rule)
