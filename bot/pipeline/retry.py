"""Put pieces of work that were set aside back into their stage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from msgspec.structs import replace

from bot import storage
from bot.config.settings import Settings
from bot.model.feeds import ParsedFeed
from bot.model.fetching import Response
from bot.model.quarantine import PieceKind, QuarantinedPiece
from bot.model.stories import StoryId
from bot.pipeline import intake, quarantine
from bot.pipeline.poll import Poll


async def retry_requested(store: storage.Store, settings: Settings, *, now: datetime) -> None:
    """Put back the pieces that somebody, or a new version, asked to try again. Raises StoreError."""

    async def put_back(pieces: Sequence[QuarantinedPiece]) -> None:
        def work(tx: storage.Transaction) -> None:
            for piece in pieces:
                tx.quarantine.remove(piece)
                _put_back(tx, piece, settings, now=now)
            # A turn in progress has not seen the piece.
            tx.decision_queue.note_change()

        await store.write(work)

    def set_aside(failed: Sequence[tuple[QuarantinedPiece, Exception]], tx: storage.Transaction) -> None:
        for piece, error in failed:
            quarantine.set_aside(tx, piece.kind, piece.id, error, stage=piece.stage, now=now, body=piece.body)

    for piece in await store.read(lambda tx: tx.quarantine.requested()):
        _, failed = await quarantine.isolate([piece], put_back, lambda: put_back(()))
        if failed:
            await store.write(partial(set_aside, failed))


def _put_back(tx: storage.Transaction, piece: QuarantinedPiece, settings: Settings, *, now: datetime) -> None:
    match piece.kind:
        case PieceKind.ARTICLE:
            tx.decision_queue.put_back(piece.body)
        case PieceKind.ALERT:
            story, _, channel = piece.id.partition(" ")
            tx.stories.rest_alert(StoryId(story), channel, until=now)
        case PieceKind.MESSAGE:
            tx.outbox.revive(piece.id, now=now)
        case PieceKind.ITEM if piece.stage == intake.PARSING:
            _parse_again(tx, piece, now=now)
        case PieceKind.ITEM:
            _ingest_again(tx, piece, settings, now=now)
        case PieceKind.ROW:
            raise AssertionError("nobody can ask for a row to be tried again")


def _parse_again(tx: storage.Transaction, piece: QuarantinedPiece, *, now: datetime) -> None:
    """Have the whole document of a feed, or the last mails of a mailbox, fetched and parsed.

    The item is parsed again, because its hash is unknown.
    """
    state = tx.feeds.get(piece.id.partition(" ")[0])
    if state is not None:
        validators = replace(state.validators, etag=None, last_modified=None, body_hash=None)
        # If the feed is being polled, that poll loses its lease, because it may find the document unchanged.
        tx.feeds.save([replace(state, due_at=now, validators=validators)])


def _ingest_again(tx: storage.Transaction, piece: QuarantinedPiece, settings: Settings, *, now: datetime) -> None:
    """Clean and ingest an item as if its feed had listed nothing else, without a change of the feed's state."""
    url = piece.id.partition(" ")[0]
    feed, state = settings.feeds_by_address.get(url), tx.feeds.get(url)
    if feed is None or state is None:
        return
    reading = ParsedFeed(entries=(intake.ENTRY.load(piece.body),), is_increment=True)
    poll = Poll(feed=feed, state=state, answer=Response(status=200, url=url), reading=reading)
    for ingested in intake.ingest_polls(tx, [poll], settings, now=now):
        intake.store_changes(tx, ingested.changes, now=now)
        tx.articles.see(ingested.sightings, at=now)
        intake.set_aside_faults(tx, ingested, now=now)
