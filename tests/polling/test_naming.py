"""A changed document is read whole once a week, so that it is known what a feed still lists."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot import model, polling
from testbed.fakes import START
from tests.polling.states import FEED, PAGE, POLICY, READ

DAY = timedelta(days=1)
KNOWN = replace(READ, named_at=START, item_hashes=("a",))


def after(
    state: model.FeedState, *, now: datetime, names_known: bool, hashes: tuple[str, ...] = ("a",)
) -> model.FeedState:
    reading = model.Reading(item_hashes=hashes)
    return polling.after_reading(
        state,
        FEED,
        reading,
        PAGE,
        digest="",
        new_count=0,
        arrivals=(),
        names_known=names_known,
        policy=POLICY,
        now=now,
        jitter=0,
    )


@pytest.mark.parametrize(("days", "is_due"), [(0, False), (6.9, False), (7, True), (-1, True)])
def test_it_is_due_a_week_after_the_last_time_and_where_the_clock_was_set_back(days: float, is_due: bool) -> None:
    assert polling.is_naming_due(KNOWN, START + days * DAY) is is_due
    assert polling.is_naming_due(READ, START)


def test_only_a_whole_reading_counts() -> None:
    later = START + DAY
    assert after(KNOWN, now=later, names_known=False).named_at == START
    assert after(KNOWN, now=later, names_known=True).named_at == later


def test_a_document_whose_items_are_not_told_apart_is_always_read_whole() -> None:
    assert after(KNOWN, now=START + DAY, names_known=False, hashes=()).named_at == START + DAY


def test_items_that_are_only_named_again_say_nothing_of_the_feed() -> None:
    named = model.Entry(title="an old one", published=START - DAY, identity_only=True)
    reading = model.Reading(entries=(named, model.Entry(title="a new one")), item_hashes=("a", "b"))
    state = replace(KNOWN, has_dates=True, undated_count=4)
    found = polling.after_reading(
        state,
        FEED,
        reading,
        PAGE,
        digest="",
        new_count=1,
        arrivals=(START,),
        names_known=True,
        policy=POLICY,
        now=START,
        jitter=0,
    )
    assert found.undated_count == 5
