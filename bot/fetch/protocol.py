"""Jobs of a reader process and their results, as frames of MessagePack, and the limits of one job.

A frame is the length of a value (4 bytes, big-endian) and the value. Decoding makes only values of the types in this
module and runs no code, whatever the bytes are. The bot trusts no result: a job's ``unpack`` checks it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from bot.feeds.items import Item
from bot.feeds.kit import fields
from bot.model.encoders import Vector
from bot.model.errors import IsPage, ReadError
from bot.model.feeds import Feed, ParsedFeed
from bot.model.fetching import Body, PageText
from bot.patterns import LazyPattern

#: Maximum processor time of a job. The largest document that ``fetch.max_bytes`` allows by default takes a third.
PATIENCE: Final = timedelta(seconds=10)
#: Maximum time of a job by the clock; longer, because on a busy machine a process gets only part of a processor.
PATIENCE_BY_THE_CLOCK: Final = 3 * PATIENCE
#: A feed is slow if its document takes longer than this by the clock. Documents of slow feeds are parsed one at a time.
SLOW_AFTER: Final = timedelta(seconds=2)
#: Maximum time by the clock for a process to start and import its modules on a busy or small machine.
START_PATIENCE: Final = timedelta(seconds=60)
MAX_TEXT_LENGTH: Final = 200_000
LENGTH_BYTES: Final = 4
#: The form of an item's hash.
_HASH = LazyPattern("[0-9a-f]{20}")
#: The form of a result of ``describe_error``.
_DESCRIPTION = LazyPattern(r"\w{1,100}(?: in [\w/]{1,200}\.py, line \d{1,6})?", re.ASCII)
_SELECTORS = frozenset(("item", "title", "link", "date", "text", "language"))
_LONGEST_SELECTOR = 1_000
#: Maximum difference of a vector's length from 1.
_LENGTH_ERROR = 0.01
_encoder = msgspec.msgpack.Encoder()


def memory_bytes(max_bytes: int) -> int:
    """Return the number of bytes that a process may use in addition to those at its start."""
    return 100_000_000 + 20 * max_bytes


def answer_bytes(question_bytes: int) -> int:
    """Return the maximum length of the result of a job.

    A result contains each item's HTML and its clean text, with escapes. In both texts, a Thai letter takes three bytes
    (UTF-8), but in a document in windows-874 only one.
    """
    return 1_000_000 + 8 * question_bytes


class Garbage(Exception):
    """Raised if received bytes are not a frame of this format, or have impossible contents."""


class Ready(msgspec.Struct, frozen=True, array_like=True, tag="ready"):
    """The first message of a process, with the names of the measures that confine it."""

    measures: tuple[str, ...] = ()


class Done(msgspec.Struct, frozen=True, array_like=True, tag="done"):
    """A parsed document."""

    #: The parsed feed without its entries.
    reading: ParsedFeed
    #: The cleaned items, each with its entry.
    items: tuple[Item, ...]


class Text(msgspec.Struct, frozen=True, array_like=True, tag="text"):
    """The main text of a page (None if it has no article), and the address of its picture or ""."""

    text: str | None
    picture: str = ""


class ProposedList(msgspec.Struct, frozen=True, array_like=True, tag="list"):
    """The page's name, and selectors for its likeliest list, or None if it has no list."""

    name: str | None
    options: dict[str, str] | None


class TextVectors(msgspec.Struct, frozen=True, array_like=True, tag="vectors"):
    """The vectors of texts."""

    vectors: tuple[tuple[float, ...], ...]


class NoFeed(msgspec.Struct, frozen=True, array_like=True, tag="no feed"):
    """A ReadError. ``feeds`` are the feeds of an IsPage, or None for other errors."""

    text: str
    feeds: tuple[str, ...] | None = None

    def error(self) -> ReadError:
        """Return the message as an exception."""
        return ReadError(self.text) if self.feeds is None else IsPage(self.text, self.feeds)


class Broke(msgspec.Struct, frozen=True, array_like=True, tag="broke"):
    """The traceback of an unexpected error, which is a bug."""

    traceback: str


class Leaving(msgspec.Struct, frozen=True, array_like=True, tag="leaving"):
    """Announces the last result of a process, which then ends."""


ReaderResult = Ready | Done | Text | ProposedList | TextVectors | NoFeed | Broke | Leaving


class ParseJob(msgspec.Struct, frozen=True, array_like=True, tag="document"):
    """A feed document to parse."""

    body: Body
    feed: Feed

    def unpack(self, result: ReaderResult) -> tuple[ParsedFeed, tuple[Item, ...]]:
        """Return the document and its cleaned items. Raises Garbage."""
        if not isinstance(result, Done):
            raise Garbage("not a document")
        entries, faults = tuple(item.entry for item in result.items), result.reading.faulty_items
        all_entries = (*entries, *(fault.entry for fault in faults if fault.entry))
        if max(len(all_entries), len(faults), len(result.reading.item_hashes)) > fields.MAX_ENTRIES:
            raise Garbage("values that no document can have")
        if not all(map(fields.is_within_bounds, all_entries)):
            raise Garbage("values that no document can have")
        if not all(fault.entry or _HASH.fullmatch(fault.hash) for fault in faults):
            raise Garbage("not the hash of an item")
        if not all(_DESCRIPTION.fullmatch(fault.error) for fault in faults):
            raise Garbage("not the description of an error")
        return replace(result.reading, entries=entries), result.items


class ArticlePage(msgspec.Struct, frozen=True, array_like=True, tag="page"):
    """A request for the main text of an article's page."""

    content: bytes
    url: str
    content_type: str

    def unpack(self, result: ReaderResult) -> PageText | None:
        """Return the text, or None if the page has no article. Raises Garbage."""
        if not isinstance(result, Text):
            raise Garbage("not a text")
        if not result.text:
            return None
        return PageText(text=result.text[:MAX_TEXT_LENGTH], picture=fields.picture_address(result.picture))


class UndescribedPage(msgspec.Struct, frozen=True, array_like=True, tag="undescribed"):
    """A request for the list of a page."""

    body: Body

    def unpack(self, result: ReaderResult) -> tuple[str | None, Mapping[str, str] | None]:
        """Return the page's name, and the selectors for its list, which go into feeds.yaml. Raises Garbage."""
        if not isinstance(result, ProposedList):
            raise Garbage("not a list of a page")
        options = result.options or {}
        if options.keys() - _SELECTORS or any(len(selector) > _LONGEST_SELECTOR for selector in options.values()):
            raise Garbage("not a list of a page")
        return result.name, result.options


class TextsToEncode(msgspec.Struct, frozen=True, array_like=True, tag="texts"):
    """A request for the vectors of texts."""

    texts: tuple[str, ...]

    def unpack(self, result: ReaderResult) -> Sequence[Vector]:
        """Return a vector for each text. Raises Garbage."""
        if not isinstance(result, TextVectors) or len(result.vectors) != len(self.texts):
            raise Garbage("not the vectors of the texts")
        if len({len(vector) for vector in result.vectors}) > 1:
            raise Garbage("vectors of different sizes")
        # The comparison is also false for a number that is not finite.
        if not all(abs(math.hypot(*vector) - 1) < _LENGTH_ERROR for vector in result.vectors):
            raise Garbage("vectors with a length other than 1")
        return result.vectors


ReaderJob = ParseJob | ArticlePage | UndescribedPage | TextsToEncode
_jobs = msgspec.msgpack.Decoder(ReaderJob)
_results = msgspec.msgpack.Decoder(ReaderResult)


def frame_message(message: ReaderJob | ReaderResult) -> bytes:
    """Return one frame. Raises ValueError for text with half a surrogate pair, which UTF-8 cannot encode."""
    frame = bytearray(LENGTH_BYTES)
    _encoder.encode_into(message, frame, LENGTH_BYTES)
    frame[:LENGTH_BYTES] = (len(frame) - LENGTH_BYTES).to_bytes(LENGTH_BYTES, "big")
    return bytes(frame)


def frame_length(head: bytes, *, limit_bytes: int | None = None) -> int:
    """Return the length of the value that follows ``head``. Raises Garbage if it exceeds the limit."""
    length = int.from_bytes(head[:LENGTH_BYTES], "big")
    if limit_bytes is not None and length > limit_bytes:
        raise Garbage(f"a length of {length} bytes")
    return length


def decode_job(payload: bytes) -> ReaderJob:
    """Decode a job. Raises Garbage."""
    try:
        job: ReaderJob = _jobs.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Garbage(str(error)) from error
    return job


def decode_result(payload: bytes) -> ReaderResult:
    """Decode a result. Raises Garbage."""
    try:
        result: ReaderResult = _results.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Garbage(str(error)) from error
    return result
