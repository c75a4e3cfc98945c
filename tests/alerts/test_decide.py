"""When a story is posted, held, edited or silent: first posts, waits, releases and silences."""

from __future__ import annotations

import dataclasses
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot import alerts
from bot.model.actions import SilenceKind
from bot.model.alerts import Alert, AlertAction, AlertState, Reason
from bot.model.rules import ONLY_BRIEF, Rule, Severity, Thread
from bot.model.settings import BriefSchedule, PostingPolicy, QuietHours
from bot.model.stories import EDITED, ArticleId, Join, JoinReason, Member, SendId, StoryId
from tests.alerts.builders import RULE, fact, held, member, new_sentence, outcomes, posted, situation, story
from tests.testbed.fakes import START
from tests.testbed.made import silence

QUIET = PostingPolicy(quiet=QuietHours(start=time(8), end=time(12), zone=ZoneInfo("UTC")))
BRIEF = PostingPolicy(brief=BriefSchedule(at=time(8), zone=ZoneInfo("UTC")))


_SECOND = (member("a"), member("b"))


@pytest.mark.parametrize(
    ("members", "arrived", "alert", "decided"),
    [
        pytest.param((member("a"),), 1, None, [("post", "first report")], id="a new story"),
        pytest.param((member("a", is_baseline=True),), 1, None, [("hold", "baseline")], id="a first poll"),
        pytest.param(_SECOND, 1, posted(), [("edit", "added outlet")], id="another outlet"),
        pytest.param(
            (member("a"), member("a2", outlet="a")),
            1,
            posted(),
            [("edit", "added article")],
            id="another headline of a listed outlet",
        ),
        pytest.param(
            (member("a"), member("a2", outlet="a", copy_of="a")), 1, posted(), [("silent", "copy")], id="a copy"
        ),
        pytest.param(_SECOND, 1, posted(is_gathered=True), [("edit", "added outlet")], id="in a gathered message"),
        pytest.param(_SECOND, 1, posted(state=AlertState.MERGED), [], id="a merged story is silent"),
    ],
)
def test_what_an_arrival_leads_to(
    members: tuple[Member, ...], arrived: int, alert: Alert | None, decided: list[tuple[str, str]]
) -> None:
    assert outcomes(alerts.decide(situation(*members, arrived=arrived, alert=alert))) == decided


def test_news_on_a_story_that_its_baseline_left_unsaid_is_a_first_report() -> None:
    silent = posted(state=AlertState.SILENT, reason=Reason.BASELINE)
    old, new = member("a", is_baseline=True), member("b")
    assert outcomes(alerts.decide(situation(old, new, arrived=1, alert=silent))) == [("post", "first report")]
    assert alerts.decide(situation(old, alert=silent)) == ()


def test_min_outlets_holds_until_enough_owners_carry_the_story_then_speaks_at_once() -> None:
    rules = (dataclasses.replace(RULE, min_outlets=2),)
    (hold,) = alerts.decide(situation(member("a"), rules=rules))
    assert (hold.reason, hold.until, hold.detail) == (Reason.MIN_OUTLETS, None, "1 of 2 independent outlets")
    alert = alerts.record_decision(None, hold)
    assert outcomes(alerts.decide(situation(member("a"), member("b"), arrived=1, rules=rules, alert=alert))) == [
        ("post", "first report")
    ]


def test_a_syndicated_copy_does_not_count_for_min_outlets() -> None:
    rules = (dataclasses.replace(RULE, min_outlets=2),)
    copy = member("b", copy_of="a")
    assert outcomes(alerts.decide(situation(member("a"), copy, rules=rules))) == [("hold", "min outlets")]


def test_a_rule_that_waits_for_owners_does_not_hold_the_rule_beside_it() -> None:
    rules = (dataclasses.replace(RULE, name="three", min_outlets=3), RULE)
    (decision,) = alerts.decide(situation(member("a", rules=("three", "exit")), rules=rules))
    assert decision.action is AlertAction.POST
    assert decision.rules == ("exit",)


def test_quiet_hours_hold_a_normal_rule_and_let_a_high_one_pass() -> None:
    (hold,) = alerts.decide(situation(member("a"), policy=QUIET))
    assert (hold.reason, hold.until) == (Reason.QUIET_HOURS, START.replace(hour=12))
    later = replace(situation(member("a"), policy=QUIET), now=START.replace(hour=13))
    assert outcomes(alerts.decide(later)) == [("post", "first report")]
    loud = (dataclasses.replace(RULE, severity=Severity.HIGH),)
    assert outcomes(alerts.decide(situation(member("a"), policy=QUIET, rules=loud))) == [("post", "first report")]


def test_a_rule_of_the_brief_waits_for_it_and_a_channel_of_briefs_only_lets_nothing_pass() -> None:
    rules, tomorrow = (dataclasses.replace(RULE, when=ONLY_BRIEF),), START.replace(hour=8) + timedelta(days=1)
    (hold,) = alerts.decide(situation(member("a"), rules=rules, policy=BRIEF))
    assert (hold.reason, hold.until) == (Reason.BRIEF, tomorrow)
    loud = (dataclasses.replace(RULE, severity=Severity.HIGH),)
    assert outcomes(alerts.decide(situation(member("a"), rules=loud, policy=BRIEF))) == [("post", "first report")]
    only = PostingPolicy(brief=BriefSchedule(at=time(8), zone=ZoneInfo("UTC"), only=True))
    assert outcomes(alerts.decide(situation(member("a"), rules=loud, policy=only))) == [("hold", "brief")]
    without = situation(member("a"), rules=rules)
    assert outcomes(alerts.decide(without)) == [("post", "first report")], "a channel without a brief misses nothing"


def test_a_story_that_waits_for_a_brief_is_released_only_into_it() -> None:
    rules = (dataclasses.replace(RULE, when=ONLY_BRIEF),)
    due = situation(member("a"), arrived=0, rules=rules, policy=BRIEF, alert=held(Reason.BRIEF, START))
    assert outcomes(alerts.release([due])) == [("hold", "brief")]
    assert outcomes((alerts.release_to_brief(due),)) == [("post", "brief")]
    hushed = replace(due, silence=silence(SilenceKind.RULE, "exit"))
    assert outcomes((alerts.release_to_brief(hushed),)) == [("silent", "silenced")]
    assert outcomes((alerts.release_to_brief(replace(due, rules=())),)) == [("silent", "rule paused")]
    rare = replace(due, rules=(dataclasses.replace(rules[0], min_outlets=2),))
    assert outcomes((alerts.release_to_brief(rare),)) == [("hold", "min outlets")]


def test_a_full_hour_of_a_rule_holds_its_next_story_unless_another_rule_has_room() -> None:
    busy = dataclasses.replace(RULE, posts_per_hour=2)
    posts = {"exit": tuple(START - timedelta(minutes=minutes) for minutes in (90, 20, 5))}
    (hold,) = alerts.decide(situation(member("a"), rules=(busy,), rule_posts=posts))
    assert (hold.reason, hold.until) == (Reason.RATE_CAP, START + timedelta(minutes=40))
    beside = (busy, dataclasses.replace(RULE, name="backdoor law"))
    assert outcomes(alerts.decide(situation(member("a"), rules=beside, rule_posts=posts))) == [("post", "first report")]
    earlier = {"exit": posts["exit"][:2]}
    assert outcomes(alerts.decide(situation(member("a"), rules=(busy,), rule_posts=earlier))) == [
        ("post", "first report")
    ]


def test_a_full_hour_holds_until_the_oldest_post_leaves_it() -> None:
    posts = tuple(START - timedelta(minutes=minutes) for minutes in (50, 30, 10))
    policy = PostingPolicy(posts_per_hour=3)
    (hold,) = alerts.decide(situation(member("a"), policy=policy, recent_posts=posts))
    assert (hold.reason, hold.until) == (Reason.RATE_CAP, START + timedelta(minutes=10))


def test_a_second_rule_edits_the_message_and_its_thread_says_so_once() -> None:
    rules = (RULE, dataclasses.replace(RULE, name="backdoor law"))
    members = (member("a"), member("b", rules=("exit", "backdoor law")))
    decisions = alerts.decide(situation(*members, arrived=1, rules=rules, alert=posted()))
    assert outcomes(decisions) == [("reply", "rule"), ("edit", "added outlet")]
    alert = posted()
    for decision in decisions:
        alert = alerts.record_decision(alert, decision)
    assert "reply" not in [
        action for action, _ in outcomes(alerts.decide(situation(*members, arrived=1, rules=rules, alert=alert)))
    ]


def test_the_reply_about_a_second_rule_names_its_article_and_waits_for_one_that_is_surely_about_the_event() -> None:
    rules = (RULE, dataclasses.replace(RULE, name="backdoor law"))
    doubtful = member("b", rules=("exit", "backdoor law"))
    doubtful = replace(doubtful, join=replace(doubtful.join, probability=0.8))
    decided = alerts.decide(situation(member("a"), doubtful, arrived=1, rules=rules, alert=posted()))
    assert outcomes(decided) == [("edit", "added outlet")]
    sure = member("c", rules=("backdoor law",))
    reply, _ = alerts.decide(situation(member("a"), doubtful, sure, arrived=1, rules=rules, alert=posted()))
    assert (reply.reason, reply.rules) == (Reason.SECOND_RULE, ("backdoor law",))
    assert [(fact.kind, fact.article) for fact in reply.facts] == [("joined", sure.article.id)]


def test_owners_that_reach_a_waiting_rule_are_told_as_corroboration() -> None:
    rules = (RULE, dataclasses.replace(RULE, name="confirmed", min_outlets=2))
    members = (member("a", rules=("exit", "confirmed")), member("b", rules=("exit", "confirmed")))
    decisions = alerts.decide(situation(*members, arrived=1, rules=rules, alert=posted()))
    assert outcomes(decisions) == [("reply", "corroboration"), ("edit", "added outlet")]
    assert decisions[0].detail == "2 independent outlets"


def test_an_article_that_a_reply_about_a_rule_shows_gets_no_second_reply() -> None:
    high = dataclasses.replace(RULE, severity=Severity.HIGH)
    third = member("c", rules=("exit", "confirmed"))
    third = replace(third, join=replace(third.join, probability=0.7))
    members = (member("a"), member("b"), third)
    rules = (high, dataclasses.replace(high, name="confirmed", min_outlets=3))
    current = situation(*members, arrived=1, rules=rules, alert=posted())
    assert outcomes(alerts.decide(current)) == [("reply", "corroboration"), ("edit", "added outlet")]
    deadline = replace(fact("deadline", "30 December"), article=ArticleId("c"))
    assert outcomes(alerts.decide(replace(current, facts=(deadline,)))) == [
        ("reply", "corroboration"),
        ("reply", "new fact"),
        ("edit", "added outlet"),
    ]
    every = PostingPolicy(thread=Thread.ALL)
    rules = (RULE, dataclasses.replace(RULE, name="backdoor law"))
    second = (member("a"), member("b", rules=("exit", "backdoor law")), member("c"))
    decided = alerts.decide(situation(*second, arrived=2, rules=rules, alert=posted(), policy=every))
    assert outcomes(decided) == [("reply", "rule"), ("reply", "added outlet"), ("edit", "added outlet")]
    assert [[fact.article for fact in reply.facts] for reply in decided[:2]] == [["b"], ["c"]]


def test_a_new_sentence_is_told_as_a_change_is_and_each_once() -> None:
    facts = (fact("deadline", "30 December"), new_sentence("A new sentence."))
    current = situation(member("a"), member("b"), arrived=1, alert=posted(), facts=facts)
    decisions = alerts.decide(current)
    assert outcomes(decisions) == [("reply", "new fact"), ("edit", "added outlet")]
    assert decisions[0].facts == facts
    assert decisions[0].detail == "deadline: 30 December; new: A new sentence."
    repeated = alerts.decide(
        replace(current, alert=alerts.record_decision(posted(), decisions[0]), facts=(facts[1], fact("vote", "3 May")))
    )
    assert [item.label for item in repeated[0].facts] == ["vote"]


@pytest.mark.parametrize(
    ("severity", "probability", "expected"),
    [
        (Severity.HIGH, 0.79, [("reply", "added outlet"), ("edit", "added outlet")]),
        (Severity.HIGH, 0.8, [("edit", "added outlet")]),
        (Severity.HIGH, None, [("edit", "added outlet")]),
        (Severity.NORMAL, 0.6, [("edit", "added outlet")]),
    ],
)
def test_under_severity_high_what_may_be_another_event_is_never_only_one_more_outlet(
    severity: Severity, probability: float | None, expected: list[tuple[str, str]]
) -> None:
    doubtful = member("b")
    doubtful = replace(doubtful, join=replace(doubtful.join, probability=probability))
    rules = (dataclasses.replace(RULE, severity=severity),)
    decisions = alerts.decide(situation(member("a"), doubtful, arrived=1, alert=posted(), rules=rules))
    assert outcomes(decisions) == expected
    assert {fact.article for decision in decisions for fact in decision.facts} <= {"b"}


def test_a_reply_in_quiet_hours_leaves_at_their_end() -> None:
    moved = fact("deadline", "30 December")
    decisions = alerts.decide(
        situation(member("a"), member("b"), arrived=1, alert=posted(), facts=(moved,), policy=QUIET)
    )
    assert decisions[0].until == START.replace(hour=12)


def test_news_of_a_story_of_the_brief_is_left_to_the_next_brief_once() -> None:
    rules = (dataclasses.replace(RULE, when=ONLY_BRIEF),)
    news = situation(member("a"), member("b"), arrived=1, rules=rules, policy=BRIEF, facts=(fact("toll", "31"),))
    alert = posted(is_gathered=True, reason=Reason.BRIEF)
    (found,) = alerts.decide(replace(news, alert=alert))
    assert (found.action, found.reason, found.facts) == (AlertAction.SILENT, Reason.BRIEF, news.facts)
    again = replace(news, alert=alerts.record_decision(alert, found), arrivals=())
    assert alerts.decide(again) == ()
    edit = replace(fact("headline", "31"), kind=EDITED, before="30")
    (corrected,) = alerts.decide(replace(again, facts=(edit,)))
    assert (corrected.reason, corrected.facts) == (Reason.BRIEF, (edit,))


_RULES = st.lists(
    st.builds(
        lambda name, need, high, is_of_brief: dataclasses.replace(
            RULE,
            name=name,
            min_outlets=need,
            severity=Severity.HIGH if high else Severity.NORMAL,
            when=ONLY_BRIEF if is_of_brief else None,
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
def test_deciding_twice_never_speaks_twice(rules: list[Rule], outlets: list[str], quiet: bool) -> None:
    names = tuple(rule.name for rule in rules)
    members = tuple(member(f"{outlet}{i}", outlet=outlet, rules=names) for i, outlet in enumerate(outlets))
    first = situation(*members, rules=tuple(rules), policy=QUIET if quiet else PostingPolicy())
    alert: Alert | None = None
    for decision in alerts.decide(first):
        alert = alerts.record_decision(alert, decision, head=SendId("head"))
    decisions = alerts.decide(replace(first, alert=alert))
    assert not [d for d in decisions if d.action in (AlertAction.POST, AlertAction.REPLY)]


# -- a first post that waits to name several outlets, and when it does not


WAIT = timedelta(seconds=90)
GATHER = dataclasses.replace(RULE, gather=WAIT)
HIGH = dataclasses.replace(RULE, name="urgent", severity=Severity.HIGH)


def test_the_first_article_starts_the_wait_and_later_ones_do_not_move_its_end() -> None:
    (first,) = alerts.decide(situation(member("a"), rules=(GATHER,)))
    assert (first.action, first.reason, first.until) == (AlertAction.HOLD, Reason.GATHER, START + WAIT)
    assert first.detail == "waits 90 seconds for other outlets"
    alert = alerts.record_decision(None, first)
    later = situation(member("a"), member("b"), arrived=1, rules=(GATHER,), alert=alert, now=START + WAIT / 2)
    (decision,) = alerts.decide(later)
    assert (decision.reason, decision.until) == (Reason.GATHER, START + WAIT)

    due = situation(member("a"), member("b"), arrived=0, rules=(GATHER,), alert=alert, now=START + WAIT)
    assert outcomes(alerts.release([due])) == [("post", "first report")]


def test_what_a_rule_of_severity_high_matches_never_waits_also_not_the_rest_of_a_wait() -> None:
    policy = PostingPolicy(gather=WAIT)
    assert outcomes(alerts.decide(situation(member("a"), rules=(HIGH,), policy=policy))) == [("post", "first report")]
    waiting = held(Reason.GATHER, until=START + WAIT)
    joined = situation(member("a"), member("b"), arrived=1, rules=(GATHER, HIGH), alert=waiting)
    assert outcomes(alerts.decide(joined)) == [("post", "first report")]


@pytest.mark.parametrize(
    ("rules", "of_bot", "wait"),
    [
        ((RULE,), None, None),
        ((RULE,), 60, 60),
        ((GATHER,), 60, 90),
        ((GATHER, dataclasses.replace(RULE, name="law")), None, None),
        ((GATHER, dataclasses.replace(RULE, name="law", gather=timedelta(seconds=30))), None, 30),
    ],
    ids=["off by default", "as bot.yaml says", "the rule's own", "a rule that does not wait", "the shortest"],
)
def test_how_long_it_waits(rules: tuple[Rule, ...], of_bot: int | None, wait: int | None) -> None:
    policy = PostingPolicy(gather=timedelta(seconds=of_bot) if of_bot else None)
    (decision,) = alerts.decide(situation(member("a"), rules=rules, policy=policy))
    assert decision.until == (START + timedelta(seconds=wait) if wait else None)


def test_what_was_held_for_another_reason_does_not_wait_again() -> None:
    two = situation(
        member("a"),
        member("b"),
        arrived=1,
        rules=(dataclasses.replace(GATHER, min_outlets=2),),
        alert=held(Reason.MIN_OUTLETS),
    )
    assert outcomes(alerts.decide(two)) == [("post", "first report")]


_ZONE = ZoneInfo("UTC")


def baseline(index: int) -> alerts.Situation:
    members = member(f"a{index}", is_baseline=True, when=START - timedelta(minutes=index))
    return situation(members, arrived=0, story=story(members, name=f"s{index}"), alert=held(Reason.BASELINE, START))


def test_of_equal_stories_a_first_look_announces_the_five_newest_a_rule() -> None:
    decisions = alerts.release([baseline(index) for index in range(8)])
    posts = [decision for decision in decisions if decision.action is AlertAction.POST]
    assert [decision.story for decision in posts] == ["s0", "s1", "s2", "s3", "s4"]
    remaining = [decision for decision in decisions if decision not in posts]
    assert {(d.action, d.reason) for d in remaining} == {(AlertAction.SILENT, Reason.BASELINE)}


def test_a_first_look_prefers_the_stories_of_many_outlets_to_newer_ones() -> None:
    members = [member("w", is_baseline=True, when=START - timedelta(days=1)), member("x", is_baseline=True)]
    wide = replace(baseline(9), story=replace(story(*members, name="wide"), last_seen=START - timedelta(days=1)))
    decisions = alerts.release([*(baseline(index) for index in range(6)), wide])
    posts = [decision.story for decision in decisions if decision.action is AlertAction.POST]
    assert posts == ["wide", "s0", "s1", "s2", "s3"]


def test_a_first_look_shows_an_event_once_but_never_hides_its_denial() -> None:
    first = baseline(0)
    near = Join(story=StoryId("s1"), article=ArticleId("a1"), reason=JoinReason.UNSURE, near=StoryId("s0"))
    [result] = baseline(1).story.members
    second = replace(baseline(1), story=story(replace(result, join=near), name="s1"))
    assert outcomes(alerts.release([first, second])) == [("post", "first report"), ("silent", "baseline")]
    denial = replace(second, is_denial=True)
    many = [*(baseline(index) for index in range(8) if index != 1), denial]
    posts = [decision.story for decision in alerts.release(many) if decision.action is AlertAction.POST]
    assert {"s0", "s1"} <= set(posts)


def test_a_hold_that_meets_quiet_hours_is_held_again() -> None:
    policy = PostingPolicy(quiet=QuietHours(start=time(8), end=time(12), zone=_ZONE))
    due = situation(member("a"), arrived=0, policy=policy, alert=held(Reason.BASELINE, START))
    assert outcomes(alerts.release([due])) == [("hold", "quiet hours")]


def test_a_held_story_whose_rule_is_gone_is_silent_with_that_reason() -> None:
    due = situation(member("a"), arrived=0, rules=(), alert=held(Reason.QUIET_HOURS, START))
    assert outcomes(alerts.release([due])) == [("silent", "rule paused")]


def test_quiet_hours_over_midnight_end_on_the_next_morning_of_their_own_zone() -> None:
    quiet = QuietHours(start=time(22), end=time(7), zone=ZoneInfo("Asia/Karachi"))
    late = START.replace(hour=18)  # 23:00 in Karachi
    assert alerts.quiet_hours_end(quiet, late) == START.replace(hour=2) + timedelta(days=1)
    early = START.replace(hour=1)  # 06:00 in Karachi
    assert alerts.quiet_hours_end(quiet, early) == START.replace(hour=2)
    assert alerts.quiet_hours_end(quiet, START) is None


def test_quiet_hours_that_end_in_the_repeated_hour_of_a_clock_change_end_after_now() -> None:
    quiet = QuietHours(start=time(22), end=time(2, 30), zone=ZoneInfo("Europe/Berlin"))
    # 01:10 UTC on this day is 02:10 for the second time; 02:30 came for the first time at 00:30 UTC.
    now = START.replace(year=2015, month=10, day=25, hour=1, minute=10)
    assert alerts.quiet_hours_end(quiet, now) == now + timedelta(minutes=20)


def test_a_brief_leaves_at_the_wall_clock_hour_across_a_change_of_summer_time() -> None:
    brief = BriefSchedule(at=time(8), zone=ZoneInfo("Europe/Berlin"))
    before = START.replace(year=2016, month=3, day=26, hour=12)
    assert alerts.next_brief_time(brief, before) == before.replace(day=27, hour=6)
    assert alerts.next_brief_time(brief, before.replace(day=27, hour=6)) == before.replace(day=28, hour=6)


def test_a_brief_leaves_only_on_its_days() -> None:
    friday = START.replace(day=4, hour=12)
    working = BriefSchedule(at=time(8), zone=ZoneInfo("UTC"), days=frozenset(range(5)))
    assert alerts.next_brief_time(working, friday) == START.replace(day=7, hour=8)
    weekly = BriefSchedule(at=time(8), zone=ZoneInfo("UTC"), days=frozenset([4]))
    assert alerts.next_brief_time(weekly, friday) == START.replace(day=11, hour=8)
    assert alerts.next_brief_time(weekly, START.replace(day=4, hour=8)) == START.replace(day=11, hour=8)


# -- what silences leave of a situation, and the decision about what they keep back


LAW = Rule(name="law", notify=("desk",))


def with_silences(here: alerts.Situation, *, rule: str = "", outlet: str = "", story: str = "") -> alerts.Situation:
    subjects = {SilenceKind.RULE: rule, SilenceKind.OUTLET: outlet, SilenceKind.STORY: story}
    active = [silence(kind, name) for kind, name in subjects.items() if name]
    return alerts.ActiveSilences(active).without_silenced(here)


def test_a_story_that_another_rule_matches_is_posted_for_that_rule_alone() -> None:
    (decision,) = alerts.decide(with_silences(situation(member("a"), rules=(RULE, LAW)), rule="exit"))
    assert (decision.action, decision.rules) == (AlertAction.POST, ("law",))


def test_a_story_is_silent_while_every_article_of_it_is_and_posted_with_the_first_that_is_not() -> None:
    quiet = situation(member("a"), member("b", outlet="a"))
    (decision,) = alerts.decide(with_silences(quiet, outlet="a"))
    assert decision.reason is Reason.SILENCED
    alert = alerts.record_decision(None, decision)
    later = situation(member("a"), member("b", outlet="a"), member("c", copy_of="a"), arrived=1, alert=alert)
    (decision,) = alerts.decide(with_silences(later, outlet="a"))
    assert (decision.action, decision.reason) == (AlertAction.POST, Reason.FIRST_REPORT)


def test_what_a_silence_kept_back_is_posted_with_the_next_article_after_its_end_and_not_before() -> None:
    first = situation(member("a"))
    alert = alerts.record_decision(None, alerts.decide(with_silences(first, rule="exit"))[0])
    assert alerts.decide(replace(first, alert=alert, arrivals=())) == ()
    (decision,) = alerts.decide(situation(member("a"), member("b"), arrived=1, alert=alert))
    assert decision.action is AlertAction.POST


def test_of_a_posted_story_the_news_of_a_silenced_outlet_are_kept_back_and_those_of_others_are_told() -> None:
    news = (replace(fact("deadline", "30 December"), article=ArticleId("b")),)
    only = situation(member("a"), member("b"), arrived=1, alert=posted(), facts=news)
    (decision,) = alerts.decide(with_silences(only, outlet="b"))
    assert (decision.action, decision.reason) == (AlertAction.SILENT, Reason.SILENCED)

    both = situation(member("a"), member("b"), member("c"), arrived=2, alert=posted(), facts=news)
    decisions = alerts.decide(with_silences(both, outlet="b"))
    assert [item.reason for item in decisions] == [Reason.SILENCED, Reason.ADDED_OUTLET]
    alert = posted()
    for item in decisions:
        alert = alerts.record_decision(alert, item)
    assert alert.state is AlertState.POSTED
