"""When a story is posted, held, edited or silent: first posts, waits, releases and silences."""

from __future__ import annotations

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
from tests.alerts.builders import (
    RULE,
    decided,
    fact,
    held,
    member,
    new_sentence,
    outcomes,
    posted,
    rule,
    situation,
    story,
)
from tests.testbed.fakes import START
from tests.testbed.made import silence

ZONE = ZoneInfo("UTC")
QUIET = PostingPolicy(quiet=QuietHours(start=time(8), end=time(12), zone=ZONE))
BRIEF = PostingPolicy(brief=BriefSchedule(at=time(8), zone=ZONE))
WAIT = timedelta(seconds=90)
GATHER = rule(gather=WAIT)
LAW = rule(name="law")
OF_BRIEF = rule(when=ONLY_BRIEF)
HIGH = rule(severity=Severity.HIGH)
FIRST_REPORT = [("post", "first report")]

_SECOND = (member("a"), member("b"))


@pytest.mark.parametrize(
    ("members", "arrived", "alert", "expected"),
    [
        pytest.param((member("a"),), 1, None, FIRST_REPORT, id="a new story"),
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
        pytest.param(
            (member("a", is_baseline=True), member("b")),
            1,
            posted(state=AlertState.SILENT, reason=Reason.BASELINE),
            FIRST_REPORT,
            id="news on a story that its baseline left unsaid",
        ),
        pytest.param(
            (member("a", is_baseline=True),),
            1,
            posted(state=AlertState.SILENT, reason=Reason.BASELINE),
            [],
            id="no news on a story that its baseline left unsaid",
        ),
    ],
)
def test_what_an_arrival_leads_to(
    members: tuple[Member, ...], arrived: int, alert: Alert | None, expected: list[tuple[str, str]]
) -> None:
    assert decided(*members, arrived=arrived, alert=alert) == expected


# -- holds


def test_min_outlets_holds_until_enough_owners_carry_the_story_then_speaks_at_once() -> None:
    rules = (rule(min_outlets=2, gather=WAIT),)
    (hold,) = alerts.decide(situation(member("a"), rules=rules))
    assert (hold.reason, hold.until, hold.detail) == (Reason.MIN_OUTLETS, None, "1 of 2 independent outlets")
    assert decided(member("a"), member("b", copy_of="a"), rules=rules) == [("hold", "min outlets")]
    alert = alerts.record_decision(None, hold)
    assert decided(*_SECOND, arrived=1, rules=rules, alert=alert) == FIRST_REPORT


def test_a_rule_that_waits_for_owners_does_not_hold_the_rule_beside_it() -> None:
    rules = (rule(name="three", min_outlets=3), RULE)
    (decision,) = alerts.decide(situation(member("a", rules=("three", "exit")), rules=rules))
    assert (decision.action, decision.rules) == (AlertAction.POST, ("exit",))


def test_quiet_hours_hold_a_normal_rule_and_a_reply_and_let_a_high_one_pass() -> None:
    noon = START.replace(hour=12)
    (hold,) = alerts.decide(situation(member("a"), policy=QUIET))
    assert (hold.reason, hold.until) == (Reason.QUIET_HOURS, noon)
    assert decided(member("a"), policy=QUIET, now=START.replace(hour=13)) == FIRST_REPORT
    assert decided(member("a"), policy=QUIET, rules=(HIGH,)) == FIRST_REPORT
    moved = (fact("deadline", "30 December"),)
    reply, _ = alerts.decide(situation(*_SECOND, arrived=1, alert=posted(), facts=moved, policy=QUIET))
    assert reply.until == noon


def test_a_rule_of_the_brief_waits_for_it_and_a_channel_of_briefs_only_lets_nothing_pass() -> None:
    (hold,) = alerts.decide(situation(member("a"), rules=(OF_BRIEF,), policy=BRIEF))
    assert (hold.reason, hold.until) == (Reason.BRIEF, START.replace(hour=8) + timedelta(days=1))
    assert decided(member("a"), rules=(HIGH,), policy=BRIEF) == FIRST_REPORT
    only = PostingPolicy(brief=BriefSchedule(at=time(8), zone=ZONE, only=True))
    assert decided(member("a"), rules=(HIGH,), policy=only) == [("hold", "brief")]
    assert decided(member("a"), rules=(OF_BRIEF,)) == FIRST_REPORT, "a channel without a brief misses nothing"


def test_a_story_that_waits_for_a_brief_is_released_only_into_it() -> None:
    due = situation(member("a"), arrived=0, rules=(OF_BRIEF,), policy=BRIEF, alert=held(Reason.BRIEF, START))
    assert outcomes(alerts.release([due])) == [("hold", "brief")]
    for changed, expected in (
        (due, ("post", "brief")),
        (replace(due, silence=silence(SilenceKind.RULE, "exit")), ("silent", "silenced")),
        (replace(due, rules=()), ("silent", "rule paused")),
        (replace(due, rules=(rule(when=ONLY_BRIEF, min_outlets=2),)), ("hold", "min outlets")),
    ):
        assert outcomes((alerts.release_to_brief(changed),)) == [expected]


def test_a_full_hour_holds_until_the_oldest_post_leaves_it_unless_another_rule_has_room() -> None:
    busy = rule(posts_per_hour=2)
    posts = tuple(START - timedelta(minutes=minutes) for minutes in (90, 20, 5))
    (hold,) = alerts.decide(situation(member("a"), rules=(busy,), rule_posts={"exit": posts}))
    assert (hold.reason, hold.until) == (Reason.RATE_CAP, START + timedelta(minutes=40))
    assert decided(member("a"), rules=(busy, LAW), rule_posts={"exit": posts}) == FIRST_REPORT
    assert decided(member("a"), rules=(busy,), rule_posts={"exit": posts[:2]}) == FIRST_REPORT
    of_channel = PostingPolicy(posts_per_hour=2)
    (hold,) = alerts.decide(situation(member("a"), policy=of_channel, recent_posts=posts[1:]))
    assert (hold.reason, hold.until) == (Reason.RATE_CAP, START + timedelta(minutes=40))


def test_the_first_article_starts_the_wait_for_outlets_and_later_ones_do_not_move_its_end() -> None:
    (first,) = alerts.decide(situation(member("a"), rules=(GATHER,)))
    assert (first.action, first.reason, first.until) == (AlertAction.HOLD, Reason.GATHER, START + WAIT)
    assert first.detail == "waits 90 seconds for other outlets"
    alert = alerts.record_decision(None, first)
    later = situation(*_SECOND, arrived=1, rules=(GATHER,), alert=alert, now=START + WAIT / 2)
    (decision,) = alerts.decide(later)
    assert (decision.reason, decision.until) == (Reason.GATHER, START + WAIT)
    assert outcomes(alerts.release([replace(later, arrivals=(), now=START + WAIT)])) == FIRST_REPORT


def test_what_a_rule_of_severity_high_matches_never_waits_also_not_the_rest_of_a_wait() -> None:
    assert decided(member("a"), rules=(HIGH,), policy=PostingPolicy(gather=WAIT)) == FIRST_REPORT
    urgent = rule(name="urgent", severity=Severity.HIGH)
    waiting = held(Reason.GATHER, until=START + WAIT)
    assert decided(*_SECOND, arrived=1, rules=(GATHER, urgent), alert=waiting) == FIRST_REPORT


@pytest.mark.parametrize(
    ("rules", "of_bot", "wait"),
    [
        ((RULE,), None, None),
        ((RULE,), 60, 60),
        ((GATHER,), 60, 90),
        ((GATHER, LAW), None, None),
        ((GATHER, rule(name="law", gather=timedelta(seconds=30))), None, 30),
    ],
    ids=["off by default", "as bot.yaml says", "the rule's own", "a rule that does not wait", "the shortest"],
)
def test_how_long_it_waits(rules: tuple[Rule, ...], of_bot: int | None, wait: int | None) -> None:
    policy = PostingPolicy(gather=timedelta(seconds=of_bot) if of_bot else None)
    (decision,) = alerts.decide(situation(member("a"), rules=rules, policy=policy))
    assert decision.until == (START + timedelta(seconds=wait) if wait else None)


# -- replies


def test_a_second_rule_edits_the_message_and_its_thread_says_so_once() -> None:
    rules = (RULE, LAW)
    members = (member("a"), member("b", rules=("exit", "law")))
    decisions = alerts.decide(situation(*members, arrived=1, rules=rules, alert=posted()))
    assert outcomes(decisions) == [("reply", "rule"), ("edit", "added outlet")]
    alert = posted()
    for decision in decisions:
        alert = alerts.record_decision(alert, decision)
    assert "reply" not in dict(decided(*members, arrived=1, rules=rules, alert=alert))


def test_the_reply_about_a_second_rule_names_its_article_and_waits_for_one_that_is_surely_about_the_event() -> None:
    doubtful = member("b", rules=("exit", "law"), probability=0.8)
    assert decided(member("a"), doubtful, arrived=1, rules=(RULE, LAW), alert=posted()) == [("edit", "added outlet")]
    sure = member("c", rules=("law",))
    reply, _ = alerts.decide(situation(member("a"), doubtful, sure, arrived=1, rules=(RULE, LAW), alert=posted()))
    assert (reply.reason, reply.rules) == (Reason.SECOND_RULE, ("law",))
    assert [(fact.kind, fact.article) for fact in reply.facts] == [("joined", sure.article.id)]


def test_owners_that_reach_a_waiting_rule_are_told_as_corroboration() -> None:
    rules = (RULE, rule(name="confirmed", min_outlets=2))
    members = (member("a", rules=("exit", "confirmed")), member("b", rules=("exit", "confirmed")))
    decisions = alerts.decide(situation(*members, arrived=1, rules=rules, alert=posted()))
    assert outcomes(decisions) == [("reply", "corroboration"), ("edit", "added outlet")]
    assert decisions[0].detail == "2 independent outlets"


def test_an_article_that_a_reply_about_a_rule_shows_gets_no_second_reply() -> None:
    third = member("c", rules=("exit", "confirmed"), probability=0.7)
    rules = (HIGH, rule(name="confirmed", min_outlets=3, severity=Severity.HIGH))
    current = situation(*_SECOND, third, arrived=1, rules=rules, alert=posted())
    assert outcomes(alerts.decide(current)) == [("reply", "corroboration"), ("edit", "added outlet")]
    deadline = replace(fact("deadline", "30 December"), article=ArticleId("c"))
    assert ("reply", "new fact") in outcomes(alerts.decide(replace(current, facts=(deadline,))))

    second = (member("a"), member("b", rules=("exit", "law")), member("c"))
    every = PostingPolicy(thread=Thread.ALL)
    decisions = alerts.decide(situation(*second, arrived=2, rules=(RULE, LAW), alert=posted(), policy=every))
    assert outcomes(decisions) == [("reply", "rule"), ("reply", "added outlet"), ("edit", "added outlet")]
    assert [[fact.article for fact in reply.facts] for reply in decisions[:2]] == [["b"], ["c"]]


def test_a_new_sentence_is_told_as_a_change_is_and_each_once() -> None:
    facts = (fact("deadline", "30 December"), new_sentence("A new sentence."))
    current = situation(*_SECOND, arrived=1, alert=posted(), facts=facts)
    decisions = alerts.decide(current)
    assert outcomes(decisions) == [("reply", "new fact"), ("edit", "added outlet")]
    assert decisions[0].facts == facts
    assert decisions[0].detail == "deadline: 30 December; new: A new sentence."
    alert = alerts.record_decision(posted(), decisions[0])
    repeated = alerts.decide(replace(current, alert=alert, facts=(facts[1], fact("vote", "3 May"))))
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
    doubtful = member("b", probability=probability)
    rules = (rule(severity=severity),)
    decisions = alerts.decide(situation(member("a"), doubtful, arrived=1, alert=posted(), rules=rules))
    assert outcomes(decisions) == expected
    assert {fact.article for decision in decisions for fact in decision.facts} <= {"b"}


def test_news_of_a_story_of_the_brief_is_left_to_the_next_brief_once() -> None:
    toll = (fact("toll", "31"),)
    alert = posted(is_gathered=True, reason=Reason.BRIEF)
    news = situation(*_SECOND, arrived=1, rules=(OF_BRIEF,), policy=BRIEF, facts=toll, alert=alert)
    (decision,) = alerts.decide(news)
    assert (decision.action, decision.reason, decision.facts) == (AlertAction.SILENT, Reason.BRIEF, toll)
    again = replace(news, alert=alerts.record_decision(alert, decision), arrivals=())
    assert alerts.decide(again) == ()
    edit = replace(fact("headline", "31"), kind=EDITED, before="30")
    (corrected,) = alerts.decide(replace(again, facts=(edit,)))
    assert (corrected.reason, corrected.facts) == (Reason.BRIEF, (edit,))


_RULES = st.lists(
    st.builds(
        rule,
        name=st.sampled_from(["exit", "law", "ban"]),
        min_outlets=st.integers(1, 3),
        severity=st.sampled_from([Severity.HIGH, Severity.NORMAL]),
        when=st.sampled_from([ONLY_BRIEF, None]),
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


# -- the first look at new feeds, and releases


def baseline(index: int) -> alerts.Situation:
    members = member(f"a{index}", is_baseline=True, when=START - timedelta(minutes=index))
    return situation(members, arrived=0, story=story(members, name=f"s{index}"), alert=held(Reason.BASELINE, START))


def released_posts(situations: list[alerts.Situation]) -> list[str]:
    decisions = alerts.release(situations)
    silent = [(item.action, item.reason) for item in decisions if item.action is not AlertAction.POST]
    assert set(silent) <= {(AlertAction.SILENT, Reason.BASELINE)}
    return [decision.story for decision in decisions if decision.action is AlertAction.POST]


def test_a_first_look_announces_the_widest_and_then_the_newest_five_stories_a_rule() -> None:
    stories = [baseline(index) for index in range(8)]
    assert released_posts(stories) == ["s0", "s1", "s2", "s3", "s4"]
    members = [member("w", is_baseline=True, when=START - timedelta(days=1)), member("x", is_baseline=True)]
    wide = replace(baseline(9), story=replace(story(*members, name="wide"), last_seen=START - timedelta(days=1)))
    assert released_posts([*stories, wide]) == ["wide", "s0", "s1", "s2", "s3"]


def test_a_first_look_shows_an_event_once_but_never_hides_its_denial() -> None:
    near = Join(story=StoryId("s1"), article=ArticleId("a1"), reason=JoinReason.UNSURE, near=StoryId("s0"))
    [article] = baseline(1).story.members
    second = replace(baseline(1), story=story(replace(article, join=near), name="s1"))
    assert released_posts([baseline(0), second]) == ["s0"]
    others = [baseline(index) for index in range(8) if index != 1]
    assert {"s0", "s1"} <= set(released_posts([*others, replace(second, is_denial=True)]))


def test_a_hold_that_meets_quiet_hours_is_held_again_and_one_whose_rule_is_gone_is_silent() -> None:
    due = situation(member("a"), arrived=0, policy=QUIET, alert=held(Reason.BASELINE, START))
    assert outcomes(alerts.release([due])) == [("hold", "quiet hours")]
    assert outcomes(alerts.release([replace(due, rules=())])) == [("silent", "rule paused")]


# -- hours


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


def test_a_brief_leaves_at_the_wall_clock_hour_of_its_days_across_a_change_of_summer_time() -> None:
    brief = BriefSchedule(at=time(8), zone=ZoneInfo("Europe/Berlin"))
    before = START.replace(year=2016, month=3, day=26, hour=12)
    assert alerts.next_brief_time(brief, before) == before.replace(day=27, hour=6)
    assert alerts.next_brief_time(brief, before.replace(day=27, hour=6)) == before.replace(day=28, hour=6)
    working = BriefSchedule(at=time(8), zone=ZONE, days=frozenset(range(5)))
    assert alerts.next_brief_time(working, START.replace(day=4, hour=12)) == START.replace(day=7, hour=8)
    weekly = BriefSchedule(at=time(8), zone=ZONE, days=frozenset([4]))
    assert alerts.next_brief_time(weekly, START.replace(day=4, hour=8)) == START.replace(day=11, hour=8)


# -- what silences leave of a situation, and the decision about what they keep back


def with_silence(here: alerts.Situation, kind: SilenceKind, name: str) -> alerts.Situation:
    return alerts.ActiveSilences([silence(kind, name)]).without_silenced(here)


def test_a_story_that_another_rule_matches_is_posted_for_that_rule_alone() -> None:
    silenced = with_silence(situation(member("a"), rules=(RULE, LAW)), SilenceKind.RULE, "exit")
    (decision,) = alerts.decide(silenced)
    assert (decision.action, decision.rules) == (AlertAction.POST, ("law",))


def test_a_story_is_silent_while_every_article_of_it_is_and_posted_with_the_first_that_is_not() -> None:
    quiet = situation(member("a"), member("b", outlet="a"))
    (decision,) = alerts.decide(with_silence(quiet, SilenceKind.OUTLET, "a"))
    assert decision.reason is Reason.SILENCED
    alert = alerts.record_decision(None, decision)
    assert alerts.decide(replace(quiet, alert=alert, arrivals=())) == (), "the end of the silence alone posts nothing"
    later = situation(member("a"), member("b", outlet="a"), member("c", copy_of="a"), arrived=1, alert=alert)
    assert outcomes(alerts.decide(with_silence(later, SilenceKind.OUTLET, "a"))) == FIRST_REPORT


def test_of_a_posted_story_the_news_of_a_silenced_outlet_are_kept_back_and_those_of_others_are_told() -> None:
    news = (replace(fact("deadline", "30 December"), article=ArticleId("b")),)
    only = situation(*_SECOND, arrived=1, alert=posted(), facts=news)
    assert outcomes(alerts.decide(with_silence(only, SilenceKind.OUTLET, "b"))) == [("silent", "silenced")]

    both = situation(*_SECOND, member("c"), arrived=2, alert=posted(), facts=news)
    decisions = alerts.decide(with_silence(both, SilenceKind.OUTLET, "b"))
    assert [item.reason for item in decisions] == [Reason.SILENCED, Reason.ADDED_OUTLET]
    alert = posted()
    for item in decisions:
        alert = alerts.record_decision(alert, item)
    assert alert.state is AlertState.POSTED
