"""Documents parsed in reader processes: beside the one that fetches and stores, and apart from it.

A document that takes a process down (a fault in a parser, memory) or holds it for ever costs that document alone: its
feed's poll has failed, the process is started again, and the other documents are parsed there.
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
        #: So that a place is filled once.
        self._starting = asyncio.Lock()
        self._is_closed = False
        #: Feeds whose last document was slow, or ended its process. They are read one at a time, whatever the
        #: processes: else the documents of all other feeds wait until dozens of such have been read.
        self._slow: set[str] = set()
        self._of_slow = asyncio.Lock()

    async def prepare(self) -> None:
        """Start the first process, so that it is ready when a document has been fetched. Does not wait for it."""
        if self._readers[0] is None and not self._starting.locked():
            with contextlib.suppress(ports.ReadError):  # told of the first document that is to be read
                await self._at(0)

    async def read(
        self, body: ports.Body, feed: model.Feed, *, is_first: bool
    ) -> tuple[model.Reading, articles.Lookup | None]:
        """Raises ReadError."""
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
            one, done = await self._answered(job, of=feed.url)
        if not isinstance(done, wire.Done):
            raise _told_of(one, wire.Garbage("something else than a document"))
        try:
            return dataclasses.replace(done.reading, was_slow=feed.url in self._slow), wire.looked_up(done, job)
        except wire.Garbage as garbage:
            raise _told_of(one, garbage) from None

    async def text_of_page(self, page: ports.Answer) -> str | None:
        """The main text of an article's page; None: it has no article. Raises ReadError."""
        content = page.body[: fulltext.MAX_PAGE_BYTES]
        one, found = await self._answered(wire.Page(content, page.url, page.content_type))
        if not isinstance(found, wire.Text):
            raise _told_of(one, wire.Garbage("something else than a text"))
        return found.text[: fulltext.MAX_TEXT_LENGTH] if found.text else None

    async def lists_of(self, body: ports.Body) -> tuple[str | None, Sequence[Mapping[str, str]]]:
        """A page's name, and selectors of its lists, the likeliest first. Raises ReadError."""
        one, found = await self._answered(wire.Undescribed(body))
        if not isinstance(found, wire.Lists) or not wire.are_selectors(found):
            raise _told_of(one, wire.Garbage("something else than lists"))
        return found.name, found.options

    async def _answered(self, question: wire.Question, *, of: str = "") -> tuple[process.ReaderProcess, wire.Answer]:
        """The answer and the process that gave it; ``of``: the feed. Raises ReadError."""
        while True:
            one = await self._at(self._least_busy())
            try:
                answer, took = await one.ask(question)
            except process.Ended as ended:
                if ended.is_of_this:
                    self._slow.add(of)
                    raise process.ReaderEnded(str(ended)) from None
                continue  # it ended over another one
            (self._slow.add if took > limits.SLOW else self._slow.discard)(of)
            if isinstance(answer, wire.NoFeed):
                raise answer.error()
            if isinstance(answer, wire.Broke):
                raise RuntimeError(f"in the reader process:\n{answer.traceback}")  # noqa: TRY004 -- our bug
            return one, answer

    def _least_busy(self) -> int:
        return min(range(len(self._readers)), key=lambda place: self._load(self._readers[place]))

    def _load(self, one: process.ReaderProcess | None) -> int:
        return one.load if one is not None and one.is_alive else 0

    async def _at(self, place: int) -> process.ReaderProcess:
        found = self._readers[place]
        if found is not None and found.is_alive:
            return found
        async with self._starting:
            found = self._readers[place]
            if self._is_closed:
                raise process.NotStarted("not read: Wirewatch is stopping")
            if found is None or not found.is_alive:
                if found is not None:
                    await found.gone()
                    if found.end:
                        log.warning("reader ended", why=found.end, help="it is started again")
                found = self._readers[place] = await process.start(self._max_bytes)
            return found

    async def close(self) -> None:
        """End all reader processes."""
        self._is_closed = True
        for each in self._readers:
            if each is not None:
                await each.close()


def _told_of(one: process.ReaderProcess, garbage: wire.Garbage) -> ports.ReadError:
    """The process that answered so is ended."""
    why = f"it answered {garbage}"
    one.break_off(why)
    return process.ReaderEnded(why)
