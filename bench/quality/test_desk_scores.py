"""Test the scores of the desks on a made-up desk."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bench.quality import desk_rows, desk_scores
from bench.quality.desk_scores import Desk, Item, Pairs, Shown, says, score


def _item(number: str, event: str | None, *, news: tuple[tuple[str, ...], ...] = ()) -> Item:
    return Item(
        desk="ports",
        id=number,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        source="The Quay",
        language="en",
        title=f"Title {number}",
        text="",
        event=event,
        kind="first",
        news=news,
    )


DESK = Desk(
    name="ports",
    rule="name: Ports",
    items=(
        _item("1", "e1"),
        _item("2", "e1", news=(("14 May",),)),
        _item("3", "e2"),
        _item("4", "e2"),
        _item("5", None),
    ),
)


def test_an_event_that_is_only_one_more_outlet_under_another_is_hidden() -> None:
    result = score(DESK, Shown(headlines={"1"}, messages=1, stories={"1": "s", "2": "s", "3": "s", "4": "s"}))
    assert (result.events, result.hidden, result.beyond) == (2, 1, -1)
    assert result.pairs == Pairs(right=2, joined=6, labelled=2)


def test_a_split_event_shows_messages_beyond_one_and_costs_recall() -> None:
    result = score(DESK, Shown(headlines={"1", "2", "3"}, messages=3, stories={"1": "a", "2": "b", "3": "c", "4": "c"}))
    assert (result.hidden, result.beyond, result.pairs.precision, result.pairs.recall) == (0, 1, 1.0, 0.5)


def test_a_reply_is_right_where_it_says_what_its_item_brings() -> None:
    shown = Shown(headlines={"1", "3"}, messages=2, replies=[("2", "deadline: 14 May"), ("4", "New: a crane fell")])
    result = score(DESK, shown)
    assert (result.replies, result.replies_right, result.told, result.with_news) == (2, 1, 1, 1)
    assert result.remarks == ["ports 4: false: New: a crane fell"]


def test_a_number_is_said_only_whole() -> None:
    assert says("20", "fined 20 today")
    assert not says("20", "fined 200")
    assert not says("20", "fined 20.5")
    assert says("withdr", "it withdrew")


@pytest.mark.parametrize("part", desk_scores.OWN_PARTS)
def test_each_desk_of_our_own_has_a_rule_that_the_bot_reads_and_news_that_stands_in_its_articles(part: str) -> None:
    for desk in desk_scores.load(part):
        desk_rows.compiled(desk)
        events = [item.event for item in desk.items if item.event]
        assert 6 <= len(set(events)) <= 12 < len(events), desk.name
        for item in desk.items:
            for says_one_of in item.news:
                assert any(says(say, f"{item.title} {item.text}") for say in says_one_of), f"{desk.name} {item.id}"
