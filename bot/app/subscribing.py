"""Subscribes to the hubs that feeds name, renews in time, and polls the feeds of which a hub sends news.

What is asked of a hub and when is decided by ``polling.websub``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta

import structlog

from bot import model, ports
from bot.polling import websub

log = structlog.get_logger("wirewatch")

#: A feed is polled within this time of a hub's news; a hub that sends more often causes no more polls.
_LOOK = timedelta(seconds=2)
#: No other process asks the same hub for this long, which is longer than the client's timeout.
_LEASE = timedelta(minutes=5)
#: Hubs of one look.
_AT_ONCE = 20


class Hubs:
    """The hubs of all feeds that name one. Any number of processes may run one over a shared database."""

    def __init__(
        self,
        store: ports.Store,
        clock: ports.Clock,
        fetcher: ports.Fetcher,
        *,
        public_url: Callable[[], str | None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._fetcher = fetcher
        self._public_url = public_url

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            # Without an address hubs are not asked, and what they send is refused: there is nothing to read.
            if public_url := self._public_url():
                with contextlib.suppress(ports.StoreError):
                    await self._look(public_url)
            await self._clock.sleep(_LOOK)

    async def _look(self, public_url: str) -> None:
        pushed, due = await self._store.read(lambda tx: tx.subscriptions.waiting(now=self._clock.now()))
        if pushed:
            await self._store.write(self._make_due)
        if due:
            await self.ask_due(public_url)

    async def ask_due(self, public_url: str) -> None:
        """Ask each hub whose time has come. Raises StoreUnavailable."""
        now = self._clock.now()
        claimed = await self._store.write(lambda tx: tx.subscriptions.claim_due(now=now, limit=_AT_ONCE, lease=_LEASE))
        for subscription in claimed:
            await self._ask(subscription, public_url)

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
            answer = await self._fetcher.get(ports.Request(url=subscription.hub, accept="*/*", form=form))
        except ports.FetchError as error:
            return str(error)
        return None if 200 <= answer.status < 300 else f"the hub answered {answer.status}"

    def _make_due(self, tx: ports.Transaction) -> None:
        for feed in tx.subscriptions.waiting(now=self._clock.now())[0]:
            # A poll that is under way may have looked before the news came: then once more after it.
            if tx.feeds.hurry(feed, now=self._clock.now()):
                tx.subscriptions.push(feed, at=None)
