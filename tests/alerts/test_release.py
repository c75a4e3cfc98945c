from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from bot import alerts, model
from testbed.fakes import START
from tests.alerts.builders import RULE, held, member, situation, story, told

UTC = ZoneInfo("UTC")


def baseline(index: int) -> alerts.Situation:
    one = member(f"a{index}", is_baseline=True, when=START - timedelta(minutes=index))
    return situation(one, arrived=0, story=story(one, name=f"s{index}"), alert=held(model.Reason.BASELINE, START))


def test_a_first_poll_announces_its_five_newest_stories_a_rule_and_lists_the_rest() -> None:
    answer = alerts.release([baseline(index) for index in range(8)])
    assert [decision.story for decision in answer.posts] == ["s0", "s1", "s2", "s3", "s4"]
    rest = [decision for decision in answer.decisions if decision not in answer.posts]
    assert {(d.action, d.reason) for d in rest} == {(model.Action.SILENT, model.Reason.BASELINE)}


def test_a_released_digest_posts_with_its_own_reason() -> None:
    rules = (replace(RULE, digest=model.Digest(at=time(9), zone=UTC)),)
    due = situation(member("a"), arrived=0, rules=rules, alert=held(model.Reason.DIGEST, START))
    assert told(alerts.release([due]).decisions) == [("post", "digest")]


def test_a_hold_that_meets_quiet_hours_is_held_again() -> None:
    policy = model.SpeakPolicy(quiet=model.QuietHours(start=time(8), end=time(12), zone=UTC))
    due = situation(member("a"), arrived=0, policy=policy, alert=held(model.Reason.COOLDOWN, START))
    assert told(alerts.release([due]).decisions) == [("hold", "quiet hours")]


def test_a_held_story_whose_rule_is_gone_is_silent_with_that_reason() -> None:
    due = situation(member("a"), arrived=0, rules=(), alert=held(model.Reason.QUIET_HOURS, START))
    assert told(alerts.release([due]).decisions) == [("silent", "rule paused")]


def test_quiet_hours_over_midnight_end_on_the_next_morning_of_their_own_zone() -> None:
    quiet = model.QuietHours(start=time(22), end=time(7), zone=ZoneInfo("Asia/Karachi"))
    late = START.replace(hour=18)  # 23:00 in Karachi
    assert alerts.quiet_until(quiet, late) == START.replace(hour=2) + timedelta(days=1)
    early = START.replace(hour=1)  # 06:00 in Karachi
    assert alerts.quiet_until(quiet, early) == START.replace(hour=2)
    assert alerts.quiet_until(quiet, START) is None


def test_a_digest_leaves_at_the_wall_clock_hour_across_a_change_of_summer_time() -> None:
    digest = model.Digest(at=time(8), zone=ZoneInfo("Europe/Berlin"))
    before = START.replace(year=2016, month=3, day=26, hour=12)
    assert alerts.next_digest(digest, before) == before.replace(day=27, hour=6)
    assert alerts.next_digest(digest, before.replace(day=27, hour=6)) == before.replace(day=28, hour=6)
