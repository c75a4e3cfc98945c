"""What silences leave of a situation, and the decision about what they keep back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot import alerts, model
from testbed.fakes import START
from tests.alerts.builders import RULE, fact, held, member, posted, situation

LAW = model.Rule(name="law", notify=("desk",))


def silence(kind: str, name: str) -> model.Silence:
    return model.Silence(
        id=model.SilenceId("0a1b2c3d"),
        at=START,
        by="ann",
        kind=model.SilenceKind(kind),
        name=name,
        reason="they move",
        until=START + timedelta(hours=2),
    )


def heard(here: alerts.Situation, *, rule: str = "", outlet: str = "", story: str = "") -> alerts.Situation:
    return alerts.without_silenced(
        here,
        of_story=silence("story", story) if story else None,
        of_rule=lambda name: silence("rule", rule) if name == rule else None,
        of_article=lambda article: silence("outlet", outlet) if article.outlet == outlet else None,
    )


def test_a_story_of_a_silenced_rule_alone_is_silent_and_says_until_when_by_whom_and_why() -> None:
    (decision,) = alerts.decide(heard(situation(member("a")), rule="exit"))
    assert (decision.action, decision.reason) == (model.Action.SILENT, model.Reason.SILENCED)
    assert (
        decision.detail
        == 'silenced: rule "exit" in every channel until 2015-12-02 11:00 UTC by ann: they move (0a1b2c3d)'
    )
    assert decision.silence == "0a1b2c3d"
    assert alerts.record(None, decision).state is model.AlertState.SILENT


def test_a_story_that_another_rule_matches_is_posted_for_that_rule_alone() -> None:
    (decision,) = alerts.decide(heard(situation(member("a"), rules=(RULE, LAW)), rule="exit"))
    assert (decision.action, decision.rules) == (model.Action.POST, ("law",))


def test_a_story_is_silent_while_every_article_of_it_is_and_posted_with_the_first_that_is_not() -> None:
    quiet = situation(member("a"), member("b", outlet="a"))
    (decision,) = alerts.decide(heard(quiet, outlet="a"))
    assert decision.reason is model.Reason.SILENCED
    alert = alerts.record(None, decision)
    later = situation(member("a"), member("b", outlet="a"), member("c", copy_of="a"), arrived=1, alert=alert)
    (decision,) = alerts.decide(heard(later, outlet="a"))
    assert (decision.action, decision.reason) == (model.Action.POST, model.Reason.FIRST_REPORT)


def test_what_a_silence_kept_back_is_posted_with_the_next_article_after_its_end_and_not_before() -> None:
    first = situation(member("a"))
    alert = alerts.record(None, alerts.decide(heard(first, rule="exit"))[0])
    assert alerts.decide(replace(first, alert=alert, arrivals=())) == ()
    (decision,) = alerts.decide(situation(member("a"), member("b"), arrived=1, alert=alert))
    assert decision.action is model.Action.POST


def test_of_a_posted_story_the_news_of_a_silenced_outlet_are_kept_back_and_those_of_others_are_told() -> None:
    news = (replace(fact("deadline", "30 December"), article=model.ArticleId("b")),)
    only = situation(member("a"), member("b"), arrived=1, alert=posted(), facts=news)
    (decision,) = alerts.decide(heard(only, outlet="b"))
    assert (decision.action, decision.reason) == (model.Action.SILENT, model.Reason.SILENCED)

    both = situation(member("a"), member("b"), member("c"), arrived=2, alert=posted(), facts=news)
    decisions = alerts.decide(heard(both, outlet="b"))
    assert [each.reason for each in decisions] == [model.Reason.SILENCED, model.Reason.ADDED_OUTLET]
    alert = posted()
    for each in decisions:
        alert = alerts.record(alert, each)
    assert alert.state is model.AlertState.POSTED


def test_a_held_story_whose_time_comes_during_a_silence_is_silent() -> None:
    here = situation(member("a"), arrived=0, alert=held(model.Reason.QUIET_HOURS, until=START))
    (decision,) = alerts.release([heard(here, rule="exit")]).decisions
    assert decision.reason is model.Reason.SILENCED


def test_a_silenced_story_says_nothing_more_and_each_article_says_why() -> None:
    news = situation(
        member("a"), member("b"), arrived=1, alert=posted(), facts=(fact("deadline", "30 December"),), has_summary=True
    )
    (decision,) = alerts.decide(heard(news, story="s1"))
    assert (decision.action, decision.reason) == (model.Action.SILENT, model.Reason.SILENCED)
    assert alerts.record(posted(), decision) == posted()
    assert alerts.decide(heard(replace(news, arrivals=(), facts=()), story="s1")) == ()


def test_a_silence_of_nothing_here_changes_nothing() -> None:
    here = situation(member("a"), member("b"), arrived=1, alert=posted())
    assert heard(here, rule="other", outlet="elsewhere") == here
