from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import alerts, model
from testbed.fakes import START
from tests.alerts.builders import RULE, fact, held, member, new_sentence, posted, situation, told

QUIET = model.SpeakPolicy(quiet=model.QuietHours(start=time(8), end=time(12), zone=ZoneInfo("UTC")))
DIGEST = model.Digest(at=time(8), zone=ZoneInfo("UTC"))


def test_a_new_story_is_posted_as_first_report() -> None:
    (decision,) = alerts.decide(situation(member("a")))
    assert (decision.action, decision.reason) == (model.Action.POST, model.Reason.FIRST_REPORT)
    assert decision.rules == ("exit",)
    assert decision.article == "a"


def test_a_story_of_a_first_poll_is_held_to_be_gathered() -> None:
    assert told(alerts.decide(situation(member("a", is_baseline=True)))) == [("hold", "baseline")]


def test_news_on_a_story_that_its_baseline_left_unsaid_is_a_first_report() -> None:
    silent = posted(state=model.AlertState.SILENT, reason=model.Reason.BASELINE)
    old, new = member("a", is_baseline=True), member("b")
    assert told(alerts.decide(situation(old, new, arrived=1, alert=silent))) == [("post", "first report")]
    assert alerts.decide(situation(old, alert=silent)) == ()


def test_min_outlets_holds_until_enough_owners_carry_the_story_then_speaks_at_once() -> None:
    rules = (replace(RULE, min_outlets=2),)
    (hold,) = alerts.decide(situation(member("a"), rules=rules))
    assert (hold.reason, hold.until, hold.detail) == (model.Reason.MIN_OUTLETS, None, "1 of 2 independent outlets")
    alert = alerts.record(None, hold)
    assert told(alerts.decide(situation(member("a"), member("b"), arrived=1, rules=rules, alert=alert))) == [
        ("post", "first report")
    ]


def test_a_syndicated_copy_does_not_count_for_min_outlets() -> None:
    rules = (replace(RULE, min_outlets=2),)
    copy = member("b", copy_of="a")
    assert told(alerts.decide(situation(member("a"), copy, rules=rules))) == [("hold", "min outlets")]


def test_a_rule_that_waits_for_owners_does_not_hold_the_rule_beside_it() -> None:
    rules = (replace(RULE, name="three", min_outlets=3), RULE)
    (decision,) = alerts.decide(situation(member("a", rules=("three", "exit")), rules=rules))
    assert decision.action is model.Action.POST
    assert decision.rules == ("exit",)


def test_quiet_hours_hold_a_normal_rule_and_let_a_high_one_pass() -> None:
    (hold,) = alerts.decide(situation(member("a"), policy=QUIET))
    assert (hold.reason, hold.until) == (model.Reason.QUIET_HOURS, START.replace(hour=12))
    loud = (replace(RULE, severity=model.Severity.HIGH),)
    assert told(alerts.decide(situation(member("a"), policy=QUIET, rules=loud))) == [("post", "first report")]


def test_a_digest_rule_is_held_until_its_hour_of_the_next_day() -> None:
    (hold,) = alerts.decide(situation(member("a"), rules=(replace(RULE, digest=DIGEST),)))
    assert (hold.reason, hold.until) == (model.Reason.DIGEST, START.replace(hour=8) + timedelta(days=1))


def test_a_channel_with_a_digest_holds_every_rule_that_has_none_of_its_own() -> None:
    policy = model.SpeakPolicy(digest=model.Digest(at=time(10), zone=ZoneInfo("UTC")))
    loud = replace(RULE, severity=model.Severity.HIGH)
    (hold,) = alerts.decide(situation(member("a"), rules=(loud,), policy=policy))
    assert (hold.reason, hold.until) == (model.Reason.DIGEST, START.replace(hour=10))
    (own,) = alerts.decide(situation(member("a"), rules=(replace(RULE, digest=DIGEST),), policy=policy))
    assert own.until == START.replace(hour=8) + timedelta(days=1)
    due = situation(member("a"), arrived=0, rules=(loud,), policy=policy, alert=held(model.Reason.DIGEST, START))
    assert told(alerts.release([due]).decisions) == [("post", "digest")]


def test_a_cooldown_holds_the_next_story_of_its_rule() -> None:
    rules = (replace(RULE, cooldown=timedelta(hours=1)),)
    spoke = {"exit": START - timedelta(minutes=20)}
    (hold,) = alerts.decide(situation(member("a"), rules=rules, rule_spoke_at=spoke))
    assert (hold.reason, hold.until) == (model.Reason.COOLDOWN, START + timedelta(minutes=40))
    long_ago = {"exit": START - timedelta(hours=2)}
    assert told(alerts.decide(situation(member("a"), rules=rules, rule_spoke_at=long_ago))) == [
        ("post", "first report")
    ]


def test_a_full_hour_holds_until_the_oldest_post_leaves_it() -> None:
    posts = tuple(START - timedelta(minutes=minutes) for minutes in (50, 30, 10))
    policy = model.SpeakPolicy(posts_per_hour=3)
    (hold,) = alerts.decide(situation(member("a"), policy=policy, recent_posts=posts))
    assert (hold.reason, hold.until) == (model.Reason.RATE_CAP, START + timedelta(minutes=10))


def test_another_outlet_edits_the_message_without_a_word() -> None:
    found = alerts.decide(situation(member("a"), member("b"), arrived=1, alert=posted()))
    assert told(found) == [("edit", "added outlet")]


def test_another_article_of_a_listed_outlet_edits_the_message_so_that_its_headline_shows() -> None:
    again = member("a2", outlet="a")
    assert told(alerts.decide(situation(member("a"), again, arrived=1, alert=posted()))) == [("edit", "added article")]


def test_a_copy_of_a_listed_outlet_is_silent_as_a_copy() -> None:
    copy = member("a2", outlet="a", copy_of="a")
    assert told(alerts.decide(situation(member("a"), copy, arrived=1, alert=posted()))) == [("silent", "copy")]


def test_a_second_rule_edits_the_message_and_its_thread_says_so_once() -> None:
    rules = (RULE, replace(RULE, name="backdoor law"))
    members = (member("a"), member("b", rules=("exit", "backdoor law")))
    found = alerts.decide(situation(*members, arrived=1, rules=rules, alert=posted()))
    assert told(found) == [("reply", "rule"), ("edit", "added outlet")]
    alert = posted()
    for decision in found:
        alert = alerts.record(alert, decision)
    assert "reply" not in [
        action for action, _ in told(alerts.decide(situation(*members, arrived=1, rules=rules, alert=alert)))
    ]


def test_owners_that_reach_a_waiting_rule_are_told_as_corroboration() -> None:
    rules = (RULE, replace(RULE, name="confirmed", min_outlets=2))
    members = (member("a", rules=("exit", "confirmed")), member("b", rules=("exit", "confirmed")))
    found = alerts.decide(situation(*members, arrived=1, rules=rules, alert=posted()))
    assert told(found) == [("reply", "corroboration"), ("edit", "added outlet")]
    assert found[0].detail == "2 independent outlets"


def test_a_new_fact_is_a_reply_and_is_said_once() -> None:
    moved = fact("deadline", "30 December", before="30 November")
    members = (member("a"), member("b"))
    found = alerts.decide(situation(*members, arrived=1, alert=posted(), facts=(moved, moved)))
    assert told(found) == [("reply", "new fact"), ("edit", "added outlet")]
    assert found[0].facts == (moved,)
    alert = alerts.record(posted(), found[0])
    assert alert.latest == moved
    assert ("reply", "new fact") not in told(alerts.decide(situation(*members, arrived=1, alert=alert, facts=(moved,))))


def test_a_new_sentence_is_told_as_a_change_is_and_each_once() -> None:
    facts = (fact("deadline", "30 December"), new_sentence("A new sentence."))
    here = situation(member("a"), member("b"), arrived=1, alert=posted(), facts=facts)
    found = alerts.decide(here)
    assert told(found) == [("reply", "new fact"), ("edit", "added outlet")]
    assert found[0].facts == facts
    assert found[0].detail == "deadline: 30 December; new: A new sentence."
    again = alerts.decide(
        replace(here, alert=alerts.record(posted(), found[0]), facts=(facts[1], fact("vote", "3 May")))
    )
    assert [each.label for each in again[0].facts] == ["vote"]


def test_a_material_edit_of_a_posted_article_is_a_correction_without_any_arrival() -> None:
    change = model.Edit(article=model.ArticleId("a"), outlet="a", field="title", before="exits", after="delays exit")
    found = alerts.decide(situation(member("a"), arrived=0, alert=posted(), edits=(change,)))
    assert told(found) == [("reply", "correction"), ("edit", "correction")]


def test_a_reply_in_quiet_hours_leaves_at_their_end() -> None:
    moved = fact("deadline", "30 December")
    found = alerts.decide(situation(member("a"), member("b"), arrived=1, alert=posted(), facts=(moved,), policy=QUIET))
    assert found[0].until == START.replace(hour=12)


def test_a_gathered_message_is_edited_as_its_stories_grow() -> None:
    found = alerts.decide(situation(member("a"), member("b"), arrived=1, alert=posted(is_gathered=True)))
    assert told(found) == [("edit", "added outlet")]


def test_the_first_news_of_a_gathered_story_comes_with_a_message_of_its_own() -> None:
    here = situation(member("a"), member("b"), arrived=1, alert=posted(is_gathered=True), facts=(fact("toll", "31"),))
    found = alerts.decide(here)
    assert told(found) == [("post", "new fact"), ("reply", "new fact"), ("edit", "added outlet")]
    alert = posted(is_gathered=True)
    for decision in found:
        alert = alerts.record(alert, decision, head=model.SendId("own"))
    assert (alert.is_gathered, alert.head) == (False, "own")
    again = replace(here, alert=alert, facts=(fact("toll", "40"),))
    assert told(alerts.decide(again))[0] == ("reply", "new fact")


def test_news_of_a_digests_story_waits_for_the_next_digest_in_the_thread_of_the_last() -> None:
    rules = (replace(RULE, digest=DIGEST),)
    news = situation(member("a"), member("b"), arrived=1, rules=rules, facts=(fact("toll", "31"),))
    found = alerts.decide(replace(news, alert=posted(is_gathered=True)))
    assert told(found) == [("reply", "new fact"), ("edit", "added outlet")]


def test_a_merged_alert_never_speaks_again() -> None:
    merged = posted(state=model.AlertState.MERGED)
    assert alerts.decide(situation(member("a"), member("b"), arrived=1, alert=merged)) == ()


def test_a_story_whose_rules_are_no_longer_loaded_is_left_alone() -> None:
    assert alerts.decide(situation(member("a"), rules=())) == ()


@pytest.mark.parametrize("reason", [model.Reason.DIGEST, model.Reason.QUIET_HOURS, model.Reason.COOLDOWN])
def test_the_same_hold_without_a_new_article_is_not_recorded_again(reason: model.Reason) -> None:
    first = situation(member("a"), policy=QUIET)
    alert = alerts.record(None, alerts.decide(first)[0])
    assert alerts.decide(replace(first, alert=alert, arrivals=())) == ()
    assert held(reason).state is model.AlertState.HELD


_RULES = st.lists(
    st.builds(
        lambda name, need, high, digest: replace(
            RULE,
            name=name,
            min_outlets=need,
            severity=model.Severity.HIGH if high else model.Severity.NORMAL,
            digest=DIGEST if digest else None,
        ),
        st.sampled_from(["exit", "law", "ban"]),
        st.integers(1, 3),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda rule: rule.name,
)


@given(rules=_RULES, outlets=st.lists(st.sampled_from("abcd"), min_size=1, max_size=5), quiet=st.booleans())
def test_deciding_twice_never_speaks_twice(rules: list[model.Rule], outlets: list[str], quiet: bool) -> None:
    names = tuple(rule.name for rule in rules)
    members = tuple(member(f"{outlet}{i}", outlet=outlet, rules=names) for i, outlet in enumerate(outlets))
    first = situation(*members, rules=tuple(rules), policy=QUIET if quiet else model.SpeakPolicy())
    alert: model.Alert | None = None
    for decision in alerts.decide(first):
        alert = alerts.record(alert, decision, head=model.SendId("head"))
    again = alerts.decide(replace(first, alert=alert))
    assert not [d for d in again if d.action in (model.Action.POST, model.Action.REPLY)]
