"""A reader process: parses the documents that come in on standard input, one after another, until it is closed.

It has no secret to give away (its environment is almost empty), may read nothing but the Python libraries
(confinement.py), and has bounded time and memory for each document.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import math
import os
import resource
import signal
import sys
import traceback
from typing import Any, BinaryIO

from bot import articles, model, ports, sources
from bot.reading import confinement, limits, wire


def main(max_bytes: int) -> None:
    """``max_bytes``: the longest document that is fetched, in bytes."""
    # Who started it ends it, by closing its input, once what is under way is stored: a terminal's Ctrl-C and a service
    # manager's SIGTERM go to the whole group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Whatever a library prints must not be between two answers.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    sources.usual()
    # Few of the objects of a document are garbage before its end: fewer looks for it, and none at the modules.
    gc.set_threshold(20_000)
    gc.collect()
    gc.freeze()
    # A dump of its memory would be a dump of documents.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    at_start = _memory()
    if at_start is not None:
        most = at_start + limits.memory_bytes(max_bytes)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    measures = confinement.confine()
    with contextlib.suppress(BrokenPipeError):  # who asked is gone
        _write(answers, wire.framed(wire.Ready(tuple(measures))))
        while (job := _next_job(sys.stdin.buffer)) is not None:
            _bound_time()
            frame = _answered(job, max_bytes)
            is_large = (_memory() or 0) - (at_start or 0) > limits.memory_bytes(max_bytes) // 2
            _write(answers, frame)
            if is_large:
                # Freed memory stays with a process; a new one starts small.
                _write(answers, wire.framed(wire.Leaving()))
                return


def _bound_time() -> None:
    """The system ends the process (SIGXCPU) that takes longer from now on, also where who started it was killed."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    # Whole seconds are counted.
    until = math.ceil(used.ru_utime + used.ru_stime) + limits.PATIENCE.seconds
    resource.setrlimit(resource.RLIMIT_CPU, (until if most == resource.RLIM_INFINITY else min(until, most), most))


def _next_job(questions: BinaryIO) -> bytes | None:
    """None: who asked has no more questions, or is gone."""
    head = questions.read(wire.LENGTH_BYTES)
    if len(head) < wire.LENGTH_BYTES:
        return None
    job = questions.read(length := wire.length_of(head))
    return job if len(job) == length else None


def _answered(question: bytes, max_bytes: int) -> bytes:
    """The frame to send."""
    try:
        asked = wire.question_of(question)
        frame = _frame_for(asked)
        if len(frame) <= limits.answer_bytes(wire.LENGTH_BYTES + len(question)):
            return frame
        return wire.framed(wire.NoFeed("refused: its items are together many times larger than the document"))
    except ports.ReadError as error:
        return wire.framed(wire.NoFeed.of(error))
    except MemoryError:
        megabytes = limits.memory_bytes(max_bytes) // 1_000_000
        return wire.framed(wire.NoFeed(f"refused: parsing it takes more than {megabytes} MB of memory"))
    except BaseException:  # noqa: BLE001 -- raised where it was asked; a panic of a library in Rust is no Exception
        return wire.framed(wire.Broke(traceback.format_exc()))


def _frame_for(asked: wire.Question) -> bytes:
    match asked:
        case wire.Page():
            return _of_page(asked)
        case wire.Undescribed():
            name, options = sources.lists_of(asked.body)
            return wire.framed(wire.Lists(name, tuple(dict(each) for each in options)))
        case _:
            return _framed(asked)


def _of_page(page: wire.Page) -> bytes:
    from bot.fetch import fulltext

    try:
        text = fulltext.main_text(page.content, url=page.url, content_type=page.content_type)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever the parser raises is the page's fault
        return wire.framed(wire.NoFeed.of(ports.ReadError(f"not readable: {type(error).__name__}: {error}"[:500])))
    return wire.framed(wire.Text.of(text))


def _framed(job: wire.Job) -> bytes:
    reading = sources.parse_document(job.body, kind=job.feed.kind, options=job.feed.options)
    try:
        return _done(job, reading)
    except UnicodeEncodeError:
        return _done(job, _without_surrogates(reading))


def _done(job: wire.Job, reading: model.Reading) -> bytes:
    items = articles.look_up(job.feed, reading, is_first=job.is_first).items
    return wire.framed(wire.Done(reading, wire.cleaned(reading, items)))


def _without_surrogates(reading: model.Reading) -> model.Reading:
    """Halves of surrogate pairs, which JSON can hold and UTF-8 cannot, are joined or become U+FFFD."""
    entries = tuple(dataclasses.replace(entry, **_mended(entry)) for entry in reading.entries)
    return dataclasses.replace(reading, **{**_mended(reading), "entries": entries})


def _mended(one: model.Reading | model.Entry) -> dict[str, Any]:
    values = {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}
    texts = {name: _joined(value) for name, value in values.items() if isinstance(value, str)}
    lists = {
        name: tuple(_joined(text) for text in value)
        for name, value in values.items()
        if isinstance(value, tuple) and value and isinstance(value[0], str)
    }
    return {**texts, **lists}


def _joined(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _memory() -> int | None:
    """Bytes that count towards RLIMIT_DATA; None: not told by this system, which then has no such limit either."""
    try:
        pages = int(os.pread(_statm(), 200, 0).split()[5])
    except (OSError, ValueError, IndexError):
        return None
    return pages * resource.getpagesize()


@functools.cache
def _statm() -> int:
    """Return the open file that tells the process's memory: once it is confined, it can open it no more."""
    return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)


def _write(answers: BinaryIO, frame: bytes) -> None:
    left = memoryview(frame)
    while left:
        left = left[answers.write(left) :]
