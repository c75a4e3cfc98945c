"""Has a mailbox polled at once when its server reports new mail over a connection that is held open (IMAP IDLE).

Of several processes that share a database, one holds the connection to a mailbox.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import model, polling, ports
from bot.app.live import Live
from bot.ports import keys
from bot.ports.tasks import STORE_PAUSE, TaskGroup

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
        store: ports.Store,
        clock: ports.Clock,
        fetcher: ports.Fetcher,
        *,
        live: Live,
        is_alone: bool,
    ) -> None:
        self._store = store
        self._clock = clock
        self._bell = fetcher if isinstance(fetcher, ports.Bell) else None
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

    async def _wait_at(self, url: str, bell: ports.Bell) -> None:
        while feed := self._live.snapshot.feeds.get(url):
            try:
                if not await self._is_ours(url):
                    await self._clock.sleep(_LOOK)
                elif await bell.wait(ports.Request(url=url, access=feed.access, options=feed.options)):
                    await self._make_due(url, feed)
            except ports.StoreError:
                await self._clock.sleep(STORE_PAUSE)
            except ports.FetchError as error:
                log.warning("no IMAP IDLE: the mailbox is polled", feed=url, error=str(error))
                await self._clock.sleep(_AFTER_FAILURE)

    async def _is_ours(self, url: str) -> bool:
        """Of processes that share a database one waits; two that start together may both, which does no harm."""
        now = self._clock.now()
        work = partial(keys.is_turn, what=f"waits at {url}", who=self._who, now=now, until=now + _LEASE)
        return self._is_alone or await self._store.write(work)

    async def _make_due(self, url: str, feed: model.Feed) -> None:
        """Have the mailbox polled as soon as it may be, after a poll that is under way. Raises StoreError."""
        for _ in range(_TRIES):
            if await self._store.write(partial(poll_for_news, feeds={url: feed}, urls=[url], now=self._clock.now())):
                return
            await self._clock.sleep(_BETWEEN_TRIES)


def poll_for_news(
    tx: ports.Transaction, *, feeds: Mapping[str, model.Feed], urls: Iterable[str], now: datetime
) -> Sequence[str]:
    """Make feeds due of which their servers reported news. Return those that need nothing more to be done."""
    settled = []
    for url in urls:
        state, feed = tx.feeds.get(url), feeds.get(url)
        at = polling.pushed(state, feed, now=now) if state and feed else None
        if state is None or feed is None or (at and tx.feeds.hurry(url, at=at, now=now)):
            settled.append(url)
    return settled
