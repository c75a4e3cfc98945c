"""Parse documents in reader processes, apart from the process that fetches and stores.

A document that takes a process down (a fault in a parser, memory) or holds it for ever costs that document alone: its
feed's poll fails, the process is started again, and the other documents are parsed there.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial

import structlog

from bot import articles, model, ports
from bot.fetch import fulltext
from bot.reading import limits, mails, process, wire
from bot.reading.threads import Threads

log = structlog.get_logger("wirewatch")


def of(policy: model.FetchPolicy) -> Threads | Processes:
    """Return the reader processes that ``policy`` asks for, or threads of this process. Starts nothing yet."""
    return Processes(policy.readers, max_bytes=policy.max_bytes) if policy.readers else Threads()


class Processes:
    """``count`` reader processes, each started when it is first needed."""

    def __init__(self, count: int, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._readers: list[process.ReaderProcess | None] = [None] * count
        #: So that each process is started once.
        self._starting = asyncio.Lock()
        self._is_closed = False
        #: Feeds whose last document was slow, or ended its process. They are parsed one at a time, on all processes
        #: together: otherwise the other feeds would wait until dozens of slow documents have been parsed.
        self._slow: set[str] = set()
        self._of_slow = asyncio.Lock()

    async def prepare(self) -> None:
        """Start the first process, so that it is ready when a document has been fetched. Does not wait for it."""
        if self._readers[0] is None and not self._starting.locked():
            with contextlib.suppress(ports.ReadError):  # the first document reports it
                await self._at(0)

    async def read(
        self, body: ports.Body, feed: model.Feed, *, is_first: bool
    ) -> tuple[model.Reading, articles.Lookup | None]:
        """Parse a document, and clean its entries. Raises ReadError."""
        if mails.holds_mails(body):
            return await mails.read_each(
                body, feed, partial(self._read, feed=feed, is_first=is_first), is_first=is_first
            )
        return await self._read(body, feed, is_first=is_first)

    async def _read(
        self, body: ports.Body, feed: model.Feed, *, is_first: bool
    ) -> tuple[model.Reading, articles.Lookup]:
        job = wire.Job(body, dataclasses.replace(feed, access=None), is_first)
        async with self._of_slow if feed.url in self._slow else contextlib.nullcontext():
            reader, done = await self._ask(job, feed_url=feed.url)
        if not isinstance(done, wire.Done):
            raise _told_of(reader, wire.Garbage("something else than a document"))
        try:
            return dataclasses.replace(done.reading, was_slow=feed.url in self._slow), wire.looked_up(done, job)
        except wire.Garbage as garbage:
            raise _told_of(reader, garbage) from None

    async def text_of_page(self, page: ports.Answer) -> str | None:
        """Return the main text of an article's page, or None if it has none. Raises ReadError."""
        content = page.body[: fulltext.MAX_PAGE_BYTES]
        reader, answer = await self._ask(wire.Page(content, page.url, page.content_type))
        if not isinstance(answer, wire.Text):
            raise _told_of(reader, wire.Garbage("something else than a text"))
        return answer.text[: fulltext.MAX_TEXT_LENGTH] if answer.text else None

    async def lists_of(self, body: ports.Body) -> tuple[str | None, Sequence[Mapping[str, str]]]:
        """Return a page's name, and selectors of its lists, the likeliest first. Raises ReadError."""
        reader, answer = await self._ask(wire.Undescribed(body))
        if not isinstance(answer, wire.Lists) or not wire.are_selectors(answer):
            raise _told_of(reader, wire.Garbage("something else than lists"))
        return answer.name, answer.options

    async def _ask(self, question: wire.Question, *, feed_url: str = "") -> tuple[process.ReaderProcess, wire.Answer]:
        """Return the process that answered, and its answer. Raises ReadError."""
        while True:
            reader = await self._at(min(range(len(self._readers)), key=self._load))
            try:
                answer, duration = await reader.ask(question)
            except process.Ended as ended:
                if ended.is_of_this:
                    self._slow.add(feed_url)
                    raise process.ReaderEnded(str(ended)) from None
                continue  # it ended over another question
            (self._slow.add if duration > limits.SLOW else self._slow.discard)(feed_url)
            if isinstance(answer, wire.NoFeed):
                raise answer.error()
            if isinstance(answer, wire.Broke):
                raise RuntimeError(f"in the reader process:\n{answer.traceback}")  # noqa: TRY004 -- our bug
            return reader, answer

    def _load(self, place: int) -> int:
        reader = self._readers[place]
        return reader.load if reader is not None and reader.is_alive else 0

    async def _at(self, place: int) -> process.ReaderProcess:
        """Return the process at a place of ``_readers``; start it if it does not run."""
        reader = self._readers[place]
        if reader is not None and reader.is_alive:
            return reader
        async with self._starting:
            reader = self._readers[place]
            if self._is_closed:
                raise process.NotStarted("not read: Wirewatch is stopping")
            if reader is None or not reader.is_alive:
                if reader is not None:
                    await reader.gone()
                    if reader.end:
                        log.warning("reader ended", why=reader.end, help="it is started again")
                reader = self._readers[place] = await process.start(self._max_bytes)
            return reader

    async def close(self) -> None:
        """End all reader processes."""
        self._is_closed = True
        for reader in self._readers:
            if reader is not None:
                await reader.close()


def _told_of(reader: process.ReaderProcess, garbage: wire.Garbage) -> ports.ReadError:
    """End the process that sent this answer; return the error to raise."""
    why = f"it answered {garbage}"
    reader.break_off(why)
    return process.ReaderEnded(why)
