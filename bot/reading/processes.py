"""Documents read in processes of their own: beside the one that asks and stores, and apart from it.

A document that takes a reader down (a fault in a parser, memory) or holds it for ever costs that document alone: it is
told as unreadable, the reader is started anew, and the others are read there.
"""

from __future__ import annotations

import asyncio

import structlog

from bot import model, ports
from bot.reading import packing, reader
from bot.reading.job import Done, Job

log = structlog.get_logger("wirewatch")


class Processes:
    def __init__(self, count: int) -> None:
        self._readers: list[reader.Reader | None] = [None] * count
        #: So that a place is filled once.
        self._starting = asyncio.Lock()
        self._is_closed = False

    async def open(self) -> None:
        """Raises WirewatchError where one cannot be started."""
        for place in range(len(self._readers)):
            await self._at(place)

    async def read(self, body: ports.Body, feed: model.Feed, *, is_first: bool) -> Done:
        """Raises ReadError."""
        frame = packing.packed(Job(body, feed, is_first))
        while True:
            try:
                answer = await (await self._at(self._least_busy())).ask(frame)
            except reader.Ended as ended:
                if ended.is_of_this:
                    raise ports.ReadError(
                        f"the process that reads documents ended over this one ({ended}); it is asked again later"
                    ) from None
                continue  # it ended over another one
            if isinstance(answer, Done):
                return answer
            raise answer

    def _least_busy(self) -> int:
        return min(range(len(self._readers)), key=lambda place: self._load(self._readers[place]))

    def _load(self, one: reader.Reader | None) -> int:
        return one.load if one is not None and one.is_alive else 0

    async def _at(self, place: int) -> reader.Reader:
        found = self._readers[place]
        if found is not None and found.is_alive:
            return found
        async with self._starting:
            found = self._readers[place]
            if self._is_closed:
                raise ports.ReadError("not read: Wirewatch is stopping")
            if found is None or not found.is_alive:
                if found is not None:
                    log.warning("reader ended", why=found.end, help="it is started again")
                found = self._readers[place] = await reader.start()
            return found

    async def close(self) -> None:
        self._is_closed = True
        for each in self._readers:
            if each is not None:
                await each.close()
