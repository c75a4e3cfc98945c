"""Give queued articles a vector of meaning before they are decided, so that grouping compares more than words.

    queued articles without a vector → encoder (in a reader process) → table vectors → the turn

If the encoder is missing or fails, articles are decided without a vector; `wirewatch status` shows why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial

import structlog

from bot import storage
from bot.config.settings import Settings
from bot.durations import Clock, format_duration
from bot.model.archive import Arrival, Revision
from bot.model.encoders import Encoder, EncoderName, Vector
from bot.model.stories import Article, ArticleId
from bot.storage import keys
from bot.stories.profile import beginning
from bot.text import encoders

log = structlog.get_logger("wirewatch")

#: Texts in one call: the reader process parses nothing else for that time, which is 0.6 s on an idle processor.
TEXTS_PER_CALL = 8
#: After a failure, articles are decided by words alone for this long.
PAUSE = timedelta(minutes=10)

#: Returns one vector for each text. May raise any exception.
Encode = Callable[[Sequence[str]], Awaitable[Sequence[Vector]]]


class MeaningStage:
    """Encodes articles for the process that decides. ``encode`` asks an encoder in a reader process."""

    def __init__(self, store: storage.Store, clock: Clock, encode: Encode) -> None:
        self._store, self._clock = store, clock
        self._encode_in_reader = encode
        self._paused_until: datetime | None = None
        #: The encoder and the reason for grouping by words alone ("" if it works) that the store has.
        self._noted: tuple[EncoderName, str] | None = None

    async def prepare(self, settings: Settings, numbers: Sequence[int]) -> None:
        """Store the vectors of queued articles that have none. Raises StoreError, but no error of the encoder."""
        name = settings.bot.stories.meaning
        if self._paused_until is not None and self._clock.now() < self._paused_until:
            return
        if name is not EncoderName.OFF and not encoders.is_installed(name):
            await self._note(name, f"the package {name.value} is not installed")
            return
        await self._note(name, "" if name is not EncoderName.OFF else "stories.meaning is off")
        if name is EncoderName.OFF or not numbers:
            return
        articles = await self._store.read(lambda tx: _without_vector(tx, numbers))
        for at in range(0, len(articles), TEXTS_PER_CALL):
            vectors = await self._encode_articles(name, articles[at : at + TEXTS_PER_CALL])
            if not vectors:
                return
            await self._store.write(partial(_add, vectors))

    async def vectors_of(self, settings: Settings, articles: Sequence[Article]) -> Mapping[ArticleId, Vector]:
        """Return the vectors of articles that are not stored, or none if the encoder is off, missing or failing."""
        name, vectors = settings.bot.stories.meaning, dict[ArticleId, Vector]()
        is_paused = self._paused_until is not None and self._clock.now() < self._paused_until
        if is_paused or name is EncoderName.OFF or not encoders.is_installed(name):
            return {}
        for at in range(0, len(articles), TEXTS_PER_CALL):
            vectors |= await self._encode_articles(name, articles[at : at + TEXTS_PER_CALL])
        return vectors

    async def _encode_articles(self, name: EncoderName, articles: Sequence[Article]) -> Mapping[ArticleId, Vector]:
        """Return the vectors of articles, or nothing if the encoder fails, which then pauses."""
        try:
            vectors = await self._encode(name, [beginning(article) for article in articles])
        except Exception as error:  # noqa: BLE001 -- whatever a young native package does, articles are decided
            self._paused_until = self._clock.now() + PAUSE
            log.warning("grouping by words alone", pause=format_duration(PAUSE), error=str(error)[:500])
            await self._note(name, f"the encoder failed: {type(error).__name__}")
            return {}
        return dict(zip([article.id for article in articles], vectors, strict=True))

    async def _encode(self, name: EncoderName, texts: Sequence[str]) -> Sequence[Vector]:
        if name is EncoderName.FASTEMBED:
            return await asyncio.to_thread(lambda: self._fastembed.encode(texts))
        return await self._encode_in_reader(texts)

    @cached_property
    def _fastembed(self) -> Encoder:
        return encoders.open_encoder(EncoderName.FASTEMBED)

    async def _note(self, name: EncoderName, failure: str) -> None:
        """Store the state for `wirewatch status`. Delete the vectors of another encoder."""
        if self._noted == (name, failure):
            return

        def work(tx: storage.Transaction) -> None:
            if keys.ENCODER.get(tx) not in (None, name.value):
                tx.vectors.clear()
            keys.ENCODER.put(tx, name.value)
            keys.WORDS_ALONE.put(tx, failure)

        await self._store.write(work)
        self._noted = name, failure


def _add(vectors: Mapping[ArticleId, Vector], tx: storage.Transaction) -> None:
    tx.vectors.add(vectors)


def _without_vector(tx: storage.Transaction, numbers: Sequence[int]) -> Sequence[Article]:
    """Return the queued articles that will join a story and have no vector."""
    queued = tx.decision_queue.get(numbers).values()
    articles = [entry.article for entry in queued if isinstance(entry, Arrival) and entry.meaning is None]
    edited = {entry.article.id: entry.article for entry in queued if isinstance(entry, Revision) and entry.matches}
    with_vector: set[ArticleId] = set(tx.vectors.get(list(edited)))
    return [*articles, *(article for key, article in edited.items() if key not in with_vector)]
