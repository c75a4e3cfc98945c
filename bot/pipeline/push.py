"""Poll a feed as soon as its mailbox (IMAP IDLE) or its hub (WebSub) reports news."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import storage
from bot.aio import STORE_PAUSE, TaskGroup
from bot.config.settings import Settings
from bot.feeds import polling, websub
from bot.model.durations import Clock
from bot.model.errors import FetchError, StoreError
from bot.model.feeds import Feed, Subscription
from bot.model.fetching import Fetcher, PushClient, Request
from bot.storage import keys

log = structlog.get_logger("wirewatch")

#: Interval between searches for added and removed mailboxes.
_LOOK = timedelta(seconds=20)
#: Pause of IDLE after a failure. During the pause, the mailbox is only polled, like any feed.
_AFTER_FAILURE = timedelta(minutes=10)
#: How long one process leases a mailbox; longer than one IDLE command lasts.
_LEASE = timedelta(minutes=6)
#: Attempts to make a mailbox due, and the pause between them. An attempt fails while the mailbox is being polled; that
#: poll may have started before the mail arrived.
_TRIES, _BETWEEN_TRIES = 12, timedelta(seconds=5)


@dataclass(slots=True)
class MailboxWaiter:
    """Waits for new mail in each mailbox that is a feed, and makes the feed due."""

    store: storage.Store
    clock: Clock
    fetcher: Fetcher
    #: Returns the current configuration, which a reload replaces.
    settings: Callable[[], Settings]
    who: str = field(default_factory=partial(secrets.token_hex, 8))

    async def run(self) -> None:
        """Run until cancelled."""
        if not isinstance(self.fetcher, PushClient):
            return
        waiting: dict[str, asyncio.Task[None]] = {}
        async with TaskGroup() as group:
            while True:
                mailboxes = {feed.url for feed in self.settings().feeds_by_address.values() if feed.kind == "imap"}
                for url in waiting.keys() - mailboxes:
                    waiting.pop(url).cancel()
                for url in mailboxes - waiting.keys():
                    waiting[url] = group.create_task(self._wait_at(url, self.fetcher))
                await self.clock.sleep(_LOOK)

    async def _wait_at(self, url: str, bell: PushClient) -> None:
        while feed := self.settings().feeds_by_address.get(url):
            now = self.clock.now()
            # One process per database waits for the mailbox; two do no harm.
            lease = partial(keys.take_turn, what=f"waits at {url}", who=self.who, now=now, until=now + _LEASE)
            try:
                if not self.store.address.is_sqlite and not await self.store.write(lease):
                    await self.clock.sleep(_LOOK)
                elif await bell.wait(Request(url=url, access=feed.access, options=feed.options)):
                    await self._make_due(url, feed)
            except StoreError:
                await self.clock.sleep(STORE_PAUSE)
            except FetchError as error:
                log.warning("IMAP IDLE failed; the mailbox is only polled", feed=url, error=str(error))
                await self.clock.sleep(_AFTER_FAILURE)

    async def _make_due(self, url: str, feed: Feed) -> None:
        """Make the mailbox due, if necessary after a running poll. Raises StoreError."""
        for _ in range(_TRIES):
            if await self.store.write(partial(poll_for_news, feeds={url: feed}, urls=[url], now=self.clock.now())):
                return
            await self.clock.sleep(_BETWEEN_TRIES)


def poll_for_news(
    tx: storage.Transaction, *, feeds: Mapping[str, Feed], urls: Iterable[str], now: datetime
) -> Sequence[str]:
    """Make the feeds at ``urls`` due. Return those that are due or not configured; the caller retries the others."""
    settled = []
    for url in urls:
        state, feed = tx.feeds.get(url), feeds.get(url)
        at = polling.plan_after_push(state, feed, now=now) if state and feed else None
        if state is None or feed is None or (at and tx.feeds.hurry(url, at=at, now=now)):
            settled.append(url)
    return settled


#: How long one process leases a subscription; longer than the timeout of the HTTP client.
_HUB_LEASE = timedelta(minutes=5)
#: Maximum requests to hubs in one round, and maximum concurrent requests.
_MAX_HUBS, _CONCURRENT_HUBS = 20, 5


@dataclass(slots=True)
class Hubs:
    """Subscribes to feeds' hubs, and polls a feed when its hub reports news.

    Each method is a job, so that a hub that answers slowly does not delay the polls. Several processes may share a
    database. Hubs can only reach a bot with a public address.
    """

    store: storage.Store
    clock: Clock
    fetcher: Fetcher
    #: Returns the current configuration, which a reload replaces.
    settings: Callable[[], Settings]

    async def poll_for_news(self) -> None:
        """Schedule a poll of each feed whose hub reported news. Raises StoreError."""
        pushed, _due = await self.store.read(lambda tx: tx.subscriptions.waiting(now=self.clock.now()))
        if not pushed:
            return
        feeds, now = self.settings().feeds_by_address, self.clock.now()

        def can_be_settled(tx: storage.Transaction) -> bool:
            # Write nothing while the only feeds with news are failing or slow; their news waits until they recover.
            states = [(tx.feeds.get(url), feeds.get(url)) for url in pushed]
            return any(not state or not feed or polling.plan_after_push(state, feed, now=now) for state, feed in states)

        def settle(tx: storage.Transaction) -> None:
            for url in poll_for_news(tx, feeds=feeds, urls=pushed, now=now):
                tx.subscriptions.push(url, at=None)

        if await self.store.read(can_be_settled):
            await self.store.write(settle)

    async def ask_due(self) -> None:
        """Renew the subscriptions that are due. Raises StoreError."""
        public_url, now = self.settings().bot.public_url, self.clock.now()
        if not public_url or not (await self.store.read(lambda tx: tx.subscriptions.waiting(now=now)))[1]:
            return
        claimed = await self.store.write(
            lambda tx: tx.subscriptions.claim_due(now=now, limit=_MAX_HUBS, lease=_HUB_LEASE)
        )
        slots = asyncio.Semaphore(_CONCURRENT_HUBS)

        async def ask(subscription: Subscription) -> None:
            async with slots:
                await self._ask(subscription, public_url)

        async with TaskGroup() as group:
            for subscription in claimed:
                group.create_task(ask(subscription))

    async def _ask(self, subscription: Subscription, public_url: str) -> None:
        if websub.has_expired(subscription, now=self.clock.now()):
            renewed = websub.after_silence(subscription, now=self.clock.now())
        else:
            form = websub.subscribe_form(subscription, public_url)
            request = Request(url=subscription.hub, accept="*/*", form=form, home=subscription.feed)
            error = None
            try:
                status = (await self.fetcher.get(request)).status
                if not 200 <= status < 300:
                    error = f"the hub answered {status}"
            except FetchError as failure:
                error = str(failure)
            renewed = websub.after_request(subscription, error, now=self.clock.now())
        if renewed.error:
            log.warning(
                "hub subscription failed; the feed is only polled",
                feed=renewed.feed,
                hub=renewed.hub,
                error=renewed.error,
            )
        await self.store.write(lambda tx: tx.subscriptions.save(renewed, expected=subscription))
