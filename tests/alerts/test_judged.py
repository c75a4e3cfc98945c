"""What readers say of a story is heard: a muted story is silent, a snoozed rule waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from bot import alerts, model
from bot.model import Verdict
from testbed.fakes import START
from tests.alerts.builders import RULE, fact, held, member, posted, situation, story, told

DAY = timedelta(days=1)
SNOOZED = {"exit": START + DAY}
QUIET = model.SpeakPolicy(quiet=model.QuietHours(start=time(8), end=time(12), zone=ZoneInfo("UTC")))
LAW = replace(RULE, name="law")


def test_a_muted_story_says_nothing_more_and_each_article_says_why() -> None:
    muted = posted(is_muted=True)
    heard = situation(member("a"), member("b"), arrived=1, alert=muted, facts=(fact("deadline", "30 December"),))
    assert told(alerts.decide(heard)) == [("silent", "muted")]
    assert alerts.decide(replace(heard, arrivals=())) == ()


def test_a_muted_story_that_was_held_is_not_released() -> None:
    due = situation(member("a"), arrived=0, alert=replace(held(model.Reason.QUIET_HOURS, START), is_muted=True))
    assert told(alerts.release([due]).decisions) == [("silent", "muted")]


def test_a_new_story_of_a_snoozed_rule_waits_for_the_end_also_when_it_is_of_high_severity() -> None:
    rules = (replace(RULE, severity=model.Severity.HIGH),)
    (hold,) = alerts.decide(situation(member("a"), rules=rules, snoozed=SNOOZED))
    assert (hold.action, hold.reason, hold.until) == (model.Action.HOLD, model.Reason.SNOOZED, START + DAY)
    assert hold.detail == "snoozed until 2015-12-03 09:00 UTC"


def test_what_a_snooze_held_is_released_together_at_its_end() -> None:
    due = [
        situation(
            member(name), arrived=0, story=story(member(name), name=name), alert=held(model.Reason.SNOOZED, START)
        )
        for name in ("s1", "s2")
    ]
    answer = alerts.release(due)
    assert told(answer.posts) == [("post", "first report")] * 2
    assert {decision.detail for decision in answer.posts} == {"held: snoozed"}


def test_a_snooze_that_was_pressed_again_holds_on() -> None:
    due = situation(member("a"), arrived=0, alert=held(model.Reason.SNOOZED, START), snoozed=SNOOZED)
    assert told(alerts.release([due]).decisions) == [("hold", "snoozed")]


def test_the_rule_beside_a_snoozed_one_speaks_for_itself_alone() -> None:
    (post,) = alerts.decide(situation(member("a", rules=("exit", "law")), rules=(RULE, LAW), snoozed=SNOOZED))
    assert (post.action, post.rules) == (model.Action.POST, ("law",))


def test_a_digest_rule_that_is_snoozed_waits_for_the_snooze_and_then_for_its_digest() -> None:
    rules = (replace(RULE, digest=model.Digest(at=time(8), zone=ZoneInfo("UTC"))),)
    assert told(alerts.decide(situation(member("a"), rules=rules, snoozed=SNOOZED))) == [("hold", "snoozed")]
    due = situation(member("a"), arrived=0, rules=rules, alert=held(model.Reason.SNOOZED, START))
    assert told(alerts.release([due]).decisions) == [("hold", "digest")]


def test_a_reply_under_a_snoozed_rule_leaves_at_the_end_of_the_snooze() -> None:
    news = situation(
        member("a"), member("b"), arrived=1, alert=posted(), facts=(fact("deadline", "30 December"),), snoozed=SNOOZED
    )
    assert [(d.reason.value, d.until) for d in alerts.decide(news)] == [
        ("new fact", START + DAY),
        ("added outlet", None),
    ]
    quiet = {"exit": START + timedelta(hours=1)}
    reply, *_ = alerts.decide(replace(news, snoozed=quiet, policy=QUIET))
    assert reply.until == START.replace(hour=12), "the later of the two ends"


def test_a_second_rule_that_is_snoozed_is_told_later_than_one_that_is_awake() -> None:
    other = replace(RULE, name="order")
    both = situation(
        member("a", rules=("exit", "law", "order")),
        rules=(RULE, LAW, other),
        alert=posted(),
        snoozed={"law": START + DAY},
    )
    replies = [d for d in alerts.decide(both) if d.action is model.Action.REPLY]
    assert [(d.rules, d.until) for d in replies] == [(("order",), None), (("law",), START + DAY)]


# -- what still holds of what was said


def said(verdict: Verdict, minute: int, *, by: str = "U1", rule: str = "exit") -> model.Judgement:
    at = START + timedelta(minutes=minute)
    return model.Judgement(
        id=model.JudgementId(str(minute)),
        at=at,
        by=by,
        channel="desk",
        story=model.StoryId("s1"),
        verdict=verdict,
        rule=rule if verdict.is_of_rule else "",
        message=model.SendId("head"),
        until=at + model.SNOOZE if verdict is Verdict.SNOOZED else None,
    )


def holding(*judgements: model.Judgement, days: float = 0) -> list[str]:
    return [one.id for one in alerts.active_feedback(judgements, now=START + days * DAY)]


def test_a_later_opinion_of_a_person_takes_the_place_of_the_earlier() -> None:
    assert holding(said(Verdict.NOISE, 1), said(Verdict.USEFUL, 2, by="U2"), said(Verdict.USEFUL, 3)) == ["2", "3"]
    assert holding(said(Verdict.NOISE, 1), said(Verdict.USEFUL, 2, rule="law")) == ["1", "2"]


def test_a_mute_or_a_snooze_that_was_taken_back_holds_no_more() -> None:
    assert holding(said(Verdict.MUTED, 1), said(Verdict.UNMUTED, 2, by="U2")) == []
    assert holding(said(Verdict.SNOOZED, 1), said(Verdict.WOKEN, 2)) == []
    assert holding(said(Verdict.MUTED, 1), said(Verdict.UNMUTED, 2), said(Verdict.MUTED, 3)) == ["3"]


def test_a_snooze_ends_by_itself() -> None:
    assert holding(said(Verdict.SNOOZED, 1), said(Verdict.MUTED, 2), days=0.5) == ["1", "2"]
    assert holding(said(Verdict.SNOOZED, 1), said(Verdict.MUTED, 2), days=1.5) == ["2"]
