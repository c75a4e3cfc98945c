"""The memory that a pass holds is released, however the pass ends."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest

from bot import storage
from bot.fetch import parsing, slots
from bot.model.errors import StoreUnavailable
from bot.model.feeds import Feed, FeedState
from bot.model.settings import FetchPolicy
from bot.pipeline.decide import Decider
from bot.pipeline.passes import Pipeline
from bot.pipeline.poll import Poll, Poller
from tests.feeds.documents import URL, item, read, rss
from tests.pipeline.test_full_text import OneAnswer, Pages
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made_settings import make_settings


class Counted(slots.MemoryRoom):
    """A room whose open shares are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = 0
        self.held: set[slots.Share] = set()

    def share(self) -> slots.Share:
        self.opened += 1
        share = _Share(self.held)
        self.held.add(share)
        return share


class _Share(slots.Share):
    def __init__(self, held: set[slots.Share]) -> None:
        super().__init__(asyncio.Semaphore())
        self._held = held

    def close(self) -> None:
        self._held.discard(self)


class Away:
    """A store that can be read and not written."""

    def __init__(self, store: storage.Store) -> None:
        self._store = store

    async def read(self, work: Callable[[storage.Transaction], Any]) -> Any:
        return await self._store.read(work)

    async def write(self, work: Callable[[storage.Transaction], Any]) -> Any:
        raise StoreUnavailable("away")


@pytest.mark.parametrize("is_away", [False, True])
async def test_nothing_is_held_after_a_pass(store: storage.Store, is_away: bool) -> None:
    made: Any = Away(store) if is_away else store
    clock, pages, room = FakeClock(), Pages(), Counted()
    passes = Pipeline(
        store=made,
        clock=clock,
        poller=Poller(
            fetcher=OneAnswer(rss(item(1))),
            documents=parsing.make_reader(FetchPolicy(readers=0)),
            pages=pages,
            store=made,
            clock=clock,
        ),
        decider=Decider(store=made, clock=clock),
        memory=room,
        concurrency=2,
    )
    feeds = {f"{URL}{number}": Feed(url=f"{URL}{number}") for number in range(5)}
    await store.write(lambda tx: tx.feeds.sync(feeds, now=clock.now()))
    states = await store.read(lambda tx: tx.feeds.all())
    settings = make_settings(feeds=feeds.values(), fetch=FetchPolicy(readers=0))
    if is_away:
        with pytest.raises(StoreUnavailable):
            await passes.run("token", states, settings)
    else:
        await passes.run("token", states, settings)
    assert room.opened
    assert not room.held


def test_a_poll_is_freed_at_once_without_a_garbage_collection() -> None:
    state = FeedState(url=URL, due_at=START)
    polled = Poll(feed=Feed(url=URL), state=state, reading=read(rss(item(1), item(2))))
    prepared = polled.prepared
    assert len(prepared.prepared.items) == 2
    count = _count_polls()
    gc.disable()
    try:
        del polled, prepared
        assert count - _count_polls() == 2
    finally:
        gc.enable()


def _count_polls() -> int:
    return sum(isinstance(value, Poll) for value in gc.get_objects())
