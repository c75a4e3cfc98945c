"""One pass: claim due feeds, poll them side by side, take in what they bring, and decide about it.

claim due feeds ──▶ poll (concurrent) ──▶ batch ──▶ poll: identity, matches (computed over a read), then stored:
                                                      articles, matches, feed state, what waits
                                          ──▶ deciding: stories, decisions, outbox rows, turn by turn
then, when all are in: release what was held

Where several processes share a database, a batch ends with what waits, and one of them decides.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from bot import model, ports
from bot.pipeline import reports
from bot.pipeline.deciding import Deciding
from bot.pipeline.poll import OUR_BUG, Documents, Polled, Poller
from bot.pipeline.reports import FeedReport, PassReport
from bot.pipeline.snapshot import Snapshot
from bot.pipeline.storing import Storing
from bot.ports.tasks import TaskGroup

log = structlog.get_logger("wirewatch")

#: Feeds taken in together: a commit costs 1.6 to 15 ms, so they share it.
BATCH = 100
#: Outlets that report at the same moment give one message, not a message and its edits.
GATHER = timedelta(seconds=0.25)
#: How long a claimed feed stays ours; a poll is bounded by ``fetch.timeout``.
LEASE = timedelta(seconds=60)
#: Leases of feeds that are still under way are renewed this often.
RENEW = LEASE / 3


class EndsAt(StrEnum):
    """How far a pass takes what matched."""

    #: Decided as soon as it is stored.
    DECIDING = "deciding"
    #: Left for the next turn, in whatever process.
    QUEUE = "tray"


@dataclass(frozen=True, slots=True)
class _Batch:
    """Polls that are taken in together."""

    token: str
    polls: Sequence[Polled]
    snapshot: Snapshot
    ends_at: EndsAt


#: Told how many of a pass's feeds are done, batch by batch.
OnIngested = Callable[[int], None]
#: Told of each feed as it is taken in: progress, metrics.
OnFeed = Callable[[FeedReport], None]


class Pipeline:
    """Holds no configuration: each pass is given the snapshot of its moment."""

    def __init__(
        self,
        *,
        store: ports.Store,
        fetcher: ports.Fetcher,
        documents: Documents,
        pages: ports.PageReader,
        links: ports.LinkResolver,
        clock: ports.Clock,
        concurrency: int,
        room: ports.Room,
        deciding: Deciding,
        on_feed: OnFeed = lambda report: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._poller = Poller(fetcher=fetcher, documents=documents, pages=pages, links=links, store=store, clock=clock)
        self._concurrency = concurrency
        self._room = room
        self._slots = asyncio.Semaphore(concurrency)
        #: What is computed beside the database holds until it is written: one intake at a time.
        self._taking_in = asyncio.Lock()
        self._storing = Storing(store)
        self._deciding = deciding
        self._on_feed = on_feed

    async def claim(
        self, *, limit: int, everything: bool = False, token: str | None = None
    ) -> tuple[str, Sequence[model.FeedState]]:
        """Lease due feeds: the lease's token, a new one where None is given, and their states, most overdue first."""
        token = token or secrets.token_hex(8)
        now = self._clock.now()
        states = await self._store.write(
            lambda tx: tx.feeds.claim_due(now=now, limit=limit, token=token, lease=LEASE, everything=everything)
        )
        return token, states

    async def let_go(self, token: str) -> None:
        """End the leases of ``token``: its feeds are due again. Raises StoreUnavailable."""
        now = self._clock.now()
        await self._store.write(lambda tx: tx.feeds.renew(token, until=now))

    async def run(
        self,
        token: str,
        states: Sequence[model.FeedState],
        snapshot: Snapshot,
        *,
        ends_at: EndsAt = EndsAt.DECIDING,
        on_taken: OnIngested = lambda count: None,
    ) -> PassReport:
        """Poll claimed feeds and take in what they bring. Raises StoreUnavailable."""
        report = PassReport()
        # Bounded, since feeds are read faster than they are taken in: 10,000 first polls would wait in 300 MB.
        polls: asyncio.Queue[Polled] = asyncio.Queue(BATCH)
        # Each is let go of as it is polled: a state is some kilobytes, and so is a task.
        waiting = deque(state for state in states if state.url in snapshot.feeds)
        del states
        left = len(waiting)
        shares: set[ports.Share] = set()
        with _closing(shares):
            async with TaskGroup() as group:
                for _ in range(min(left, self._concurrency)):
                    group.create_task(self._poll_waiting(waiting, snapshot, polls, shares))
                renewed_at = self._clock.now()
                while left:
                    batch = await _gathered(polls, most=min(left, BATCH))
                    if batch:
                        await self._take_in(_Batch(token, batch, snapshot, ends_at), report)
                        left -= len(batch)
                        on_taken(len(batch))
                        for share in {polled.share for polled in batch if polled.share}:
                            share.close()
                            shares.discard(share)
                        # Not while the next one is waited for.
                        del batch
                    if self._clock.now() - renewed_at >= RENEW:
                        renewed_at = self._clock.now()
                        await self._renew(token, renewed_at)
        if ends_at is EndsAt.DECIDING:
            await self.release(snapshot, report)
        return report

    async def release(self, snapshot: Snapshot, report: PassReport | None = None) -> Sequence[model.Decision]:
        """Decide about what a process before us left undecided, and about alerts whose hold has run out."""
        made = [*await self._deciding.work_off(snapshot), *(await self._deciding.decide_batch(snapshot)).decisions]
        if report:
            report.decisions.extend(made)
        return made

    async def _renew(self, token: str, now: datetime) -> None:
        await self._store.write(lambda tx: tx.feeds.renew(token, until=now + LEASE))

    async def _poll_waiting(
        self,
        waiting: deque[model.FeedState],
        snapshot: Snapshot,
        polls: asyncio.Queue[Polled],
        shares: set[ports.Share],
    ) -> None:
        while waiting:
            # Passes that run side by side share the slots.
            async with self._slots:
                if waiting:
                    shares.add(share := self._room.share())
                    await polls.put(await self._poller.poll(waiting.popleft(), snapshot, share))

    async def _take_in(self, one: _Batch, report: PassReport) -> None:
        """Store what a batch of polls brought, and decide about it."""
        now = self._clock.now()
        try:
            async with self._taking_in:
                ingested = await self._storing.store(one.polls, one.snapshot, token=one.token, now=now)
        except ports.StoreError:
            raise
        except Exception:
            # Our bug on one feed must not stop the others, nor be met again for ever: find it, and go on.
            log.critical(
                "a feed raised an unexpected error", feeds=[polled.state.url for polled in one.polls], exc_info=True
            )
            await self._take_in_apart(one, report)
            return
        for poll in ingested:
            told = reports.report_of(poll, now)
            report.feeds.append(told)
            self._on_feed(told)
            reports.log_poll(poll, told)
        if one.ends_at is EndsAt.DECIDING and any(poll.arrivals or poll.revisions for poll in ingested):
            report.decisions.extend(await self._deciding.work_off(one.snapshot))

    async def _take_in_apart(self, one: _Batch, report: PassReport) -> None:
        """Each feed of a broken batch by itself; the one that breaks alone has failed, and is asked later again."""
        for polled in one.polls:
            if len(one.polls) > 1:
                await self._take_in(replace(one, polls=[polled]), report)
            elif polled.error is None:
                failed = replace(polled, reading=None, look_up=None, error=OUR_BUG)
                await self._take_in(replace(one, polls=[failed]), report)
            else:
                raise RuntimeError(f"taking in a failure of {polled.state.url}")


@contextmanager
def _closing(shares: set[ports.Share]) -> Iterator[None]:
    """Whatever ends a pass, nothing of the memory stays taken."""
    try:
        yield
    finally:
        for share in shares:
            share.close()


async def _gathered(polls: asyncio.Queue[Polled], *, most: int) -> list[Polled]:
    """The next batch: what comes within ``GATHER`` of its first poll shares its transaction and its decisions.

    Empty: nothing came for as long as leases may go unrenewed.
    """
    batch: list[Polled] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(RENEW.total_seconds()):
            batch.append(await polls.get())
        async with asyncio.timeout(GATHER.total_seconds()):
            while len(batch) < most:
                batch.append(await polls.get())
    return batch
