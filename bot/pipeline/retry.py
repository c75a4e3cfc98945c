"""Put pieces of work that were set aside back into their stage."""

from __future__ import annotations

import json
from datetime import datetime

from bot import storage
from bot.config.settings import Settings
from bot.model.errors import StoreError
from bot.model.feeds import ParsedFeed
from bot.model.fetching import Response
from bot.model.quarantine import PieceKind, QuarantinedPiece
from bot.model.stories import StoryId
from bot.pipeline import intake, quarantine
from bot.pipeline.poll import Poll


async def retry_requested(store: storage.Store, settings: Settings, *, now: datetime) -> None:
    """Put back the pieces that somebody, or a new version, asked to try again. Raises StoreError."""
    for piece in await store.read(lambda tx: tx.quarantine.requested()):

        def work(tx: storage.Transaction, piece: QuarantinedPiece = piece) -> None:
            tx.quarantine.remove(piece)
            _put_back(tx, piece, settings, now=now)
            # A turn in progress has not seen the piece.
            tx.decision_queue.note_change()

        try:
            await store.write(work)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - the piece may raise here again; it is logged when it is set aside
            failure = error
            await store.write(
                lambda tx, piece=piece, failure=failure: quarantine.set_aside(  # type: ignore[misc]
                    tx,
                    piece.kind,
                    piece.id,
                    failure,
                    stage=piece.stage,
                    settings=settings,
                    now=now,
                    body=piece.body,
                )
            )


def _put_back(tx: storage.Transaction, piece: QuarantinedPiece, settings: Settings, *, now: datetime) -> None:
    match piece.kind:
        case PieceKind.ROW:
            tx.quarantine.put_back_row(piece.body)
        case PieceKind.ARTICLE:
            entry = json.loads(piece.body)
            tx.decision_queue.put_back(entry["kind"], entry["body"])
        case PieceKind.ALERT:
            story, _, channel = piece.id.partition(" ")
            tx.stories.rest_alert(StoryId(story), channel, until=now)
        case PieceKind.MESSAGE:
            tx.outbox.revive(piece.id, now=now)
        case PieceKind.ITEM:
            _ingest_again(tx, piece, settings, now=now)
        case PieceKind.RULING | PieceKind.PRESS | PieceKind.COMMAND:
            # A ruling waits in its table until it is no longer listed here. A person presses or asks again.
            pass


def _ingest_again(tx: storage.Transaction, piece: QuarantinedPiece, settings: Settings, *, now: datetime) -> None:
    """Ingest an item as if its feed had listed only this item, without a change of the feed's state."""
    url, item = piece.id.partition(" ")[0], intake.ITEM.load(piece.body)
    feed, state = settings.feeds_by_address.get(url), tx.feeds.get(url)
    if feed is None or state is None:
        return
    reading = ParsedFeed(entries=(item.entry,), is_increment=True)
    poll = Poll(feed=feed, state=state, answer=Response(status=200, url=url), reading=reading, cleaned=(item,))
    for ingested in intake.ingest_polls(tx, [poll], settings, now=now):
        intake.store_changes(tx, ingested.changes, now=now)
        tx.articles.see(ingested.sightings, at=now)
        intake.set_aside_faults(tx, ingested, settings, now=now)
