"""A first post that waits to name several outlets, and when it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import alerts, model
from testbed.fakes import START
from tests.alerts.builders import RULE, held, member, situation, told

WAIT = timedelta(seconds=90)
GATHER = replace(RULE, gather=WAIT)
HIGH = replace(RULE, name="urgent", severity=model.Severity.HIGH)


def test_the_first_article_starts_the_wait_and_later_ones_do_not_move_its_end() -> None:
    (first,) = alerts.decide(situation(member("a"), rules=(GATHER,)))
    assert (first.action, first.reason, first.until) == (model.Action.HOLD, model.Reason.GATHER, START + WAIT)
    assert first.detail == "waits 90 seconds for other outlets"
    alert = alerts.record(None, first)
    later = situation(member("a"), member("b"), arrived=1, rules=(GATHER,), alert=alert, now=START + WAIT / 2)
    (again,) = alerts.decide(later)
    assert (again.reason, again.until) == (model.Reason.GATHER, START + WAIT)

    due = situation(member("a"), member("b"), arrived=0, rules=(GATHER,), alert=alert, now=START + WAIT)
    assert told(alerts.release([due]).decisions) == [("post", "first report")]


def test_what_a_rule_of_severity_high_matches_never_waits_also_not_the_rest_of_a_wait() -> None:
    policy = model.SpeakPolicy(gather=WAIT)
    assert told(alerts.decide(situation(member("a"), rules=(HIGH,), policy=policy))) == [("post", "first report")]
    waiting = held(model.Reason.GATHER, until=START + WAIT)
    joined = situation(member("a"), member("b"), arrived=1, rules=(GATHER, HIGH), alert=waiting)
    assert told(alerts.decide(joined)) == [("post", "first report")]


@pytest.mark.parametrize(
    ("rules", "of_bot", "wait"),
    [
        ((RULE,), None, None),
        ((RULE,), 60, 60),
        ((GATHER,), 60, 90),
        ((GATHER, replace(RULE, name="law")), None, None),
        ((GATHER, replace(RULE, name="law", gather=timedelta(seconds=30))), None, 30),
    ],
    ids=["off by default", "as bot.yaml says", "the rule's own", "a rule that does not wait", "the shortest"],
)
def test_how_long_it_waits(rules: tuple[model.Rule, ...], of_bot: int | None, wait: int | None) -> None:
    policy = model.SpeakPolicy(gather=timedelta(seconds=of_bot) if of_bot else None)
    (decision,) = alerts.decide(situation(member("a"), rules=rules, policy=policy))
    assert decision.until == (START + timedelta(seconds=wait) if wait else None)


def test_what_was_held_for_another_reason_does_not_wait_again() -> None:
    two = situation(
        member("a"),
        member("b"),
        arrived=1,
        rules=(replace(GATHER, min_outlets=2),),
        alert=held(model.Reason.MIN_OUTLETS),
    )
    assert told(alerts.decide(two)) == [("post", "first report")]
