"""Notices about a feed: one for each problem, and one when it is over."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.feeds import health, polling
from bot.model.feeds import Feed, FeedState, ParsedFeed
from tests.feeds.states import FEED, POLICY, READ, URL, WELL, answered, entries, status, was_read
from tests.testbed.fakes import START

DAY = timedelta(days=1)


def report_events(state: FeedState, now: datetime, feed: Feed = FEED) -> tuple[FeedState, list[str]]:
    events = health.find_health_events(state, feed, now)
    return health.mark_reported(state, events), [f"{'+' if event.is_well else '-'}{event.kind}" for event in events]


def failed(state: FeedState, now: datetime = START, text: str = "no answer") -> FeedState:
    return polling.FinishedPoll(state, FEED, POLICY, now, 0).after_failure(text)


def test_a_hiccup_is_not_told_and_five_failures_are_told_once() -> None:
    state, reported = READ, []
    for _ in range(9):
        state, kinds = report_events(failed(state), START)
        reported.append(kinds)
    assert reported == [[], [], [], [], ["-broken"], [], [], [], []]
    state, kinds = report_events(answered(state, WELL), START)
    assert kinds == ["+broken"]
    assert report_events(state, START)[1] == []


def test_a_feed_that_takes_another_name_is_reported_once_unless_the_operator_named_it() -> None:
    state = replace(READ, title="Karachi Wire", new_title="Reuters")
    [event] = health.find_health_events(state, FEED, START)
    assert 'is now titled "Reuters"; its articles still show "Karachi Wire"' in event.text
    state, _ = report_events(state, START)
    assert report_events(state, START)[1] == []
    assert health.find_health_events(state, dataclasses.replace(FEED, name="Wire"), START) == ()


def test_the_text_says_which_feed_since_when_and_why() -> None:
    state = replace(failed(failed(READ)), title="Example News")
    (event,) = health.find_health_events(state, Feed(url="https://me:secret@news.example.org/feed"), START + 3 * DAY)
    assert event.text == (
        "Example News (https://***@news.example.org/feed) has failed 2 times in a row, for 3 days: no answer"
    )


def test_a_feed_that_ended_is_told_at_once_and_alone() -> None:
    state, kinds = report_events(replace(answered(READ, status(410)), reported=("broken",)), START)
    assert kinds == ["-gone"]
    assert report_events(state, START + 9 * DAY)[1] == []


def test_silence_is_judged_by_the_feeds_own_history() -> None:
    def with_arrivals(*arrivals: datetime) -> FeedState:
        return replace(READ, rhythm=replace(READ.rhythm, arrivals=arrivals, new_at=START))

    busy = with_arrivals(*(START - timedelta(hours=n) for n in range(20, 0, -1)))
    slow = with_arrivals(*(START - 7 * DAY * n for n in range(20, 0, -1)))
    assert report_events(busy, START + 2 * DAY)[1] == []
    state, kinds = report_events(busy, START + 2 * DAY + timedelta(hours=1))
    assert kinds == ["-silent"]
    assert report_events(slow, START + 20 * DAY)[1] == []
    assert report_events(slow, START + 22 * DAY)[1] == ["-silent"]
    back = was_read(state, ParsedFeed(entries=entries(START)), new=1, now=START + 3 * DAY)
    assert report_events(back, START + 3 * DAY)[1] == ["+silent"]
    assert report_events(with_arrivals(*[START] * 7), START + 400 * DAY)[1] == [], "it has no history"
    for _ in range(5):
        busy = failed(busy)
    assert report_events(busy, START + 5 * DAY)[1] == ["-broken"], "a broken feed is not silent too"


def test_a_canary_that_stays_away_is_told_and_its_return_too() -> None:
    feed = Feed(url=URL, expect=2 * DAY)
    state = replace(READ, rhythm=replace(READ.rhythm, new_at=START))
    assert report_events(state, START + 2 * DAY, feed)[1] == []
    state, kinds = report_events(state, START + 3 * DAY, feed)
    assert kinds == ["-expected"]
    assert report_events(state, START + 9 * DAY, feed)[1] == []
    assert report_events(
        replace(state, rhythm=replace(state.rhythm, new_at=START + 9 * DAY)),
        START + 9 * DAY,
        feed,
    )[1] == ["+expected"]


def test_a_failure_that_lasts_a_day_is_told_and_does_not_last_longer_because_the_bot_was_off() -> None:
    state = failed(READ)
    assert report_events(state, START + DAY)[1] == ["-broken"]
    later = state.due_at + 3 * DAY
    state = failed(state, later)
    assert report_events(state, later)[1] == []
    assert report_events(state, later + DAY)[1] == ["-broken"]


def test_a_feed_that_empties_is_told_after_a_day() -> None:
    state = was_read(READ, ParsedFeed())
    assert report_events(state, START + timedelta(hours=23))[1] == []
    state = was_read(state, ParsedFeed(), now=START + timedelta(hours=23))
    state, kinds = report_events(state, START + DAY)
    assert kinds == ["-empty"]
    assert report_events(was_read(state, ParsedFeed(entries=entries(START))), START + DAY)[1] == ["+empty"]
    young = was_read(was_read(FeedState(url=URL, due_at=START), ParsedFeed()), ParsedFeed())
    assert report_events(young, START + 9 * DAY)[1] == [], "it never had items"


def test_skipped_mails_are_told_once_a_day() -> None:
    reading = ParsedFeed(is_increment=True, skipped=1)
    state, reported = READ, []
    for hours in (0, 1, 24, 49):
        now = START + timedelta(hours=hours)
        state = was_read(state, reading, now=now)
        state, kinds = report_events(state, now)
        reported.append(kinds)
    assert reported == [["-skipped"], [], ["-skipped"], ["-skipped"]]
    assert state.today.unreadable == 1
    state = was_read(state, replace(reading, skipped=0), now=START + timedelta(hours=80))
    assert report_events(state, START + timedelta(hours=80))[1] == []
