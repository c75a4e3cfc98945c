"""Reminders before a deadline: when they are planned, told once, and never for what is past."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import alerts, model
from testbed.fakes import START
from tests.alerts.builders import RULE, fact, held, member, posted, situation, told

DAY = timedelta(days=1)
ZONE = ZoneInfo("Asia/Karachi")
REMIND = model.Remind(leads=(7 * DAY, DAY), zone=ZONE)
RULES = (replace(RULE, remind=REMIND),)
QUIET = model.SpeakPolicy(quiet=model.QuietHours(start=time(3), end=time(7), zone=ZoneInfo("UTC")))


def deadline(day: date) -> model.Deadline:
    return model.Deadline(day=day, fact=fact("deadline", f"{day.day} {day:%B}"))


DEADLINE = deadline(date(2015, 12, 30))
#: 9:00 in Karachi.
WEEK_BEFORE = datetime(2015, 12, 23, 4, tzinfo=UTC)
DAY_BEFORE = datetime(2015, 12, 29, 4, tzinfo=UTC)


def at(now: datetime, alert: model.Alert, *deadlines: model.Deadline, **changes: object) -> alerts.Situation:
    return situation(member("a"), arrived=0, now=now, alert=alert, rules=RULES, deadlines=deadlines, **changes)


def pass_at(now: datetime, alert: model.Alert, *deadlines: model.Deadline) -> tuple[list[model.Decision], model.Alert]:
    """As a tick does: what is due, then the next hold."""
    here = at(now, alert, *deadlines)
    made = list(alerts.due(here))
    for decision in made:
        alert = alerts.record(alert, decision)
    planned = alerts.plan(replace(here, alert=alert), is_released=True)
    return (made, alerts.record(alert, planned)) if planned else (made, alert)


def test_a_deadline_ahead_holds_the_posted_story_for_its_first_reminder() -> None:
    planned = alerts.plan(at(START, posted(), DEADLINE))
    assert planned is not None
    assert (planned.action, planned.reason) == (model.Action.HOLD, model.Reason.REMINDER)
    assert planned.until == WEEK_BEFORE
    assert planned.detail == "deadline 30 December: reminder at 2015-12-23 04:00 UTC"
    alert = alerts.record(posted(), planned)
    assert (alert.state, alert.held_until) == (model.AlertState.POSTED, WEEK_BEFORE)
    assert alerts.plan(at(START, alert, DEADLINE)) is None


def test_each_lead_time_is_told_once_in_the_thread() -> None:
    alert = posted(held_until=WEEK_BEFORE)
    assert alerts.due(at(WEEK_BEFORE - timedelta(seconds=1), alert, DEADLINE)) == ()
    (first,), alert = pass_at(WEEK_BEFORE, alert, DEADLINE)
    assert (first.action, first.reason, first.detail) == (
        model.Action.REPLY,
        model.Reason.REMINDER,
        "deadline in 7 days",
    )
    assert first.facts == (DEADLINE.fact,)
    assert alert.held_until == DAY_BEFORE
    assert pass_at(WEEK_BEFORE, alert, DEADLINE) == ([], alert)
    (second,), alert = pass_at(DAY_BEFORE, alert, DEADLINE)
    assert second.detail == "deadline tomorrow"
    assert alert.held_until is None


def test_a_moved_deadline_is_recalled_on_its_new_day_only() -> None:
    moved = deadline(date(2016, 1, 30))
    planned = alerts.plan(at(START, posted(held_until=WEEK_BEFORE), moved))
    assert planned is not None
    assert planned.until == datetime(2016, 1, 23, 4, tzinfo=UTC)
    made, alert = pass_at(WEEK_BEFORE, posted(held_until=WEEK_BEFORE), moved)
    assert made == []
    assert alert.held_until == datetime(2016, 1, 23, 4, tzinfo=UTC)


def test_an_article_that_comes_when_a_reminder_is_due_does_not_plan_it_away() -> None:
    assert alerts.plan(at(WEEK_BEFORE + timedelta(minutes=1), posted(held_until=WEEK_BEFORE), DEADLINE)) is None


def test_after_a_longer_stop_one_reminder_says_what_is_left() -> None:
    (late,), alert = pass_at(DAY_BEFORE + timedelta(hours=5), posted(held_until=WEEK_BEFORE), DEADLINE)
    assert late.detail == "deadline tomorrow"
    assert alert.held_until is None


def test_a_deadline_that_passed_meanwhile_or_before_is_not_recalled() -> None:
    made, alert = pass_at(datetime(2015, 12, 30, 5, tzinfo=UTC), posted(held_until=WEEK_BEFORE), DEADLINE)
    assert made == []
    assert alert.held_until is None
    assert alerts.plan(at(START, posted(), deadline(date(2015, 12, 1)))) is None


def test_a_lead_time_that_lay_behind_when_the_story_was_posted_is_left_out() -> None:
    planned = alerts.plan(at(START, posted(), deadline(date(2015, 12, 5))))
    assert planned is not None
    assert planned.until == datetime(2015, 12, 4, 4, tzinfo=UTC)


def test_a_reminder_in_quiet_hours_leaves_at_their_end() -> None:
    (decision,) = alerts.due(at(WEEK_BEFORE, posted(held_until=WEEK_BEFORE), DEADLINE, policy=QUIET))
    assert decision.until == WEEK_BEFORE.replace(hour=7)


@pytest.mark.parametrize(
    "alert",
    [
        held(model.Reason.QUIET_HOURS, START),
        posted(state=model.AlertState.MERGED, held_until=WEEK_BEFORE),
        posted(state=model.AlertState.SILENT, held_until=WEEK_BEFORE),
    ],
)
def test_only_a_story_that_was_posted_reminds(alert: model.Alert) -> None:
    assert alerts.due(at(WEEK_BEFORE, alert, DEADLINE)) == ()


def test_a_rule_without_remind_recalls_nothing() -> None:
    assert alerts.plan(replace(at(START, posted(), DEADLINE), rules=(RULE,))) is None


def test_two_rules_with_one_lead_time_give_one_reply() -> None:
    other = replace(RULE, name="law", remind=model.Remind(leads=(DAY,), zone=ZONE))
    here = replace(at(DAY_BEFORE, posted(held_until=DAY_BEFORE), DEADLINE), rules=(*RULES, other))
    assert told(alerts.due(here)) == [("reply", "reminder")]
    assert alerts.due(here)[0].rules == ("exit", "law")


def test_summer_time_does_not_move_the_hour() -> None:
    berlin = replace(RULE, remind=model.Remind(leads=(2 * DAY,), zone=ZoneInfo("Europe/Berlin")))
    here = replace(at(START, posted(), deadline(date(2016, 3, 28))), rules=(berlin,))
    planned = alerts.plan(here)
    assert planned is not None
    # 27 March 2016 is the night of the change: 9:00 is 8:00 UTC before it.
    assert planned.until == datetime(2016, 3, 26, 8, tzinfo=UTC)


@given(
    days=st.lists(st.integers(0, 40), min_size=1, max_size=3, unique=True),
    leads=st.lists(st.integers(1, 20 * 24), min_size=1, max_size=4, unique=True),
    steps=st.lists(st.integers(0, 24 * 10), min_size=1, max_size=12),
)
def test_deciding_twice_never_reminds_twice(days: list[int], leads: list[int], steps: list[int]) -> None:
    deadlines = tuple(deadline((START + DAY * day).date()) for day in days)
    rules = (replace(RULE, remind=model.Remind(leads=tuple(timedelta(hours=lead) for lead in leads), zone=ZONE)),)
    alert, now, count = posted(), START, 0
    for step in steps:
        now += timedelta(hours=step)
        here = replace(at(now, alert, *deadlines), rules=rules)
        for decision in alerts.due(here):
            count += 1
            (said,) = decision.facts
            assert next(each for each in deadlines if each.fact == said).day >= now.astimezone(ZONE).date()
            alert = alerts.record(alert, decision)
        if planned := alerts.plan(replace(here, alert=alert), is_released=True):
            alert = alerts.record(alert, planned)
        again = replace(here, alert=alert)
        assert alerts.due(again) == ()
        assert alerts.plan(again) is None
    assert count <= len(days) * len(leads)
