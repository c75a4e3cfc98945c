"""Write a batch of polls, in transactions of some hundred articles."""

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

#: Maximum articles of one transaction: it takes some 50 ms, in which nothing else can write to SQLite.
MOST = 250


class Storing:
    """Writes one batch at a time: what is computed must still be true when it is written."""

    def __init__(self, store: ports.Store) -> None:
        self._store = store

    async def store(
        self, polls: Sequence[Polled], snapshot: Snapshot, *, token: str, now: datetime
    ) -> Sequence[IngestedPoll]:
        """Write polls; return those of the feeds that were still leased by ``token``. Raises StoreError."""
        compute: Callable[[ports.Transaction], IngestBatch] = partial(
            ingest_polls, polls=polls, snapshot=snapshot, now=now
        )
        batch = await self._store.read(compute)
        computed = [batch]
        stored: list[model.Article] = []
        for piece in batch.cut(MOST):
            if not await self._store.write(partial(_store_piece, piece=piece, batch=batch, stored=stored, now=now)):
                computed.clear()
                break
            stored += piece.articles

        def work(tx: ports.Transaction) -> Sequence[IngestedPoll]:
            # On a second try, after a lost race, another worker may have stored the same articles.
            batch = computed.pop() if computed else compute(tx)
            if tx.articles.are_rivalled((*batch.new, *batch.old), beside=stored):
                # Another worker has stored some of them since the batch was computed: identify them again.
                batch = compute(tx)
            return _finish(tx, batch, snapshot, token=token, now=now)

        return await self._store.write(work)


def _finish(
    tx: ports.Transaction, batch: IngestBatch, snapshot: Snapshot, *, token: str, now: datetime
) -> Sequence[IngestedPoll]:
    """Write the rest of the batch, and the feeds' states."""
    lost = set(tx.feeds.save([poll.state for poll in batch.ingested], token=token))
    kept = [poll for poll in batch.ingested if poll.state.url not in lost]
    tx.ledger.add([row for poll in kept if (row := _poll_row(poll, now))])
    _limit_hosts(tx, kept)
    _note_hubs(tx, kept, now)
    _report_health(tx, kept, snapshot, now)
    matched: list[model.Arrival | model.Revision] = []
    for poll in kept:
        matched += [*poll.arrivals, *poll.revisions]
    note_matches(tx, snapshot, matched, now=now)
    _store(tx, batch, kept, now=now)
    return kept


def _store_piece(
    tx: ports.Transaction, *, piece: IngestBatch, batch: IngestBatch, stored: Sequence[model.Article], now: datetime
) -> bool:
    """Write a piece. Return False, and write nothing, if another worker has stored some of it since it was computed."""
    if tx.articles.are_rivalled((*piece.new, *piece.old), beside=stored):
        return False
    _store(tx, piece, batch.ingested, now=now)
    return True


def _store(tx: ports.Transaction, piece: IngestBatch, ingested: Sequence[IngestedPoll], *, now: datetime) -> None:
    """Write the articles, and their matches into the decision queue and the ledger."""
    piece.store(tx, now=now)
    new, revised = {article.id for article in piece.new}, {article.id for article in piece.revised}
    arrivals = [arrival for poll in ingested for arrival in poll.arrivals if arrival.article.id in new]
    revisions = [revision for poll in ingested for revision in poll.revisions if revision.article.id in revised]
    matched = [(arrival.article, arrival.matches) for arrival in arrivals]
    matched += [(revision.article, revision.matches) for revision in revisions]
    tx.ledger.add([ledger.matched(article, match, at=now) for article, matches in matched for match in matches])
    tx.decision_queue.add(arrivals, revisions)


def _poll_row(poll: IngestedPoll, now: datetime) -> model.LedgerRow | None:
    """Return the ledger row of a poll, if it gets one."""
    answer = poll.polled.answer
    status = answer.status if answer else None
    return ledger.fetched(poll.polled.state, poll.state, status=status, new_count=poll.new_count, at=now)


def _note_hubs(tx: ports.Transaction, ingested: Sequence[IngestedPoll], now: datetime) -> None:
    """Update the subscriptions of feeds whose hub has changed."""
    for poll in ingested:
        previous, state = poll.polled.state, poll.state
        if (previous.hub, previous.topic) == (state.hub, state.topic):
            continue
        if state.hub and state.topic:
            changed_at = previous.hub_changed_at
            tx.subscriptions.want(websub.wanted(state.url, state.hub, state.topic, now=now, changed_at=changed_at))
        elif previous.hub:
            tx.subscriptions.drop(state.url)


def _limit_hosts(tx: ports.Transaction, ingested: Sequence[IngestedPoll]) -> None:
    """Limit a whole host if three of its addresses responded with Retry-After within ten minutes."""
    limited = [poll.state for poll in ingested if poll.state.retry_after and poll.state.limited_at]
    if not limited:
        return
    states = tx.feeds.limited()
    for host in {polling.asked_host(state) for state in limited}:
        recent = [
            (state.url, state.limited_at, state.retry_after)
            for state in states
            if polling.asked_host(state) == host and state.limited_at and state.retry_after
        ]
        until = polling.host_limit(recent)
        if until:
            tx.feeds.limit_host(host, until)


def _report_health(tx: ports.Transaction, ingested: Sequence[IngestedPoll], snapshot: Snapshot, now: datetime) -> None:
    if snapshot.operator is None:
        return
    events = [event for poll in ingested for event in poll.health]
    if events:
        troubles = [event.text for event in events if not event.is_well]
        resolved = [event.text for event in events if event.is_well]
        notice = notices.feed_health(troubles, resolved, now=now)
        tx.outbox.add([notices.row(notice, channel=snapshot.operator, now=now)])
