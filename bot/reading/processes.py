"""Documents parsed in reader processes: beside the one that fetches and stores, and apart from it.

A document that takes a process down (a fault in a parser, memory) or holds it for ever costs that document alone: its
feed's poll has failed, the process is started anew, and the other documents are parsed there.
"""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from bot import articles, model, ports
from bot.reading import process, wire

log = structlog.get_logger("wirewatch")


class Processes:
    """``count`` reader processes, each started when it is first needed."""

    def __init__(self, count: int, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._readers: list[process.Reader | None] = [None] * count
        #: So that a place is filled once.
        self._starting = asyncio.Lock()
        self._is_closed = False

    async def prepare(self) -> None:
        """Start the first process, so that it is ready when a document has been fetched. Does not wait for it."""
        if self._readers[0] is None and not self._starting.locked():
            with contextlib.suppress(ports.ReadError):  # told of the first document that is to be read
                await self._at(0)

    async def read(
        self, body: ports.Body, feed: model.Feed, *, is_first: bool
    ) -> tuple[model.Reading, articles.Lookup]:
        """Raises ReadError."""
        job = wire.Job(body, feed, is_first)
        while True:
            one = await self._at(self._least_busy())
            try:
                answer = await one.ask(job)
            except process.Ended as ended:
                if ended.is_of_this:
                    raise ports.ReadError(_over_this(str(ended))) from None
                continue  # it ended over another one
            if isinstance(answer, wire.NoFeed):
                raise answer.error()
            if isinstance(answer, wire.Broke):
                raise RuntimeError(f"in the reader process:\n{answer.traceback}")  # noqa: TRY004 -- no wrong type but our bug
            try:
                return answer.reading, wire.looked_up(answer, job)
            except wire.Garbage as garbage:
                why = f"it answered {garbage}"
                one.break_off(why)
                raise ports.ReadError(_over_this(why)) from None

    def _least_busy(self) -> int:
        return min(range(len(self._readers)), key=lambda place: self._load(self._readers[place]))

    def _load(self, one: process.Reader | None) -> int:
        return one.load if one is not None and one.is_alive else 0

    async def _at(self, place: int) -> process.Reader:
        found = self._readers[place]
        if found is not None and found.is_alive:
            return found
        async with self._starting:
            found = self._readers[place]
            if self._is_closed:
                raise ports.ReadError("not read: Wirewatch is stopping")
            if found is None or not found.is_alive:
                if found is not None:
                    await found.gone()
                    if found.end:
                        log.warning("reader ended", why=found.end, help="it is started again")
                found = self._readers[place] = await process.start(self._max_bytes)
            return found

    async def close(self) -> None:
        self._is_closed = True
        for each in self._readers:
            if each is not None:
                await each.close()


def _over_this(why: str) -> str:
    return f"the process that reads documents ended over this one ({why}); it is asked again later"
