"""One pass: claim due feeds, poll them side by side, take in what they bring, and decide about it.

claim due feeds ──▶ poll (concurrent) ──▶ batch ──▶ intake: identity, matches (computed over a read), then one
                                                      transaction: articles, matches, feed state, what waits
                                          ──▶ deciding: stories, decisions, outbox rows, turn by turn
then, when all are in: release what was held

Where several processes share a database, a batch ends with what waits, and one of them decides.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from bot import ledger, model, polling, ports
from bot.alerts import notices
from bot.pipeline import reports
from bot.pipeline.deciding import Deciding
from bot.pipeline.ingest import Intake, Taken, take
from bot.pipeline.poll import OUR_BUG, Documents, Polled, Poller
from bot.pipeline.reports import FeedReport, PassReport
from bot.pipeline.silence_monitor import note_matches
from bot.pipeline.snapshot import Snapshot

log = structlog.get_logger("wirewatch")

#: Feeds taken in by one transaction: a commit costs 1.6 to 15 ms, so they are shared.
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
    DESK = "desk"
    #: Left for the next turn, in whatever process.
    QUEUE = "tray"


@dataclass(frozen=True, slots=True)
class _Batch:
    """Polls that share a transaction."""

    token: str
    polls: Sequence[Polled]
    snapshot: Snapshot
    ends_at: EndsAt


#: Told how many of a pass's feeds are done, batch by batch.
OnTaken = Callable[[int], None]
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
        clock: ports.Clock,
        concurrency: int,
        deciding: Deciding,
        on_feed: OnFeed = lambda report: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._poller = Poller(fetcher=fetcher, documents=documents, pages=pages, store=store, clock=clock)
        self._concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        #: What is computed beside the database holds until it is written: one intake at a time.
        self._taking_in = asyncio.Lock()
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

    async def run(
        self,
        token: str,
        states: Sequence[model.FeedState],
        snapshot: Snapshot,
        *,
        ends_at: EndsAt = EndsAt.DESK,
        on_taken: OnTaken = lambda count: None,
    ) -> PassReport:
        """Poll claimed feeds and take in what they bring. Raises StoreUnavailable."""
        report = PassReport()
        # Bounded, since feeds are read faster than they are taken in: 10,000 first polls would wait in 300 MB.
        polls: asyncio.Queue[Polled] = asyncio.Queue(BATCH)
        # Each is let go of as it is polled: a state is some kilobytes, and so is a task.
        waiting = deque(state for state in states if state.url in snapshot.feeds)
        del states
        left = len(waiting)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(left, self._concurrency)):
                group.create_task(self._poll_waiting(waiting, snapshot, polls))
            renewed_at = self._clock.now()
            while left:
                batch = await _gathered(polls, most=min(left, BATCH))
                if batch:
                    await self._take_in(_Batch(token, batch, snapshot, ends_at), report)
                    left -= len(batch)
                    on_taken(len(batch))
                if self._clock.now() - renewed_at >= RENEW:
                    renewed_at = self._clock.now()
                    await self._renew(token, renewed_at)
        if ends_at is EndsAt.DESK:
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
        self, waiting: deque[model.FeedState], snapshot: Snapshot, polls: asyncio.Queue[Polled]
    ) -> None:
        while waiting:
            # Passes that run side by side share the slots.
            async with self._slots:
                if waiting:
                    await polls.put(await self._poller.poll(waiting.popleft(), snapshot))

    async def _take_in(self, one: _Batch, report: PassReport) -> None:
        """Store what a batch of polls brought, in one transaction, and decide about it."""
        now = self._clock.now()
        try:
            async with self._taking_in:
                intakes = await self._stored(one, now)
        except ports.StoreError:
            raise
        except Exception:
            # Our bug on one feed must not stop the others, nor be met again for ever: find it, and go on.
            log.critical(
                "a feed raised an unexpected error", feeds=[polled.state.url for polled in one.polls], exc_info=True
            )
            await self._take_in_apart(one, report)
            return
        for intake in intakes:
            told = reports.report_of(intake, now)
            report.feeds.append(told)
            self._on_feed(told)
            reports.log_poll(intake, told)
        if one.ends_at is EndsAt.DESK and any(intake.arrivals or intake.revisions for intake in intakes):
            report.decisions.extend(await self._deciding.work_off(one.snapshot))

    async def _stored(self, one: _Batch, now: datetime) -> Sequence[Intake]:
        snapshot = one.snapshot
        computed: list[Taken] = [await self._store.read(lambda tx: take(tx, one.polls, snapshot, now=now))]

        def work(tx: ports.Transaction) -> Sequence[Intake]:
            # A second try lost a race against another worker, which may have stored the same articles.
            taken = computed.pop() if computed else take(tx, one.polls, snapshot, now=now)
            if tx.articles.are_rivalled((*taken.new, *taken.old)):
                # Another did so since this was computed: which of the articles are one is looked at again.
                taken = take(tx, one.polls, snapshot, now=now)
            lost = set(tx.feeds.save([intake.state for intake in taken.intakes], token=one.token))
            taken.store(tx, now=now)
            kept = [intake for intake in taken.intakes if intake.state.url not in lost]
            tx.ledger.add([fact for intake in kept for fact in _facts(intake, now)])
            _limit_hosts(tx, kept)
            _tell_health(tx, kept, snapshot, now)
            arrivals = [arrival for intake in kept for arrival in intake.arrivals]
            revisions = [revision for intake in kept for revision in intake.revisions]
            note_matches(tx, snapshot, (*arrivals, *revisions), now=now)
            tx.decision_queue.add(arrivals, revisions)
            return kept

        return await self._store.write(work)

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


def _facts(intake: Intake, now: datetime) -> Sequence[model.LedgerRow]:
    """What the ledger keeps of a poll: that it was made, and what its articles matched."""
    answer = intake.polled.answer
    status = answer.status if answer else None
    poll = ledger.fetched(intake.polled.state, intake.state, status=status, new_count=intake.new_count, at=now)
    matched = [(one.article, one.matches) for one in intake.arrivals]
    matched += [(one.article, one.matches) for one in intake.revisions]
    found = [ledger.matched(article, match, at=now) for article, matches in matched for match in matches]
    return [poll, *found] if poll else found


def _limit_hosts(tx: ports.Transaction, intakes: Sequence[Intake]) -> None:
    """Three addresses of one host that say Retry-After within ten minutes: the host is left alone."""
    limited = [intake.state for intake in intakes if intake.state.retry_after and intake.state.limited_at]
    if not limited:
        return
    known = tx.feeds.limited()
    for host in {polling.asked_host(state) for state in limited}:
        recent = [
            (state.url, state.limited_at, state.retry_after)
            for state in known
            if polling.asked_host(state) == host and state.limited_at and state.retry_after
        ]
        until = polling.host_limit(recent)
        if until:
            tx.feeds.limit_host(host, until)


def _tell_health(tx: ports.Transaction, intakes: Sequence[Intake], snapshot: Snapshot, now: datetime) -> None:
    if snapshot.operator is None:
        return
    lines = [event.text for intake in intakes for event in intake.health]
    if lines:
        notice = notices.feed_health(lines, now=now)
        tx.outbox.add([notices.row(notice, channel=snapshot.operator, now=now)])
