"""A batch of polls is stored in bounded transactions; one that ends in the middle loses and doubles nothing."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot import storage
from bot.model.errors import StoreUnavailable
from bot.model.feeds import Feed
from bot.model.settings import FetchPolicy
from bot.pipeline import intake
from tests.pipeline.newsroom import DAY, Item, Newsroom
from tests.storage.conftest import address, postgres_address, postgres_database, store
from tests.testbed.fakes import START
from tests.testbed.shown import lead_of, lines_of

__all__ = ["address", "postgres_address", "postgres_database", "store"]

BIG = Feed(url="https://big.example/rss", name="Big")
SMALL = Feed(url="https://small.example/rss", name="Small")
MOST = 40
ITEMS = [
    Item(id=f"n{at}", link=f"https://big.example/{at}", title=f"BlackBerry news {at}", text=f"Report number {at}.")
    for at in range(2 * MOST + 20)
]
ALL = Counter(item.title for item in ITEMS)


@pytest.fixture
def room(store: storage.Store, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    monkeypatch.setattr(intake, "MOST", MOST)
    return Newsroom(store, [BIG, SMALL])


class Fragile:
    """A store that ends its process before one of its transactions, and counts the articles of each."""

    def __init__(self, store: storage.Store, *, dies_at: int | None = None) -> None:
        self._store = store
        self._dies_at = dies_at
        self.written: list[int] = []

    async def read(self, work: Callable[[storage.Transaction], Any]) -> Any:
        return await self._store.read(work)

    async def write(self, work: Callable[[storage.Transaction], Any]) -> Any:
        if len(self.written) == self._dies_at:
            raise StoreUnavailable("killed")

        def counted(tx: storage.Transaction) -> Any:
            before = tx.articles.count()
            answer = work(tx)
            self.written.append(tx.articles.count() - before)
            return answer

        return await self._store.write(counted)


async def _take_in(room: Newsroom, store: Any, said: Mapping[str, Sequence[Item]]) -> Sequence[intake.IngestedPoll]:
    room.now += timedelta(minutes=5)

    def claimed(tx: storage.Transaction) -> Any:
        tx.feeds.sync(list(said), now=START)
        tx.feeds.claim_due(now=room.now, limit=10, token=str(room.now), lease=timedelta(seconds=1), everything=True)
        polls = [room._polled(tx, room.settings.feeds_by_address[url], items) for url, items in said.items()]
        return [replace(polled, state=replace(polled.state, baseline_at=START)) for polled in polls]

    polls = await room.store.write(claimed)
    return await intake.store_polls(store, polls, room.settings, token=str(room.now), now=room.now)


async def _waiting(room: Newsroom) -> Counter[str]:
    queue = await room.store.read(lambda tx: tx.decision_queue.get(tx.decision_queue.numbers(limit=10 * len(ITEMS))))
    return Counter(arrival.article.title for arrival in queue.values())


@pytest.mark.parametrize("dies_at", [0, 2])
async def test_transactions_are_bounded_and_a_process_that_ends_between_two_loses_and_doubles_nothing(
    room: Newsroom, dies_at: int
) -> None:
    small = Item(id="s", link="https://small.example/s", title="BlackBerry elsewhere", text="Another report.")
    polled = {BIG.url: ITEMS, SMALL.url: [small]}
    with pytest.raises(StoreUnavailable):
        await _take_in(room, Fragile(room.store, dies_at=dies_at), polled)
    assert sum((await _waiting(room)).values()) == dies_at * MOST
    store = Fragile(room.store)
    [big, other] = await _take_in(room, store, polled)
    assert max(store.written) <= MOST
    assert sum(store.written) == len(ITEMS) + 1 - dies_at * MOST == big.new_count + other.new_count
    await _take_in(room, Fragile(room.store), polled)
    assert await _waiting(room) == ALL + Counter([small.title])
    assert await room.store.read(lambda tx: tx.articles.count()) == len(ITEMS) + 1


async def test_a_batch_that_another_worker_overtakes_in_the_middle_is_identified_anew(room: Newsroom) -> None:
    if room.store.address.is_sqlite:
        pytest.skip("SQLite has one worker")
    sooner = {SMALL.url: [dataclasses.replace(ITEMS[-1], id="other")]}

    class Overtaken(Fragile):
        async def write(self, work: Callable[[storage.Transaction], Any]) -> Any:
            if len(self.written) == 1:
                await room.together(sooner)
            return await super().write(work)

    await _take_in(room, Overtaken(room.store), {BIG.url: ITEMS})
    assert await room.store.read(lambda tx: tx.articles.count()) == len(ITEMS)


async def test_problems_of_feeds_within_a_minute_are_one_notice(room: Newsroom) -> None:
    feeds = [Feed(url=f"https://{name}.example/feed", name=name, expect=timedelta(days=1)) for name in "abc"]
    room = dataclasses.replace(room, feeds=feeds, now=START + timedelta(days=2))
    for feed in feeds[:2]:
        await _take_in(room, room.store, {feed.url: []})
        room.now -= timedelta(minutes=5) - timedelta(milliseconds=70)
    room.now += timedelta(minutes=1)
    await _take_in(room, room.store, {feeds[2].url: []})
    notices = await room.store.read(lambda tx: tx.outbox.unsent())
    assert [lead_of(row.message) for row in notices] == ["Feed health: 2 new problems", "Feed health: 1 new problem"]
    assert [line.split()[0] for row in notices for line in lines_of(row.message)] == ["a", "b", "c"]


# -- one feed stores so much on one day, and the rest the next; the operator is told once a day


FLOOD = Feed(url="https://flood.example/rss", name="Flood")
CALM = Feed(url="https://calm.example/rss", name="Calm")


def items(count: int, *, start: int = 0, text: str = "") -> list[Item]:
    return [
        Item(id=f"i{n}", link=f"https://flood.example/{n}", title=f"BlackBerry, matter {n}", text=text)
        for n in range(start, start + count)
    ]


@pytest.fixture
def limited_room(store: storage.Store) -> Newsroom:
    return Newsroom(store, [FLOOD, CALM], bot_keys={"fetch": FetchPolicy(max_items_per_day=10)})


async def test_items_over_the_limit_are_stored_the_next_day(limited_room: Newsroom) -> None:
    first, calm = await limited_room.together({FLOOD.url: items(25), CALM.url: items(1, start=90)})
    assert (first.new_count, calm.new_count) == (10, 1)
    assert first.state.today.postponed == 15
    assert [event.kind for event in first.health] == ["flood"]
    assert "more items than fetch.max_items_per_day; 15 wait until tomorrow" in first.health[0].text
    repeated = await limited_room.poll(FLOOD, *items(25))
    assert (repeated.new_count, repeated.health) == (0, ()), "one notice a day"
    assert repeated.state.remarks == (
        "15 items were left for tomorrow: at most 10 a day are stored (fetch.max_items_per_day)",
    )
    limited_room.now += DAY
    second = await limited_room.poll(FLOOD, *items(25))
    assert [arrival.article.title for arrival in second.arrivals] == [item.title for item in items(10, start=10)]
    assert [event.kind for event in second.health] == ["flood"]
    limited_room.now += DAY
    last = await limited_room.poll(FLOOD, *items(25))
    assert (last.new_count, last.state.today.postponed) == (5, 0)
    assert not [remark for remark in last.state.remarks if "tomorrow" in remark]


async def test_an_edit_over_the_limit_waits_and_its_article_stays_known(limited_room: Newsroom) -> None:
    await limited_room.poll(FLOOD, *items(10, text="It was so."))
    edited = items(10, text="It was otherwise.")
    result = await limited_room.poll(FLOOD, *edited)
    assert (result.revisions, result.new_count, result.state.today.postponed) == ((), 0, 10)
    limited_room.now += DAY
    assert len((await limited_room.poll(FLOOD, *edited)).revisions) == 10


async def test_a_long_item_counts_as_several_and_one_always_fits(limited_room: Newsroom) -> None:
    long = [dataclasses.replace(item, text="word " * 20_000) for item in items(3)]
    assert (await limited_room.poll(FLOOD, *long)).new_count == 2
    longest = [dataclasses.replace(item, text="word " * 40_000) for item in items(2, start=50)]
    limited_room.now += DAY
    assert (await limited_room.poll(FLOOD, *longest)).new_count == 1
