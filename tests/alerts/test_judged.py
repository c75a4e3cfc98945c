"""Which of the things that people said of a story still holds."""

from __future__ import annotations

from datetime import timedelta

from bot import alerts, model
from bot.model import Verdict
from testbed.fakes import START


def said(verdict: Verdict, minute: int, *, by: str = "U1", rule: str = "exit") -> model.Judgement:
    return model.Judgement(
        id=model.JudgementId(str(minute)),
        at=START + timedelta(minutes=minute),
        by=by,
        channel="desk",
        story=model.StoryId("s1"),
        verdict=verdict,
        rule=rule if verdict.is_of_rule else "",
        message=model.SendId("head"),
    )


def holding(*judgements: model.Judgement) -> list[str]:
    return [one.id for one in alerts.active_feedback(judgements)]


def test_a_later_opinion_of_a_person_takes_the_place_of_the_earlier() -> None:
    assert holding(said(Verdict.NOISE, 1), said(Verdict.USEFUL, 2, by="U2"), said(Verdict.USEFUL, 3)) == ["2", "3"]
    assert holding(said(Verdict.NOISE, 1), said(Verdict.USEFUL, 2, rule="law")) == ["1", "2"]


def test_a_claim_that_was_released_or_taken_over_holds_no_more() -> None:
    assert holding(said(Verdict.CLAIMED, 1), said(Verdict.UNCLAIMED, 2, by="U2")) == []
    assert holding(said(Verdict.CLAIMED, 1), said(Verdict.CLAIMED, 2, by="U2")) == ["2"]
