"""Questions to a reader process and its answers, as frames of MessagePack, and the limits of one question.

A frame is its length (4 bytes, big-endian) and one value. Decoding it makes values of the types named here and of no
others, and runs no code, whatever the bytes are.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from bot import model
from bot.feeds.items import Item, Lookup, make_question
from bot.feeds.kit import fields

LENGTH_BYTES = 4
_SELECTORS = frozenset(("item", "title", "link", "date", "text", "language"))
_MOST_LISTS, _LONGEST_SELECTOR = 10, 1_000
_encoder = msgspec.msgpack.Encoder()


class Garbage(Exception):
    """Received bytes are not a frame of this format, or contain what no document can contain."""


class Job(msgspec.Struct, frozen=True, array_like=True, tag="document"):
    """A feed document to parse."""

    body: model.Body
    feed: model.Feed
    #: Whether nothing of this feed is stored yet.
    is_first: bool


class ArticlePage(msgspec.Struct, frozen=True, array_like=True, tag="page"):
    """A request for the main text of an article's page."""

    content: bytes
    url: str
    content_type: str


class UndescribedPage(msgspec.Struct, frozen=True, array_like=True, tag="undescribed"):
    """A request for the lists of a page."""

    body: model.Body


class Lists(msgspec.Struct, frozen=True, array_like=True, tag="lists"):
    """The page's name, and the selectors of its lists, the likeliest first."""

    name: str | None
    options: tuple[dict[str, str], ...]


class Ready(msgspec.Struct, frozen=True, array_like=True, tag="ready"):
    """The first message of a process: the names of the measures that confine it."""

    measures: tuple[str, ...] = ()


class Cleaned(msgspec.Struct, frozen=True, array_like=True):
    """An ``Item`` with the place of its entry in the reading instead of the entry."""

    place: int
    key: str
    guid: str | None
    link: str
    link_key: str
    title: str
    folded_title: str
    text: str
    links: tuple[str, ...]
    fingerprint: str
    published: datetime | None


class Done(msgspec.Struct, frozen=True, array_like=True, tag="done"):
    """The parsed document, and its cleaned items."""

    reading: model.ParsedFeed
    items: tuple[Cleaned, ...]


class Text(msgspec.Struct, frozen=True, array_like=True, tag="text"):
    """The main text of a page, or None if it has no article."""

    text: str | None

    @classmethod
    def of(cls, text: str | None) -> Text:
        """Return the message, without letters that MessagePack cannot hold."""
        return cls(_plain(text) if text else None)


class NoFeed(msgspec.Struct, frozen=True, array_like=True, tag="no feed"):
    """A ReadError."""

    text: str
    #: The feeds of an IsPage, or None if the error is not one.
    feeds: tuple[str, ...] | None = None

    @classmethod
    def of(cls, error: model.ReadError) -> NoFeed:
        """Return the error as a message."""
        return cls(_plain(str(error)), tuple(map(_plain, error.feeds)) if isinstance(error, model.IsPage) else None)

    def error(self) -> model.ReadError:
        """Return the message as an exception."""
        return model.ReadError(self.text) if self.feeds is None else model.IsPage(self.text, self.feeds)


class Broke(msgspec.Struct, frozen=True, array_like=True, tag="broke"):
    """A bug of ours."""

    traceback: str


class Leaving(msgspec.Struct, frozen=True, array_like=True, tag="leaving"):
    """The last message of a process: it accepts no further question, and ends."""


Question = Job | ArticlePage | UndescribedPage
Answer = Ready | Done | Text | Lists | NoFeed | Broke | Leaving

_questions = msgspec.msgpack.Decoder(Question)
_answers = msgspec.msgpack.Decoder(Answer)


def are_selectors(lists: Lists) -> bool:
    """Return whether it contains nothing but selectors: they are written into feeds.yaml."""
    return len(lists.options) <= _MOST_LISTS and all(
        option.keys() <= _SELECTORS and all(len(selector) <= _LONGEST_SELECTOR for selector in option.values())
        for option in lists.options
    )


def frame_message(message: Question | Answer) -> bytes:
    """Return one frame. Raises ValueError for text with half a surrogate pair, which UTF-8 cannot hold."""
    frame = bytearray(LENGTH_BYTES)
    _encoder.encode_into(message, frame, LENGTH_BYTES)
    frame[:LENGTH_BYTES] = (len(frame) - LENGTH_BYTES).to_bytes(LENGTH_BYTES, "big")
    return bytes(frame)


def frame_length(head: bytes | bytearray) -> int:
    """Return the length of the value that follows ``head``."""
    return int.from_bytes(head[:LENGTH_BYTES], "big")


def take_frame(received: bytearray, *, limit_bytes: int) -> bytes | None:
    """Take the first value out of ``received``; return None if it is not complete yet. Raises Garbage."""
    if len(received) < LENGTH_BYTES:
        return None
    end = LENGTH_BYTES + frame_length(received)
    if end - LENGTH_BYTES > limit_bytes:
        raise Garbage(f"an answer of {end} bytes")
    if len(received) < end:
        return None
    payload = bytes(received[LENGTH_BYTES:end])
    del received[:end]
    return payload


def decode_question(payload: bytes) -> Question:
    """Decode a question. Raises Garbage."""
    try:
        question: Question = _questions.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Garbage(str(error)) from error
    return question


def decode_answer(payload: bytes) -> Answer:
    """Decode an answer. Raises Garbage."""
    try:
        answer: Answer = _answers.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Garbage(str(error)) from error
    return answer


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def pack_items(reading: model.ParsedFeed, items: tuple[Item, ...]) -> tuple[Cleaned, ...]:
    """Return the items of a reading as data."""
    places = {id(entry): place for place, entry in enumerate(reading.entries)}
    return tuple(
        Cleaned(
            places[id(item.entry)],
            item.key,
            item.guid,
            item.link,
            item.link_key,
            item.title,
            item.folded_title,
            item.text,
            item.links,
            item.fingerprint,
            item.published,
        )
        for item in items
    )


def unpack_lookup(done: Done, job: Job) -> Lookup:
    """Return the items, with a question about the feed of the job: a reader process cannot choose another feed.

    Raises Garbage.
    """
    entries = done.reading.entries
    most = max(len(entries), len(done.reading.item_hashes))
    if most > fields.MAX_ENTRIES or not all(map(fields.is_within_bounds, entries)):
        raise Garbage("more than any document says")
    if any(not 0 <= item.place < len(entries) for item in done.items):
        raise Garbage("an item of no entry")
    items = tuple(
        Item(
            entry=entries[item.place],
            key=item.key,
            guid=item.guid,
            link=item.link,
            link_key=item.link_key,
            title=item.title,
            folded_title=item.folded_title,
            text=item.text,
            links=item.links,
            fingerprint=item.fingerprint,
            published=item.published,
        )
        for item in done.items
    )
    return Lookup(question=make_question(job.feed, items, is_first=job.is_first), items=items)


#: Processor time. The largest document that ``fetch.max_bytes`` allows by default takes a third of it.
PATIENCE: Final = timedelta(seconds=10)
#: Time by the clock: on a busy machine a process gets only a part of a processor.
PATIENCE_BY_THE_CLOCK: Final = 3 * PATIENCE
#: Time by the clock: the documents of feeds that took longer are parsed one at a time.
SLOW_AFTER: Final = timedelta(seconds=2)
#: Time by the clock for a process to start: imports, on a busy or small machine.
START_PATIENCE: Final = timedelta(seconds=60)


def memory_bytes(max_bytes: int) -> int:
    """Return how much more memory a process may use than at its start."""
    return 100_000_000 + 20 * max_bytes


def answer_bytes(question_bytes: int) -> int:
    """Return the length of the longest answer to a question.

    An answer contains an item's HTML and its clean text, with escapes. In an encoding such as windows-874 (Thai) a
    letter is one byte, and it becomes three bytes in each of them.
    """
    return 1_000_000 + 8 * question_bytes
