"""Precision is that of stories: of each person the last word, of several people the majority."""

from __future__ import annotations

import pytest

from bot import model
from bot.alerts import precision
from bot.model import Verdict
from testbed.fakes import START


def said(*words: str) -> list[model.Judgement]:
    """ "u1 s1 noise": who, of which story, what; under the rule r."""
    made = []
    for number, text in enumerate(words):
        by, story, verdict = text.split()
        made.append(
            model.Judgement(
                id=model.JudgementId(str(number)),
                at=START,
                by=by,
                channel="desk",
                story=model.StoryId(story),
                verdict=Verdict(verdict),
                rule="r",
                message=model.SendId("head"),
            )
        )
    return made


@pytest.mark.parametrize(
    ("words", "useful", "noise"),
    [
        (["u1 s1 noise"], 0, 1),
        (["u1 s1 noise", "u1 s1 useful"], 1, 0),
        (["u1 s1 noise", "u1 s1 noise", "u2 s1 useful"], 1, 0),
        (["u2 s1 useful", "u1 s1 noise"], 0, 1),
        (["u1 s1 noise", "u2 s1 noise", "u3 s1 useful"], 0, 1),
        (["u1 s1 useful", "u2 s1 noise", "u1 s1 useful"], 1, 0),
        (["u1 s1 noise", "u1 s2 useful", "u1 s3 useful"], 2, 1),
        (["u1 s1 useful", "u1 s1 claimed", "u1 s2 unclaimed"], 1, 0),
    ],
)
def test_each_story_counts_once(words: list[str], useful: int, noise: int) -> None:
    assert precision.by_rule(said(*words)) == {"r": precision.Precision(useful=useful, noise=noise)}


def test_a_rule_whose_stories_were_only_claimed_is_not_judged() -> None:
    assert precision.by_rule(said("u1 s1 claimed", "u1 s2 unclaimed")) == {}


@pytest.mark.parametrize(
    ("useful", "noise", "low", "high"),
    # The closed form of the paper, to four figures.
    [(12, 9, 0.3655, 0.7553), (1, 0, 0.2065, 1.0), (0, 3, 0.0, 0.5615), (95, 5, 0.8882, 0.9785)],
)
def test_the_interval_is_wilsons(useful: int, noise: int, low: float, high: float) -> None:
    found = precision.Precision(useful=useful, noise=noise)
    assert found.interval == pytest.approx((low, high), abs=5e-4)
    assert found.interval[0] <= found.share <= found.interval[1]
