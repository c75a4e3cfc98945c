"""The articles whose own pages a poll reads, and the memory that polls hold: released, however their pass ends."""

from __future__ import annotations

import asyncio
import gc
from datetime import timedelta

import pytest

from bot import rules, storage
from bot.fetch import parsing
from bot.fetch.slots import SMALL_BYTES, MemoryRoom
from bot.model.errors import StoreUnavailable
from bot.model.feeds import Feed, FeedState, FullText
from bot.model.fetching import PageText, Request, Response
from bot.model.rules import Rule
from bot.model.settings import FetchPolicy
from bot.pipeline import poll
from bot.pipeline.decide import Decider
from bot.pipeline.passes import Pipeline
from bot.pipeline.poll import Poll, Poller
from tests.feeds.documents import URL, item, read, rss
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made_settings import make_settings

RULE = rules.compile_rule(Rule(name="Ship lost", notify=("desk",), query="ship AND lost"))
DOCUMENTS = parsing.make_reader(FetchPolicy(readers=0))


class OneAnswer:
    """A server that has this document, which it says is large."""

    def __init__(self, *items: str) -> None:
        self._body = rss(*items).encode()

    async def get(self, request: Request) -> Response:
        if request.hold:
            await request.hold(SMALL_BYTES + 1)
        return Response(status=200, url=request.url, body=self._body, content_type="")

    async def close(self) -> None:
        """Nothing is open."""


class Pages:
    def __init__(self, seconds: float = 0) -> None:
        self.asked: list[str] = []
        self._seconds = seconds

    async def text_of(self, url: str, feed: Feed) -> PageText | None:
        await asyncio.sleep(self._seconds)
        self.asked.append(url)
        return PageText(text=f"All of {url}")


async def read_pages(store: storage.Store, full_text: FullText, *items: str, seconds: float = 0) -> list[str]:
    """Return the ends of the links whose pages a poll reads."""
    pages = Pages(seconds)
    poller = Poller(fetcher=OneAnswer(*items), documents=DOCUMENTS, pages=pages, store=store, clock=FakeClock())
    settings = make_settings(feeds=[Feed(url=URL, full_text=full_text)], rules=[RULE])
    polled = await poller.poll(FeedState(url=URL, due_at=START), settings)
    assert polled.error is None
    assert list(polled.pages) == pages.asked
    return [link.rpartition("/")[2] for link in pages.asked]


@pytest.mark.parametrize(
    ("full_text", "asked"),
    [(FullText.NEVER, []), (FullText.WHEN_NEEDED, ["2", "3"]), (FullText.ALWAYS, ["1", "2", "3", "4"])],
)
async def test_a_page_is_read_where_the_teaser_is_cut_or_a_rule_has_part_of_what_it_needs(
    store: storage.Store, full_text: FullText, asked: list[str]
) -> None:
    bodies = ("A ferry is late.", "A ferry is late and […]", "A ship is late.", "A ship is lost.")
    items = [item(number, body=body) for number, body in enumerate(bodies, start=1)]
    assert await read_pages(store, full_text, *items) == asked


async def test_a_feed_of_very_many_pages_holds_its_poll_for_a_bounded_time(
    store: storage.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll, "PAGES_WITHIN", timedelta(seconds=0.2))
    pages = await read_pages(store, FullText.ALWAYS, *map(item, range(40)), seconds=0.02)
    assert 1 <= len(pages) <= 10


def make_pipeline(store: storage.Store, clock: FakeClock, room: MemoryRoom) -> Pipeline:
    poller = Poller(fetcher=OneAnswer(item(1)), documents=DOCUMENTS, pages=Pages(), store=store, clock=clock)
    decider = Decider(store=store, clock=clock)
    return Pipeline(store=store, clock=clock, poller=poller, decider=decider, memory=room, concurrency=2)


@pytest.mark.parametrize("is_away", [False, True])
async def test_no_memory_is_held_after_a_pass(
    store: storage.Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, is_away: bool
) -> None:
    async def refuse(work: object) -> None:
        raise StoreUnavailable("away")

    feeds = {f"{URL}{number}": Feed(url=f"{URL}{number}") for number in range(5)}
    await store.write(lambda tx: tx.feeds.sync(feeds, now=clock.now()))
    states = await store.read(lambda tx: tx.feeds.all())
    room, settings = MemoryRoom(), make_settings(feeds=feeds.values())
    passes = make_pipeline(store, clock, room)
    if is_away:
        monkeypatch.setattr(store, "write", refuse)
        with pytest.raises(StoreUnavailable):
            await passes.run("token", states, settings)
    else:
        await passes.run("token", states, settings)
    async with asyncio.timeout(5):
        for _ in range(4):
            await room.share().hold(SMALL_BYTES + 1)


async def test_a_pass_that_does_not_decide_leaves_its_matches_to_any_process(
    store: storage.Store, clock: FakeClock
) -> None:
    rule = rules.compile_rule(Rule(name="Orders", notify=("desk",), query="order"))
    settings = make_settings(feeds=[Feed(url=URL)], rules=[rule])
    await store.write(lambda tx: tx.feeds.sync([URL], now=clock.now()))
    passes = make_pipeline(store, clock, MemoryRoom())
    token, states = await passes.claim(limit=1)
    assert (await passes.run(token, states, settings, decides=False)).decisions == []
    assert (await Decider(store=store, clock=clock).decide_batch(settings)).decided_count == 1


def test_a_poll_is_freed_at_once_without_a_garbage_collection() -> None:
    polled = Poll(feed=Feed(url=URL), state=FeedState(url=URL, due_at=START), reading=read(rss(item(1), item(2))))
    gc.collect()
    assert len(polled.items) == 2
    del polled
    assert gc.collect() == 0
