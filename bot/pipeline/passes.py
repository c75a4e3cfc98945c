"""Run a pass: claim due feeds, poll them concurrently, store their articles, and decide about the matches.

claim due feeds ──▶ poll (concurrent) ──▶ batch ──▶ intake: identify and match in a read, then write articles,
                                                    matches, feed states and the decision queue
                                      ──▶ decide: stories, decisions, outbox rows, turn by turn
at the end of the pass: release held alerts that are due

If several processes share a database, a batch ends with the decision queue, and one of the processes decides.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
import structlog
from msgspec.structs import replace

from bot import storage
from bot.aio import Failure, TaskGroup, next_failure
from bot.config.settings import Settings
from bot.durations import Clock
from bot.fetch.slots import MemoryRoom, Share
from bot.model.alerts import Decision
from bot.model.errors import StoreError
from bot.model.feeds import FeedState
from bot.pipeline import quarantine
from bot.pipeline.decide import Decider
from bot.pipeline.intake import IngestedPoll, store_polls
from bot.pipeline.poll import OUR_BUG, Poll, Poller
from bot.pipeline.reports import FeedReport, Observer, PassReport

log = structlog.get_logger("wirewatch")


def log_poll(poll: IngestedPoll, report: FeedReport) -> None:
    """Log one line for a poll."""
    answer = poll.polled.answer
    fields = {
        "poll": poll.polled.id,
        "feed": report.url,
        "status": answer.status if answer else None,
        "new": report.new,
        "matched": report.matched,
    }
    if poll.polled.postponed_to is not None:
        log.debug("feed postponed", poll=poll.polled.id, feed=report.url, to=poll.polled.postponed_to)
    elif report.error:
        # Warn only when the feed begins to fail. If it continues to fail, the operator gets a notice.
        is_first = not poll.polled.state.failures or poll.state.gone
        (log.warning if is_first else log.info)("feed polled", **fields, error=report.error)
    else:
        log.info("feed polled", **fields)


#: Maximum number of polls in one intake. They share a commit, which takes 1.6 to 15 ms.
BATCH = 100
#: How long a batch waits for further polls, so that outlets that report at the same time cause one message, not edits.
GATHER = timedelta(seconds=0.25)
#: Duration of the lease of a claimed feed.
LEASE = timedelta(seconds=60)
#: Interval at which the leases of unfinished feeds are renewed.
RENEW = LEASE / 3
#: Interval between the feeds of a failed pass, so that each is polled in a separate pass.
APART = timedelta(seconds=1)


class _Pass(msgspec.Struct, frozen=True):
    """One pass over claimed feeds."""

    #: Token of the feeds' leases.
    token: str
    settings: Settings
    #: Whether to decide matches as soon as they are stored.
    decides: bool
    report: PassReport = msgspec.field(default_factory=PassReport)
    #: Memory of the polls that are not stored yet.
    shares: set[Share] = msgspec.field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """Runs passes. Each pass gets the current configuration as a settings."""

    store: storage.Store
    clock: Clock
    poller: Poller
    decider: Decider
    memory: MemoryRoom
    concurrency: int
    observer: Observer = field(default_factory=Observer)
    #: A failure of polling that no single feed causes, or None: every feed that changed lately met a bug of ours, or
    #: several passes in a row raised an unexpected error.
    failing: Failure | None = field(default=None, init=False)
    _failed_passes: int = field(default=0, init=False)
    #: The feeds that failed because of a bug of ours since the last changed feed that was stored.
    _failed_by_bug: set[str] = field(default_factory=set, init=False)
    _slots: asyncio.Semaphore = field(init=False)
    #: Allows one intake at a time, because data that is computed in a read must still be true when it is written.
    _taking_in: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.concurrency)

    async def claim(
        self, *, limit: int, everything: bool = False, token: str | None = None
    ) -> tuple[str, Sequence[FeedState]]:
        """Lease due feeds. Return the token of the leases and the feeds' states, most overdue first.

        If ``token`` is None, make a new token.
        """
        token = token or secrets.token_hex(8)
        now = self.clock.now()
        states = await self.store.write(
            lambda tx: tx.feeds.claim_due(now=now, limit=limit, token=token, lease=LEASE, everything=everything)
        )
        return token, states

    async def free_feeds(self, token: str) -> None:
        """End the leases of ``token``, so that its feeds can be polled again. Raises StoreUnavailable."""
        await self._renew(token, self.clock.now())

    async def postpone_feeds(self, token: str, *, wait: timedelta) -> None:
        """End the leases of a pass that failed, one after another, beginning after ``wait``. Raises StoreUnavailable.

        One feed may be at fault, so each gets a separate pass.
        """
        since = self.clock.now() + wait
        await self.store.write(lambda tx: tx.feeds.end_leases(token, since=since, apart=APART))

    async def run(
        self,
        token: str,
        states: Sequence[FeedState],
        settings: Settings,
        *,
        decides: bool = True,
        on_taken: Callable[[int], None] = lambda count: None,
    ) -> PassReport:
        """Poll claimed feeds, store the results, and decide about the matches.

        If ``decides`` is false, the matches stay in the queue, and any process may decide them. ``on_taken`` is called
        with the number of finished feeds of each batch.

        Raises StoreUnavailable, or any unexpected error that is not one feed's fault. It is logged here.
        """
        try:
            report = await self._run(_Pass(token, settings, decides), states, on_taken)
        except StoreError:
            raise
        except Exception as error:
            log.critical("a pass raised an unexpected error; its feeds are polled later", exc_info=True)
            self._failed_passes += 1
            if self._failed_passes > 1:
                cause: Exception = error
                while isinstance(cause, ExceptionGroup):
                    cause = cause.exceptions[0]
                self.failing = next_failure(self.failing, "intake", cause, now=self.clock.now())
            raise
        if self._failed_passes:
            self._failed_passes, self.failing = 0, None
        return report

    async def _run(self, current: _Pass, states: Sequence[FeedState], on_taken: Callable[[int], None]) -> PassReport:
        # Limit the queue, because polling is faster than intake and 10,000 waiting first polls would take 300 MB.
        polls: asyncio.Queue[Poll] = asyncio.Queue(BATCH)
        # Drop each state after its poll, and use few tasks, because a state or a task takes some kilobytes.
        waiting = deque(state for state in states if state.url in current.settings.feeds_by_address)
        del states
        remaining = len(waiting)
        try:
            async with TaskGroup() as group:
                for _ in range(min(remaining, self.concurrency)):
                    group.create_task(self._poll_waiting(current, waiting, polls))
                renewed_at = self.clock.now()
                while remaining:
                    batch = await _gathered(polls, most=min(remaining, BATCH))
                    if batch:
                        await self._take_in(current, batch)
                        remaining -= len(batch)
                        on_taken(len(batch))
                        for share in {polled.share for polled in batch if polled.share}:
                            share.close()
                            current.shares.discard(share)
                        # Free the batch before the wait for the next one.
                        del batch
                    if self.clock.now() - renewed_at >= RENEW:
                        renewed_at = self.clock.now()
                        await self._renew(current.token, renewed_at + LEASE)
        finally:
            # Release the memory of all polls, even if the pass fails.
            for share in current.shares:
                share.close()
        if current.decides:
            current.report.decisions.extend(await self.release(current.settings))
        return current.report

    async def release(self, settings: Settings) -> Sequence[Decision]:
        """Decide the work in the queue, and release held alerts that are due."""
        return [*await self.decider.work_off(settings), *(await self.decider.decide_batch(settings)).decisions]

    async def _renew(self, token: str, until: datetime) -> None:
        await self.store.write(lambda tx: tx.feeds.renew(token, until=until))

    async def _poll_waiting(self, current: _Pass, waiting: deque[FeedState], polls: asyncio.Queue[Poll]) -> None:
        while waiting:
            # Concurrent passes share the slots.
            async with self._slots:
                if waiting:
                    current.shares.add(share := self.memory.share())
                    await polls.put(await self.poller.poll(waiting.popleft(), current.settings, share))

    async def _take_in(self, current: _Pass, polls: Sequence[Poll]) -> None:
        """Store a batch of polls, and decide about its matches."""
        now = self.clock.now()

        async def store(polls: Sequence[Poll]) -> Sequence[IngestedPoll]:
            return await store_polls(self.store, polls, current.settings, token=current.token, now=now)

        async with self._taking_in:
            stored, failed = await quarantine.isolate(polls, store, lambda: store(()))
            for polled, error in failed:
                # No single item is at fault, so the feed fails, and is polled again like any failing feed.
                log.critical("a feed raised an unexpected error", feed=polled.state.url, exc_info=error)
                stored.append(await store([replace(polled, reading=None, cleaned=None, error=OUR_BUG)]))
        ingested = [poll for part in stored for poll in part]
        self._note_bugs(ingested, current.settings, now=now)
        for poll in ingested:
            feed = FeedReport(
                url=poll.state.url,
                error=poll.state.error,
                is_changed=poll.polled.reading is not None,
                new=poll.new_count,
                matched=len(poll.arrivals),
                lateness=max(now - poll.polled.state.due_at, timedelta()),
            )
            current.report.feeds.append(feed)
            self.observer.on_feed(feed)
            log_poll(poll, feed)
        if current.decides and any(poll.arrivals or poll.revisions for poll in ingested):
            current.report.decisions.extend(await self.decider.work_off(current.settings))

    def _note_bugs(self, ingested: Sequence[IngestedPoll], settings: Settings, *, now: datetime) -> None:
        """If all feeds that change fail because of a bug of ours, the fault is the stage's."""
        by_bug = {poll.state.url for poll in ingested if poll.state.error == OUR_BUG}
        if any(poll.polled.reading is not None and poll.state.url not in by_bug for poll in ingested):
            self.failing = None
            self._failed_by_bug = set()
            return
        self._failed_by_bug |= by_bug
        if by_bug and len(self._failed_by_bug) >= min(quarantine.ALIKE, len(settings.feeds)):
            self.failing = self.failing or Failure(name="intake", since=now, count=1, error="a bug")


async def _gathered(polls: asyncio.Queue[Poll], *, most: int) -> list[Poll]:
    """Return the next batch: the polls that finish within ``GATHER`` of the first one.

    Return an empty batch if no poll finishes before leases must be renewed.
    """
    batch: list[Poll] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(RENEW.total_seconds()):
            batch.append(await polls.get())
        async with asyncio.timeout(GATHER.total_seconds()):
            while len(batch) < most:
                batch.append(await polls.get())
    return batch
