"""Subscribes to the hubs that feeds name, renews in time, and polls the feeds of which a hub sends news.

What is asked of a hub and when is decided by ``polling.websub``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog

from bot import model, polling, ports
from bot.app.pushes import poll_for_news
from bot.polling import websub
from bot.ports.tasks import TaskGroup

log = structlog.get_logger("wirewatch")

#: A feed is polled within this time of a hub's news; a hub that sends more often causes no more polls.
_LOOK = timedelta(seconds=2)
#: No other process asks the same hub for this long, which is longer than the client's timeout.
_LEASE = timedelta(minutes=5)
#: Hubs of one look, and how many of them are asked at a time.
_MOST, _AT_ONCE = 20, 5


class Hubs:
    """The hubs of all feeds that name one. Any number of processes may run one over a shared database."""

    def __init__(
        self,
        store: ports.Store,
        clock: ports.Clock,
        fetcher: ports.Fetcher,
        *,
        public_url: Callable[[], str | None],
        feeds: Callable[[], Mapping[str, model.Feed]],
    ) -> None:
        self._feeds = feeds
        self._store = store
        self._clock = clock
        self._fetcher = fetcher
        self._public_url = public_url

    async def run(self) -> None:
        """Until cancelled. Hubs that are slow to answer do not delay the polls for news."""
        async with TaskGroup() as group:
            group.create_task(self._again(lambda _: self.poll_for_news()))
            group.create_task(self._again(self.ask_due))

    async def _again(self, work: Callable[[str], Awaitable[None]]) -> None:
        while True:
            # Without an address hubs are not asked, and what they send is refused: there is nothing to read.
            if public_url := self._public_url():
                with contextlib.suppress(ports.StoreError):
                    await work(public_url)
            await self._clock.sleep(_LOOK)

    async def poll_for_news(self) -> None:
        """Make the feeds due of which hubs sent news. Raises StoreError."""
        pushed, _due = await self._store.read(lambda tx: tx.subscriptions.waiting(now=self._clock.now()))
        if not pushed:
            return
        feeds, now = self._feeds(), self._clock.now()

        def can_be_settled(tx: ports.Transaction) -> bool:
            # News of a feed that fails or is slow waits until it does no more, and writes nothing meanwhile.
            states = [(tx.feeds.get(url), feeds.get(url)) for url in pushed]
            return any(not state or not feed or polling.pushed(state, feed, now=now) for state, feed in states)

        def settle(tx: ports.Transaction) -> None:
            for url in poll_for_news(tx, feeds=feeds, urls=pushed, now=now):
                tx.subscriptions.push(url, at=None)

        if await self._store.read(can_be_settled):
            await self._store.write(settle)

    async def ask_due(self, public_url: str) -> None:
        """Ask each hub whose time has come. Raises StoreError."""
        now = self._clock.now()
        if not (await self._store.read(lambda tx: tx.subscriptions.waiting(now=now)))[1]:
            return
        claimed = await self._store.write(lambda tx: tx.subscriptions.claim_due(now=now, limit=_MOST, lease=_LEASE))
        slots = asyncio.Semaphore(_AT_ONCE)

        async def ask(subscription: model.Subscription) -> None:
            async with slots:
                await self._ask(subscription, public_url)

        async with TaskGroup() as group:
            for subscription in claimed:
                group.create_task(ask(subscription))

    async def _ask(self, subscription: model.Subscription, public_url: str) -> None:
        after = await self._asked(subscription, public_url)
        await self._store.write(lambda tx: tx.subscriptions.save(after, asked=subscription))

    async def _asked(self, subscription: model.Subscription, public_url: str) -> model.Subscription:
        if websub.has_expired(subscription, now=self._clock.now()):
            after = websub.after_silence(subscription, now=self._clock.now())
        else:
            error = await self._post(subscription, public_url)
            after = websub.after_ask(subscription, error, now=self._clock.now())
        if after.error:
            log.warning("the feed is only polled: its hub", feed=after.feed, hub=after.hub, error=after.error)
        return after

    async def _post(self, subscription: model.Subscription, public_url: str) -> str | None:
        """None: the hub took it."""
        form = websub.form(subscription, public_url)
        try:
            asked = ports.Request(url=subscription.hub, accept="*/*", form=form, home=subscription.feed)
            answer = await self._fetcher.get(asked)
        except ports.FetchError as error:
            return str(error)
        return None if 200 <= answer.status < 300 else f"the hub answered {answer.status}"
