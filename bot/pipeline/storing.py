"""What a batch of polls brought is stored: in transactions of some hundred articles, whatever one feed brings.

The feeds' states are written last. Where a process ends before that, their polls are made again, and what is stored
is known by then. Knows no story.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from bot import ledger, model, polling, ports
from bot.alerts import notices
from bot.pipeline.ingest import IngestBatch, IngestedPoll, ingest_polls
from bot.pipeline.poll import Polled
from bot.pipeline.silence_monitor import note_matches
from bot.pipeline.snapshot import Snapshot
from bot.polling import websub

#: Articles of one transaction: some 50 ms, in which nobody else writes to SQLite.
MOST = 250


class Storing:
    """One batch at a time: what is computed holds until it is written."""

    def __init__(self, store: ports.Store) -> None:
        self._store = store

    async def store(
        self, polls: Sequence[Polled], snapshot: Snapshot, *, token: str, now: datetime
    ) -> Sequence[IngestedPoll]:
        """The polls of the feeds that were still leased by ``token``, with what of them is stored.

        Raises StoreError.
        """
        compute: Callable[[ports.Transaction], IngestBatch] = partial(
            ingest_polls, polls=polls, snapshot=snapshot, now=now
        )
        batch = await self._store.read(compute)
        computed = [batch]
        stored: list[model.Article] = []
        for piece in batch.cut(MOST):
            if not await self._store.write(partial(_store_piece, piece=piece, of=batch, beside=stored, now=now)):
                computed.clear()
                break
            stored += piece.articles

        def work(tx: ports.Transaction) -> Sequence[IngestedPoll]:
            # A second try lost a race against another worker, which may have stored the same articles.
            batch = computed.pop() if computed else compute(tx)
            if tx.articles.are_rivalled((*batch.new, *batch.old), beside=stored):
                # Another did so since this was computed: which of the articles are one is looked at again.
                batch = compute(tx)
            return _finish(tx, batch, snapshot, token=token, now=now)

        return await self._store.write(work)


def _finish(
    tx: ports.Transaction, batch: IngestBatch, snapshot: Snapshot, *, token: str, now: datetime
) -> Sequence[IngestedPoll]:
    """Write what is left, and the feeds' states."""
    lost = set(tx.feeds.save([poll.state for poll in batch.ingested], token=token))
    kept = [poll for poll in batch.ingested if poll.state.url not in lost]
    tx.ledger.add([row for poll in kept if (row := _poll_row(poll, now))])
    _limit_hosts(tx, kept)
    _note_hubs(tx, kept, now)
    _tell_health(tx, kept, snapshot, now)
    matched: list[model.Arrival | model.Revision] = []
    for poll in kept:
        matched += [*poll.arrivals, *poll.revisions]
    note_matches(tx, snapshot, matched, now=now)
    _store(tx, batch, kept, now=now)
    return kept


def _store_piece(
    tx: ports.Transaction, *, piece: IngestBatch, of: IngestBatch, beside: Sequence[model.Article], now: datetime
) -> bool:
    """False: another worker has stored some of it since it was computed; nothing is written."""
    if tx.articles.are_rivalled((*piece.new, *piece.old), beside=beside):
        return False
    _store(tx, piece, of.ingested, now=now)
    return True


def _store(tx: ports.Transaction, piece: IngestBatch, ingested: Sequence[IngestedPoll], *, now: datetime) -> None:
    """Write the articles, and into the queue and the ledger what they matched."""
    piece.store(tx, now=now)
    new, revised = {article.id for article in piece.new}, {article.id for article in piece.revised}
    arrivals = [each for poll in ingested for each in poll.arrivals if each.article.id in new]
    revisions = [each for poll in ingested for each in poll.revisions if each.article.id in revised]
    matched = [(each.article, each.matches) for each in arrivals]
    matched += [(each.article, each.matches) for each in revisions]
    tx.ledger.add([ledger.matched(article, match, at=now) for article, matches in matched for match in matches])
    tx.decision_queue.add(arrivals, revisions)


def _poll_row(poll: IngestedPoll, now: datetime) -> model.LedgerRow | None:
    """What the ledger keeps of a poll."""
    answer = poll.polled.answer
    status = answer.status if answer else None
    return ledger.fetched(poll.polled.state, poll.state, status=status, new_count=poll.new_count, at=now)


def _note_hubs(tx: ports.Transaction, ingested: Sequence[IngestedPoll], now: datetime) -> None:
    """Feeds that name a hub, another one, or none any more."""
    for before, after in ((poll.polled.state, poll.state) for poll in ingested):
        if (before.hub, before.topic) == (after.hub, after.topic):
            continue
        if after.hub and after.topic:
            wanted = websub.wanted(after.url, after.hub, after.topic, now=now, changed_at=before.hub_changed_at)
            tx.subscriptions.want(wanted)
        elif before.hub:
            tx.subscriptions.drop(after.url)


def _limit_hosts(tx: ports.Transaction, ingested: Sequence[IngestedPoll]) -> None:
    """Three addresses of one host that say Retry-After within ten minutes: the host is left alone."""
    limited = [poll.state for poll in ingested if poll.state.retry_after and poll.state.limited_at]
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


def _tell_health(tx: ports.Transaction, ingested: Sequence[IngestedPoll], snapshot: Snapshot, now: datetime) -> None:
    if snapshot.operator is None:
        return
    events = [event for poll in ingested for event in poll.health]
    if events:
        troubles, over = ([each.text for each in events if each.is_well is is_well] for is_well in (False, True))
        notice = notices.feed_health(troubles, over, now=now)
        tx.outbox.add([notices.row(notice, channel=snapshot.operator, now=now)])
