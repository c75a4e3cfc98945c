"""One feed stores so much on one day, and the rest the next; the operator is told once a day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import storage
from bot.model.feeds import Feed
from bot.model.settings import FetchPolicy
from tests.pipeline.newsroom import DAY, Item, Newsroom

FLOOD = Feed(url="https://flood.example/rss", name="Flood")
CALM = Feed(url="https://calm.example/rss", name="Calm")


def items(count: int, *, start: int = 0, text: str = "") -> list[Item]:
    return [
        Item(id=f"i{n}", link=f"https://flood.example/{n}", title=f"BlackBerry, matter {n}", text=text)
        for n in range(start, start + count)
    ]


@pytest.fixture
def room(store: storage.Store) -> Newsroom:
    return Newsroom(store, [FLOOD, CALM], bot_keys={"fetch": FetchPolicy(max_items_per_day=10)})


async def test_items_over_the_limit_are_stored_the_next_day(room: Newsroom) -> None:
    first, calm = await room.together({FLOOD.url: items(25), CALM.url: items(1, start=90)})
    assert (first.new_count, calm.new_count) == (10, 1)
    assert first.state.today.postponed == 15
    assert [event.kind for event in first.health] == ["flood"]
    assert "more items than fetch.max_items_per_day; 15 wait until tomorrow" in first.health[0].text
    repeated = await room.poll(FLOOD, *items(25))
    assert (repeated.new_count, repeated.health) == (0, ()), "one notice a day"
    assert repeated.state.remarks == (
        "15 items were left for tomorrow: at most 10 a day are stored (fetch.max_items_per_day)",
    )
    room.now += DAY
    second = await room.poll(FLOOD, *items(25))
    assert [arrival.article.title for arrival in second.arrivals] == [item.title for item in items(10, start=10)]
    assert [event.kind for event in second.health] == ["flood"]
    room.now += DAY
    last = await room.poll(FLOOD, *items(25))
    assert (last.new_count, last.state.today.postponed) == (5, 0)
    assert not [remark for remark in last.state.remarks if "tomorrow" in remark]


async def test_an_edit_over_the_limit_waits_and_its_article_stays_known(room: Newsroom) -> None:
    await room.poll(FLOOD, *items(10, text="It was so."))
    edited = items(10, text="It was otherwise.")
    result = await room.poll(FLOOD, *edited)
    assert (result.revisions, result.new_count, result.state.today.postponed) == ((), 0, 10)
    room.now += DAY
    assert len((await room.poll(FLOOD, *edited)).revisions) == 10


async def test_a_long_item_counts_as_several_and_one_always_fits(room: Newsroom) -> None:
    long = [replace(item, text="word " * 20_000) for item in items(3)]
    assert (await room.poll(FLOOD, *long)).new_count == 2
    longest = [replace(item, text="word " * 40_000) for item in items(2, start=50)]
    room.now += DAY
    assert (await room.poll(FLOOD, *longest)).new_count == 1
