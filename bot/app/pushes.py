"""Feeds that push - mailboxes (IMAP IDLE) and hubs (WebSub) - are polled as soon as there is something new."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import model, storage
from bot.app.wiring import Live
from bot.feeds import schedule, websub
from bot.model.runtime import STORE_PAUSE, TaskGroup
from bot.storage import keys

log = structlog.get_logger("wirewatch")

#: How often added and removed mailboxes are noticed.
_LOOK = timedelta(seconds=20)
#: How long after a failure IDLE is tried again; until then the mailbox is polled as any other feed.
_AFTER_FAILURE = timedelta(minutes=10)
#: Longer than one wait.
_LEASE = timedelta(minutes=6)
#: A poll that is under way may have looked before the mail came.
_TRIES, _BETWEEN_TRIES = 12, timedelta(seconds=5)


class Mailboxes:
    """Waits for new mail in each mailbox among the feeds."""

    def __init__(
        self,
        store: storage.Store,
        clock: model.Clock,
        fetcher: model.Fetcher,
        *,
        live: Live,
        is_alone: bool,
    ) -> None:
        self._store = store
        self._clock = clock
        self._bell = fetcher if isinstance(fetcher, model.PushClient) else None
        self._live = live
        self._is_alone = is_alone
        self._who = secrets.token_hex(8)

    async def run(self) -> None:
        """Until cancelled."""
        if self._bell is None:
            return
        waiting: dict[str, asyncio.Task[None]] = {}
        async with TaskGroup() as group:
            while True:
                wanted = {feed.url for feed in self._live.snapshot.feeds.values() if feed.kind == "imap"}
                for url in waiting.keys() - wanted:
                    waiting.pop(url).cancel()
                for url in wanted - waiting.keys():
                    waiting[url] = group.create_task(self._wait_at(url, self._bell))
                await self._clock.sleep(_LOOK)

    async def _wait_at(self, url: str, bell: model.PushClient) -> None:
        while feed := self._live.snapshot.feeds.get(url):
            try:
                if not await self._is_ours(url):
                    await self._clock.sleep(_LOOK)
                elif await bell.wait(model.Request(url=url, access=feed.access, options=feed.options)):
                    await self._make_due(url, feed)
            except model.StoreError:
                await self._clock.sleep(STORE_PAUSE)
            except model.FetchError as error:
                log.warning("no IMAP IDLE: the mailbox is polled", feed=url, error=str(error))
                await self._clock.sleep(_AFTER_FAILURE)

    async def _is_ours(self, url: str) -> bool:
        """Of processes that share a database one waits; two that start together may both, which does no harm."""
        now = self._clock.now()
        work = partial(keys.take_turn, what=f"waits at {url}", who=self._who, now=now, until=now + _LEASE)
        return self._is_alone or await self._store.write(work)

    async def _make_due(self, url: str, feed: model.Feed) -> None:
        """Have the mailbox polled as soon as it may be, after a poll that is under way. Raises StoreError."""
        for _ in range(_TRIES):
            if await self._store.write(partial(poll_for_news, feeds={url: feed}, urls=[url], now=self._clock.now())):
                return
            await self._clock.sleep(_BETWEEN_TRIES)


def poll_for_news(
    tx: storage.Transaction, *, feeds: Mapping[str, model.Feed], urls: Iterable[str], now: datetime
) -> Sequence[str]:
    """Make feeds due of which their servers reported news. Return those that need nothing more to be done."""
    settled = []
    for url in urls:
        state, feed = tx.feeds.get(url), feeds.get(url)
        at = schedule.plan_after_push(state, feed, now=now) if state and feed else None
        if state is None or feed is None or (at and tx.feeds.hurry(url, at=at, now=now)):
            settled.append(url)
    return settled


#: A feed is polled within this time of a hub's news; a hub that sends more often causes no more polls.
_LOOK_SUBSCRIBING = timedelta(seconds=2)
#: No other process asks the same hub for this long, which is longer than the client's timeout.
_LEASE_SUBSCRIBING = timedelta(minutes=5)
#: Hubs of one look, and how many of them are asked at a time.
_MOST, _AT_ONCE = 20, 5


class Hubs:
    """The hubs of all feeds that name one. Any number of processes may run one over a shared database."""

    def __init__(
        self,
        store: storage.Store,
        clock: model.Clock,
        fetcher: model.Fetcher,
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
                with contextlib.suppress(model.StoreError):
                    await work(public_url)
            await self._clock.sleep(_LOOK_SUBSCRIBING)

    async def poll_for_news(self) -> None:
        """Make the feeds due of which hubs sent news. Raises StoreError."""
        pushed, _due = await self._store.read(lambda tx: tx.subscriptions.waiting(now=self._clock.now()))
        if not pushed:
            return
        feeds, now = self._feeds(), self._clock.now()

        def can_be_settled(tx: storage.Transaction) -> bool:
            # News of a feed that fails or is slow waits until it does no more, and writes nothing meanwhile.
            states = [(tx.feeds.get(url), feeds.get(url)) for url in pushed]
            return any(
                not state or not feed or schedule.plan_after_push(state, feed, now=now) for state, feed in states
            )

        def settle(tx: storage.Transaction) -> None:
            for url in poll_for_news(tx, feeds=feeds, urls=pushed, now=now):
                tx.subscriptions.push(url, at=None)

        if await self._store.read(can_be_settled):
            await self._store.write(settle)

    async def ask_due(self, public_url: str) -> None:
        """Ask each hub whose time has come. Raises StoreError."""
        now = self._clock.now()
        if not (await self._store.read(lambda tx: tx.subscriptions.waiting(now=now)))[1]:
            return
        claimed = await self._store.write(
            lambda tx: tx.subscriptions.claim_due(now=now, limit=_MOST, lease=_LEASE_SUBSCRIBING)
        )
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
            after = websub.after_request(subscription, error, now=self._clock.now())
        if after.error:
            log.warning("the feed is only polled: its hub", feed=after.feed, hub=after.hub, error=after.error)
        return after

    async def _post(self, subscription: model.Subscription, public_url: str) -> str | None:
        """None: the hub took it."""
        form = websub.subscribe_form(subscription, public_url)
        try:
            asked = model.Request(url=subscription.hub, accept="*/*", form=form, home=subscription.feed)
            answer = await self._fetcher.get(asked)
        except model.FetchError as error:
            return str(error)
        return None if 200 <= answer.status < 300 else f"the hub answered {answer.status}"
