"""Put pieces of work that were set aside back into their stage."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import get_args

from bot import storage
from bot.config.settings import Settings
from bot.feeds.items import Item
from bot.feeds.kit import packing
from bot.model.actions import Action
from bot.model.channels import Press
from bot.model.feeds import ParsedFeed
from bot.model.fetching import Body, Response
from bot.model.quarantine import PieceKind, QuarantinedPiece
from bot.model.stories import StoryId
from bot.pipeline import actions, intake, quarantine
from bot.pipeline.poll import Documents, Poll
from bot.storage.columns import JsonColumn

#: The stored form of a press. Its action is stored separately, with its type.
_PRESS: JsonColumn[Press] = JsonColumn(Press)
_ACTIONS: dict[str, JsonColumn[Action]] = {kind.__name__: JsonColumn(kind) for kind in get_args(Action)}


def dump_press(press: Press, channels: Sequence[str]) -> str:
    """Return the stored form of a press that was set aside."""
    name = type(press.action).__name__
    action = _ACTIONS[name].dump(press.action)
    return json.dumps({"press": _PRESS.dump(press), "type": name, "action": action, "channels": list(channels)})


async def retry_requested(store: storage.Store, settings: Settings, documents: Documents, *, now: datetime) -> None:
    """Put back the pieces that somebody, or a new version, asked to try again. Raises StoreError."""

    async def put_back(pieces: Sequence[QuarantinedPiece]) -> None:
        mails = [
            (piece, await _parse_mail(piece, settings, documents)) for piece in pieces if piece.kind is PieceKind.MAIL
        ]
        for piece in pieces:
            if piece.kind is PieceKind.PRESS:
                # A press that is carried out twice, because the piece could not be removed, has no further effect.
                await _press_again(store, piece.body, settings, now=now)

        def work(tx: storage.Transaction) -> None:
            for piece in pieces:
                tx.quarantine.remove(piece)
                _put_back(tx, piece, settings, now=now)
            for piece, (reading, items) in mails:
                _ingest_again(tx, piece, reading, items, settings, now=now)
            # A turn in progress has not seen the piece.
            tx.decision_queue.note_change()

        await store.write(work)

    def set_aside(failed: Sequence[tuple[QuarantinedPiece, Exception]], tx: storage.Transaction) -> None:
        for piece, error in failed:
            kind, stage, body = piece.kind, piece.stage, piece.body
            quarantine.set_aside(tx, kind, piece.id, error, stage=stage, settings=settings, now=now, body=body)

    for piece in await store.read(lambda tx: tx.quarantine.requested()):
        _, failed = await quarantine.isolate([piece], put_back)
        if failed:
            await store.write(partial(set_aside, failed))


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
        case PieceKind.ITEM if piece.stage == intake.PARSING:
            _parse_again(tx, piece, now=now)
        case PieceKind.ITEM if piece.stage == intake.CLEANING:
            reading = ParsedFeed(entries=(intake.ENTRY.load(piece.body),), is_increment=True)
            _ingest_again(tx, piece, reading, None, settings, now=now)
        case PieceKind.ITEM:
            item = intake.ITEM.load(piece.body)
            reading = ParsedFeed(entries=(item.entry,), is_increment=True)
            _ingest_again(tx, piece, reading, (item,), settings, now=now)
        case PieceKind.PRESS | PieceKind.MAIL | PieceKind.RULING | PieceKind.COMMAND:
            # A press is carried out and a mail is parsed before. A ruling waits in its table until it is not listed
            # here. A person asks again.
            pass


def _parse_again(tx: storage.Transaction, piece: QuarantinedPiece, *, now: datetime) -> None:
    """Have the whole document of a feed fetched and parsed. The item is parsed again, because its hash is unknown."""
    state = tx.feeds.get(piece.id.partition(" ")[0])
    if state is not None:
        validators = replace(state.validators, etag=None, last_modified=None, body_hash=None)
        # If the feed is being polled, that poll loses its lease, because it may find the document unchanged.
        tx.feeds.save([replace(state, due_at=now, validators=validators)])


async def _press_again(store: storage.Store, body: str, settings: Settings, *, now: datetime) -> None:
    stored = json.loads(body)
    press = replace(_PRESS.load(stored["press"]), action=_ACTIONS[stored["type"]].load(stored["action"]))
    act = partial(actions.apply_press, pressed=press, channels=stored["channels"])
    await actions.carry_out(store, settings, act, now=now)


async def _parse_mail(
    piece: QuarantinedPiece, settings: Settings, documents: Documents
) -> tuple[ParsedFeed, tuple[Item, ...] | None]:
    """Parse a mail again. Return nothing if its mailbox is no longer configured. Raises ReadError."""
    url, _, etag = piece.id.partition(" ")
    feed = settings.feeds_by_address.get(url)
    if feed is None:
        return ParsedFeed(is_increment=True), ()
    await documents.prepare()
    content = packing.MAILS_HEAD + packing.pack_mail(base64.b64decode(piece.body), etag)
    return await documents.read(Body(content=content, content_type=packing.MAILS_TYPE, url=url), feed)


def _ingest_again(
    tx: storage.Transaction,
    piece: QuarantinedPiece,
    reading: ParsedFeed,
    items: tuple[Item, ...] | None,
    settings: Settings,
    *,
    now: datetime,
) -> None:
    """Ingest items as if their feed had listed nothing else, without a change of the feed's state."""
    url = piece.id.partition(" ")[0]
    feed, state = settings.feeds_by_address.get(url), tx.feeds.get(url)
    if feed is None or state is None:
        return
    poll = Poll(feed=feed, state=state, answer=Response(status=200, url=url), reading=reading, cleaned=items)
    for ingested in intake.ingest_polls(tx, [poll], settings, now=now):
        intake.store_changes(tx, ingested.changes, now=now)
        tx.articles.see(ingested.sightings, at=now)
        intake.set_aside_faults(tx, ingested, settings, now=now)
